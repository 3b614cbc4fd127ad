// Every type in every mode: what comes out is decoded here and compared with what the contract says.

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { encodeGif, encodeJpeg, makePicture, makeStream, type PictureName, PICTURES, STREAM_TYPES } from '@sekisho/testkit';
import sharp from 'sharp';
import { expectMediaAnswer, expectPicture, expectRefusal, see } from './contract.ts';
import { type Fixture, START_MS, startFixture } from './fixture.ts';

jest.setTimeout(60_000);
let stack: Fixture;
beforeAll(async () => {
  stack = await startFixture();
}, START_MS);
afterAll(async () => await stack?.stop());

const MODES = ['', 'emoji', 'avatar', 'static', 'emoji&static', 'avatar&static', 'preview', 'badge'] as const;
type Mode = (typeof MODES)[number];
type Size = readonly [number, number];

const scaled = ([width, height]: Size, factor: number): Size => (factor >= 1 ? [width, height] : [Math.max(1, Math.round(width * factor)), Math.max(1, Math.round(height * factor))]);
const inside = ([width, height]: Size, [maxWidth, maxHeight]: Size): Size => scaled([width, height], Math.min(maxWidth / width, maxHeight / height));

/** Size of the result; sharp may round a side the other way. */
const SIZES: Readonly<Record<Exclude<Mode, ''>, (size: Size) => Size>> = {
  emoji: (size) => scaled(size, 128 / size[1]),
  avatar: (size) => scaled(size, 320 / size[1]),
  'emoji&static': (size) => scaled(size, 128 / size[1]),
  'avatar&static': (size) => scaled(size, 320 / size[1]),
  static: (size) => inside(size, [498, 422]),
  preview: (size) => inside(size, [200, 200]),
  badge: () => [96, 96],
};

const STILL: readonly PictureName[] = [
  'png-emoji', 'png-avatar', 'png-wide', 'png-16bit', 'png-html-tail', 'png-text-chunk', 'jpeg-photo', 'jpeg-progressive', 'jpeg-orientation-6', 'jpeg-cmyk',
  'jpeg-late-frame', 'webp-still', 'webp-lossless', 'avif-still', 'bmp', 'ico-png', 'ico-bmp',
];
const MOVING: readonly PictureName[] = ['gif-loop-3', 'gif-endless', 'webp-animated'];
const PASSED: readonly PictureName[] = ['apng-small', 'avif-animated'];
const VECTOR: readonly PictureName[] = ['svg', 'svg-prolog', 'svg-script'];

const hosts = new Map<string, string>();
/** Each picture on a host of its own, so that none is slowed by the per-host rate. */
async function ask(name: PictureName, mode: Mode) {
  let url = hosts.get(name);
  if (url === undefined) {
    stack.origin.serve(`/m/${name}`, { bytes: await makePicture(name), type: PICTURES[name].type });
    url = stack.origin.url(`/m/${name}`, `${name}.origin.example`);
    hosts.set(name, url);
  }
  return await stack.media(url, mode, { client: '198.51.100.20' });
}

async function expectStill(name: PictureName, mode: Exclude<Mode, ''>): Promise<void> {
  const answer = await ask(name, mode);
  // A badge of a picture with too little contrast is refused, which its own test holds.
  if (mode === 'badge' && answer.status === 404) return expectRefusal(answer, 404, 'UNDECODABLE');
  const seen = await expectPicture(answer);
  const [width, height] = SIZES[mode]([PICTURES[name].width, PICTURES[name].height]);
  expect(answer.headers['content-type']).toBe(mode === 'badge' ? 'image/png' : 'image/webp');
  expect({ name, mode, type: seen.type, frames: seen.frames }).toEqual({ name, mode, type: mode === 'badge' ? 'image/png' : 'image/webp', frames: 1 });
  expect(Math.abs(seen.width - width)).toBeLessThanOrEqual(1);
  expect(Math.abs(seen.height - height)).toBeLessThanOrEqual(1);
}

const rest = MODES.filter((mode) => mode !== '');
const isByHeight = (mode: Mode): boolean => mode.startsWith('emoji') || mode.startsWith('avatar');
const keepsMotion = (mode: Mode): boolean => mode === 'emoji' || mode === 'avatar';

describe('a still picture', () => {
  it.each(STILL)('%s: as it is, or WebP in every mode', async (name) => {
    const plain = await ask(name, '');
    expect(plain.body.equals(await makePicture(name))).toBe(true);
    expect(plain.headers['content-type']).toBe(PICTURES[name].type);
    expectMediaAnswer(plain);
    for (const mode of rest) await expectStill(name, mode);
  });
});

describe('an animation', () => {
  it.each(MOVING)('%s: moves as emoji and avatar, stands still else', async (name) => {
    expect((await ask(name, '')).body.equals(await makePicture(name))).toBe(true);
    for (const mode of rest) {
      if (!keepsMotion(mode)) {
        await expectStill(name, mode);
        continue;
      }
      const { frames, loop } = PICTURES[name];
      expect(await expectPicture(await ask(name, mode))).toMatchObject({ type: 'image/webp', frames, loop, width: 96, height: 96 });
    }
  });

  it('keeps the delays of its frames', async () => {
    const source = await makePicture('gif-loop-3');
    const made = await ask('gif-loop-3', 'emoji');
    expect((await sharp(made.body).metadata()).delay).toEqual((await sharp(source).metadata()).delay);
  });

  it('loops for ever where the file names no count', async () => {
    const looped = await encodeGif({ width: 32, height: 32, frames: 3, loop: 3 });
    const at = looped.indexOf('NETSCAPE2.0', 0, 'latin1');
    const once = Buffer.concat([looped.subarray(0, at - 3), looped.subarray(at + 16)]);
    expect(await expectPicture(await stack.media(stack.publish(once), 'emoji'))).toMatchObject({ frames: 3, loop: 0 });
  });

  it('is made smaller frame by frame', async () => {
    const large = await encodeGif({ width: 300, height: 200, frames: 4, loop: 0 });
    expect(await expectPicture(await stack.media(stack.publish(large), 'emoji'))).toMatchObject({ frames: 4, width: 192, height: 128 });
  });

  it.each(PASSED)('%s: passes as emoji and avatar, stands still else', async (name) => {
    for (const mode of ['', 'emoji', 'avatar'] as const) {
      const answer = await ask(name, mode);
      expect({ mode, status: answer.status, type: answer.headers['content-type'] }).toEqual({ mode, status: 200, type: PICTURES[name].type });
      expect(answer.body.equals(await makePicture(name))).toBe(true);
      expectMediaAnswer(answer);
    }
    for (const mode of rest.filter((each) => !keepsMotion(each))) await expectStill(name, mode);
  });

  it.each(['apng-wide', 'apng-heavy'] as const)('%s is too large to pass: still', async (name) => {
    for (const mode of rest) await expectStill(name, mode);
  });
});

describe('SVG', () => {
  it.each(VECTOR)('%s: a WebP in every mode, never SVG', async (name) => {
    const plain = await ask(name, '');
    expect(await expectPicture(plain)).toMatchObject({ type: 'image/webp', width: 64, height: 64 });
    for (const mode of rest.filter((each) => !isByHeight(each))) await expectStill(name, mode);
    // It has no pixels to lose: drawn at full height.
    for (const mode of rest.filter(isByHeight)) {
      const side = mode.startsWith('emoji') ? 128 : 320;
      expect(await expectPicture(await ask(name, mode))).toMatchObject({ type: 'image/webp', width: side, height: side, frames: 1 });
    }
  });

  it('is at most 1024 pixels a side', async () => {
    const big = '<svg xmlns="http://www.w3.org/2000/svg" width="4000" height="2000"><rect width="4000" height="2000" fill="#369"/></svg>';
    const answer = await stack.media(stack.publish(Buffer.from(big), { type: 'image/svg+xml' }));
    const { width, height } = await expectPicture(answer);
    expect([width, height]).toEqual([1_024, 512]);
  });
});

describe('orientation', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8] as const)('%i is applied in every mode', async (orientation) => {
    const source = await encodeJpeg(160, 120, { orientation });
    const url = stack.publish(source);
    for (const [mode, box] of [['emoji', { height: 128 }], ['avatar', { height: 320 }], ['static', { width: 498, height: 422 }], ['preview', { width: 200, height: 200 }]] as const) {
      const seen = await expectPicture(await stack.media(url, mode));
      const upright = await sharp(source).autoOrient().resize({ ...box, fit: 'inside', withoutEnlargement: true }).raw().toBuffer({ resolveWithObject: true });
      expect({ mode, width: seen.width, height: seen.height }).toEqual({ mode, width: upright.info.width, height: upright.info.height });
      const made = await sharp((await stack.media(url, mode)).body).removeAlpha().raw().toBuffer();
      expect(difference(made, upright.data)).toBeLessThan(20);
    }
  });
});

/** Mean difference of two pictures of the same size, 0 to 255. */
const difference = (a: Buffer, b: Buffer): number => {
  let sum = 0;
  for (let at = 0; at < b.length; at += 1) sum += Math.abs((a[at] ?? 0) - (b[at] ?? 0));
  return sum / b.length;
};

describe('a badge', () => {
  it('is a mask: all four channels are one, transparent where the picture is', async () => {
    const answer = await ask('png-emoji', 'badge');
    const { data, info } = await sharp(answer.body).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: 96, height: 96, channels: 4 });
    const differing = Array.from({ length: 96 * 96 }, (_, at) => data.subarray(at * 4, at * 4 + 4)).filter((pixel) => new Set(pixel).size !== 1);
    expect(differing.length).toBe(0);
    expect([...data.subarray(0, 4)]).toEqual([0, 0, 0, 0]);
    expect(new Set(data).size).toBeGreaterThan(2);
  });
});

describe('what is no picture', () => {
  it.each(['text', 'html', 'empty'] as const)('%s: 403 without a mode, 404 with one', async (name) => {
    expectRefusal(await ask(name, ''), 403, 'FORBIDDEN_TYPE');
    for (const mode of rest) expectRefusal(await ask(name, mode), 404, 'FORBIDDEN_TYPE');
  });

  it('TIFF passes, and is transformed in no mode', async () => {
    const plain = await ask('tiff', '');
    expect(plain.headers['content-type']).toBe('image/tiff');
    for (const mode of rest) expectRefusal(await ask('tiff', mode), 404, 'FORBIDDEN_TYPE');
  });

  it.each(STREAM_TYPES)('%s passes, and is transformed in no mode', async (type) => {
    const url = stack.publish(makeStream(type, 20_000), { type: 'image/png' });
    const answer = await stack.media(url);
    expect({ status: answer.status, type: answer.headers['content-type'], bytes: answer.body.length }).toEqual({ status: 200, type: type, bytes: 20_000 });
    expectMediaAnswer(answer);
    for (const mode of rest) expectRefusal(await stack.media(url, mode), 404, 'FORBIDDEN_TYPE');
  });

  it.each([
    ['PDF', Buffer.from('%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n')], ['JSON', Buffer.from('{"a":1}')], ['XML', Buffer.from('<?xml version="1.0"?><rss/>')],
    ['gzip', Buffer.from('1f8b0800000000000003', 'hex')], ['ZIP', Buffer.from('504b0304140000000000', 'hex')], ['ELF', Buffer.from('7f454c4602010100', 'hex')],
    ['HEIC', Buffer.from('000000186674797068656963000000006d69663168656963', 'hex')], ['JXL', Buffer.from('ff0a', 'hex')], ['JavaScript', Buffer.from('alert(1)')],
  ])('%s is refused, whatever its origin says', async (_name, bytes) => {
    const url = stack.publish(bytes, { type: 'image/png' });
    expectRefusal(await stack.media(url), 403, 'FORBIDDEN_TYPE');
    expectRefusal(await stack.media(url, 'emoji'), 404, 'FORBIDDEN_TYPE');
  });
});

describe('the origin\'s word', () => {
  it('counts for nothing: the bytes tell the type', async () => {
    for (const type of ['text/html', 'image/svg+xml', 'application/octet-stream', 'image/png, text/html', 'video/mp4']) {
      const url = stack.publish(await makePicture('png-emoji'), { type });
      const plain = await stack.media(url);
      expect(plain.headers['content-type']).toBe('image/png');
      expect((await see((await stack.media(url, 'preview')).body)).type).toBe('image/webp');
    }
  });
});
