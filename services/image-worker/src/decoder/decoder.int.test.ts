// Real decoder processes: every type in every mode, and what each picture must look like afterwards.

import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type DecodeClass, MEDIA_MODES, type MediaMode } from '@sekisho/contracts';
import {
  PICTURES, PICTURE_NAMES, type PictureName, blankPng, encodeAnimatedWebp, encodeGif, encodeJpeg, encodePng, entityBombSvg, gif, makePicture,
  paint, svg, webpFrames, xxeSvg,
} from '@sekisho/testkit';
import sharp, { type Metadata, type Sharp } from 'sharp';
import { type DecodeOutcome, DecoderPool } from '../pool/pool.ts';
import { decideSandbox } from '../sandbox/decide.ts';
import { createSpawn } from '../sandbox/spawn.ts';

const require = createRequire(import.meta.url);
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
let pool: DecoderPool;
let site = 0;

beforeAll(async () => {
  pool = new DecoderPool({ slots: 2, isolation: 'site', spawn: createSpawn({ sandbox: decideSandbox('require').sandbox }) });
  expect(await pool.warm()).toBe(true);
}, 30_000);
afterAll(async () => await pool.close());

const classOf = (bytes: Buffer, type: string): DecodeClass => (type === 'image/svg+xml' || bytes.includes('<svg') ? 'svg' : 'raster');

/** Good pictures share a site, so that a whole row costs one process. */
function decode(bytes: Buffer, mode: MediaMode, of: DecodeClass = 'raster', token = 'good'): Promise<DecodeOutcome> {
  return pool.decode({ isolation: token, class: of, mode, body: bytes, remainingMs: 20_000 });
}
const refused = async (bytes: Buffer, mode: MediaMode, of: DecodeClass = 'raster'): Promise<string> => {
  site += 1;
  const outcome = await decode(bytes, mode, of, `bad-${site}`);
  return outcome.ok ? 'ok' : outcome.code;
};

interface Made { readonly outcome: Extract<DecodeOutcome, { ok: true }>; readonly meta: Metadata; readonly image: Sharp }
async function made(bytes: Buffer, mode: MediaMode, of: DecodeClass = 'raster'): Promise<Made> {
  const outcome = await decode(bytes, mode, of);
  if (!outcome.ok) throw new Error(`${outcome.code} ${outcome.detail ?? ''}`);
  const image = sharp(outcome.body, { animated: true });
  return { outcome, image, meta: await image.metadata() };
}

const BOXES: Readonly<Record<MediaMode, readonly [number, number]>> = {
  asis: [1_024, 1_024], emoji: [16_383, 128], avatar: [16_383, 320], 'emoji-static': [16_383, 128], 'avatar-static': [16_383, 320],
  static: [498, 422], preview: [200, 200], badge: [96, 96],
};
const ANIMATED: ReadonlySet<string> = new Set(['image/gif', 'image/webp']);
const REFUSED_TYPES: ReadonlySet<string> = new Set(['image/tiff', 'text/plain', 'text/html', 'application/octet-stream']);
/** One colour, or nothing drawn. */
const FLAT: ReadonlySet<PictureName> = new Set<PictureName>(['png-flat', 'gif-no-loop', 'gif-script', 'svg-script', 'png-text-chunk']);

/** Width and height that must come out: fit inside, never enlarged but for an SVG that is drawn for its place. */
function expectedSize(width: number, height: number, mode: MediaMode, vector: boolean): readonly [number, number] {
  const [boxWidth, boxHeight] = BOXES[mode];
  const fit = Math.min(vector ? 1_024 / width : boxWidth / width, boxWidth / width, boxHeight / height);
  const grows = vector && mode !== 'asis' && mode !== 'static' && mode !== 'preview';
  const scale = grows ? fit : Math.min(1, fit);
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

/** Every picture in the modes that differ most, one of each type in the others. */
const WHOLE: ReadonlySet<MediaMode> = new Set<MediaMode>(['emoji', 'static', 'badge']);
const ONE_EACH: readonly PictureName[] = [
  'png-emoji', 'apng-small', 'jpeg-orientation-6', 'gif-loop-3', 'webp-animated', 'avif-still', 'avif-animated', 'bmp', 'ico-png', 'svg', 'tiff', 'text',
];

describe.each(MEDIA_MODES)('mode %s', (mode) => {
  it.each(WHOLE.has(mode) ? PICTURE_NAMES : ONE_EACH)('of %s', async (name) => {
    const picture = PICTURES[name];
    const bytes = await picture.bytes();
    const vector = picture.type === 'image/svg+xml';
    const of = vector ? 'svg' : 'raster';
    if (REFUSED_TYPES.has(picture.type) || (mode === 'asis' && !vector)) return expect(await refused(bytes, mode, of)).toBe('SEKISHO_TYPE_NOT_CONVERTIBLE');
    if (mode === 'badge' && FLAT.has(name)) return expect(await refused(bytes, mode, of)).toBe('SEKISHO_IMAGE_FLAT');
    const { outcome, meta } = await made(bytes, mode, of);
    const moves = (mode === 'emoji' || mode === 'avatar') && ANIMATED.has(picture.type) && picture.frames > 1;
    const [width, height] = mode === 'badge' ? [96, 96] : expectedSize(picture.width, picture.height, mode, vector);
    expect(outcome.result).toEqual({ type: mode === 'badge' ? 'image/png' : 'image/webp', width, height, frames: moves ? picture.frames : 1, framesCapped: false });
    expect([meta.format, meta.width, meta.pageHeight ?? meta.height]).toEqual([mode === 'badge' ? 'png' : 'webp', width, height]);
    if (moves && name !== 'gif-no-loop') expect([meta.pages, meta.loop]).toEqual([picture.frames, picture.loop ?? 0]);
    expect([meta.exif, meta.icc, meta.xmp, meta.iptc]).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe('orientation', () => {
  // Left half red, right half blue, stored turned: upright again it must be red on the left, whatever the mode.
  const upright = (): Sharp => sharp({ create: { width: 40, height: 20, channels: 3, background: '#f00' } })
    .composite([{ input: { create: { width: 20, height: 20, channels: 3, background: '#00f' } }, left: 20, top: 0 }]);
  const TURNS = { 3: 180, 6: -90, 8: 90 } as const;

  it.each(['emoji', 'avatar', 'emoji-static', 'static', 'preview'] as const)('is applied in mode %s', async (mode) => {
    const flat = await upright().png().toBuffer();
    for (const [orientation, degrees] of Object.entries(TURNS)) {
      const turned = await sharp(flat).rotate(degrees).jpeg({ quality: 95 }).withMetadata({ orientation: Number(orientation) }).toBuffer();
      const { image, meta } = await made(turned, mode);
      expect([meta.width, meta.height, meta.orientation]).toEqual([40, 20, undefined]);
      const { data } = await image.removeAlpha().raw().toBuffer({ resolveWithObject: true });
      const at = (x: number): readonly number[] => [...data.subarray((10 * 40 + x) * 3, (10 * 40 + x) * 3 + 3)];
      expect(at(5)[0]).toBeGreaterThan(200);
      expect(at(35)[2]).toBeGreaterThan(200);
    }
  });
});

describe('animations', () => {
  it('keep each delay', async () => {
    const delay = [50, 120, 1_000];
    const frames = await Promise.all(['#f00', '#0f0', '#00f'].map(async (background) =>
      await sharp({ create: { width: 20, height: 20, channels: 3, background } }).png().toBuffer()));
    const source = await sharp(frames, { join: { animated: true } }).gif({ delay, loop: 5 }).toBuffer();
    const { meta } = await made(source, 'emoji');
    expect([meta.delay, meta.loop]).toEqual([delay, 5]);
  });

  it('are resized as a whole', async () => {
    const { meta } = await made(await encodeAnimatedWebp({ width: 256, height: 256, frames: 3, loop: 0 }), 'emoji');
    expect([meta.width, meta.pageHeight, meta.pages]).toEqual([128, 128, 3]);
  });

  it.each<[string, () => Buffer | Promise<Buffer>, number, boolean]>([
    ['300 frames of GIF move', () => gif({ width: 2, height: 2, frames: 300, loop: 0, frameWidth: 2, frameHeight: 2 }), 300, false],
    ['301 frames of GIF are the first one', () => gif({ width: 2, height: 2, frames: 301, loop: 0, frameWidth: 2, frameHeight: 2 }), 1, true],
    ['301 frames of WebP are the first one', () => webpFrames(301, 8), 1, true],
    ['more than 100 MP in all are the first one', () => gif({ width: 3_000, height: 3_000, frames: 12, loop: 0, frameWidth: 3_000, frameHeight: 3_000 }), 1, true],
  ])('%s', async (_name, make, frames, framesCapped) => {
    expect((await made(await make(), 'emoji')).outcome.result).toMatchObject({ frames, framesCapped });
  });

  it('are still in the other modes, without a note', async () => {
    const source = await encodeGif({ width: 30, height: 30, frames: 4, loop: 0 });
    for (const mode of ['static', 'preview', 'emoji-static', 'avatar-static'] as const) {
      expect((await made(source, mode)).outcome.result).toMatchObject({ frames: 1, framesCapped: false });
    }
  });
});

describe('sizes', () => {
  it('of a wide emoji stay: only its height is bound', async () => {
    expect((await made(encodePng(paint(3_000, 100, 3)), 'emoji')).outcome.result).toMatchObject({ width: 3_000, height: 100 });
  });

  it('never pass what a WebP can hold', async () => {
    expect((await made(blankPng({ width: 40_000, height: 64, colour: 0 }), 'emoji')).outcome.result).toMatchObject({ width: 16_383, height: 26 });
  });

  it.each<[string, number, number, MediaMode, number, number]>([
    ['a tiny SVG as emoji', 8, 8, 'emoji', 128, 128],
    ['a huge SVG as emoji', 10_000, 5_000, 'emoji', 256, 128],
    ['a wide SVG as emoji', 5_000, 10, 'emoji', 1_024, 2],
    ['a huge SVG as it is', 7_000, 7_000, 'asis', 1_024, 1_024],
    ['a long SVG as it is', 49_000, 1_000, 'asis', 1_024, 21],
    ['an SVG of 1,024 as it is', 1_024, 512, 'asis', 1_024, 512],
    ['an SVG of 1,025 as it is', 1_025, 100, 'asis', 1_024, 100],
    ['a tiny SVG as preview', 8, 8, 'preview', 8, 8],
  ])('of %s', async (_name, width, height, mode, outWidth, outHeight) => {
    const bytes = latin1(svg({ width, height }, '<circle cx="4" cy="4" r="3" fill="#fc0"/>'));
    const { result } = (await made(bytes, mode, 'svg')).outcome;
    expect(Math.abs(result.width - outWidth)).toBeLessThanOrEqual(1);
    expect(Math.abs(result.height - outHeight)).toBeLessThanOrEqual(1);
    expect(Math.max(result.width, result.height)).toBeLessThanOrEqual(1_024);
  });

  it('of a tiny SVG come with detail, not from a magnified thumbnail', async () => {
    const bytes = latin1(svg({ width: 8, height: 8 }, '<rect width="4" height="8" fill="#000"/><rect x="4" width="4" height="8" fill="#fff"/>'));
    const { data } = await (await made(bytes, 'emoji', 'svg')).image.removeAlpha().greyscale().raw().toBuffer({ resolveWithObject: true });
    const row = [...data.subarray(64 * 128, 65 * 128)];
    expect(row.filter((value) => value > 40 && value < 215).length).toBeLessThanOrEqual(4);
  });
});

describe('badge', () => {
  it('is a mask: R, G, B and A are the brightness', async () => {
    const { image, meta } = await made(await makePicture('png-avatar'), 'badge');
    expect([meta.width, meta.height, meta.channels]).toEqual([96, 96, 4]);
    const data = await image.raw().toBuffer();
    for (let at = 0; at < data.length; at += 4) expect(new Set(data.subarray(at, at + 4)).size).toBe(1);
  });

  it('keeps the shape and leaves the rest clear', async () => {
    const { image } = await made(await makePicture('png-wide'), 'badge');
    const data = await image.raw().toBuffer();
    expect([...data.subarray(0, 4)]).toEqual([0, 0, 0, 0]);
  });

  it.each<[string, () => Buffer | Promise<Buffer>]>([
    ['one colour', () => blankPng({ width: 64, height: 64, colour: 2 })],
    ['one colour that is not square', () => blankPng({ width: 64, height: 16, colour: 2 })],
    ['nothing at all', () => sharp({ create: { width: 32, height: 32, channels: 4, background: '#0000' } }).png().toBuffer()],
  ])('of %s is refused', async (_name, make) => {
    expect(await refused(await make(), 'badge')).toBe('SEKISHO_IMAGE_FLAT');
  });
});

describe('hostile pictures', () => {
  it.each<[string, () => Buffer | Promise<Buffer>, string]>([
    ['a frame of one row above 50 MP', () => blankPng({ width: 50_000, height: 1_001, colour: 0 }), 'SEKISHO_IMAGE_HEADER'],
    ['a cut JPEG', async () => (await encodeJpeg(320, 240)).subarray(0, 2_000), 'SEKISHO_IMAGE_DECODE'],
    ['a cut PNG', async () => encodePng(paint(320, 240, 3)).subarray(0, 5_000), 'SEKISHO_IMAGE_DECODE'],
    ['only a magic', () => Buffer.from('89504e470d0a1a0a0000000d', 'hex'), 'SEKISHO_IMAGE_DECODE'],
    ['an SVG in a raster process', () => makePicture('svg'), 'SEKISHO_TYPE_NOT_CONVERTIBLE'],
    ['a GIF animation without a frame', () => Buffer.concat([latin1('GIF89a'), Buffer.alloc(7), latin1(';')]), 'SEKISHO_IMAGE_HEADER'],
  ])('%s', async (_name, make, code) => {
    expect(await refused(await make(), 'emoji')).toBe(code);
  });

  it.each<[string, () => Buffer | Promise<Buffer>, readonly string[]]>([
    ['entities of entities', () => latin1(entityBombSvg(9)), ['SEKISHO_IMAGE_HEADER', 'SEKISHO_IMAGE_DECODE']],
    ['a compressed one', () => Buffer.from('1f8b0800000000000003', 'hex'), ['SEKISHO_TYPE_NOT_CONVERTIBLE']],
    ['a PNG in an SVG process', () => makePicture('png-emoji'), ['SEKISHO_IMAGE_HEADER']],
    ['more than 512 KiB', () => latin1(svg({ width: 8, height: 8 }, ' '.repeat(512 * 1_024))), ['SEKISHO_IMAGE_HEADER']],
    ['more than 50 MP', () => latin1(svg({ width: 10_000, height: 5_001 }, '')), ['SEKISHO_IMAGE_HEADER']],
    ['a width of 100,000', () => latin1(svg({ width: 100_000, height: 100_000 }, '')), ['SEKISHO_IMAGE_HEADER']],
    ['text', () => latin1('hello, world, this is text'), ['SEKISHO_IMAGE_HEADER']],
  ])('as SVG: %s', async (_name, make, codes) => {
    expect(codes).toContain(await refused(await make(), 'asis', 'svg'));
  }, 15_000);

  it('an external entity shows no file', async () => {
    expect(['SEKISHO_IMAGE_HEADER', 'SEKISHO_IMAGE_DECODE', 'ok']).toContain(await refused(latin1(xxeSvg('/etc/hostname')), 'asis', 'svg'));
  });
});

describe('sharp-lean.cjs', () => {
  const { transform } = require('./transform.cjs') as {
    transform(library: typeof sharp, job: object, bytes: Buffer): Promise<{ readonly body: Buffer }>;
  };

  it('is in use for the installed version, whose output it was compared with', () => {
    expect((require('sharp') as typeof sharp).versions.sharp).toBe('0.35.5');
  });

  it.each<[PictureName, MediaMode]>([
    ['png-emoji', 'emoji'], ['jpeg-photo', 'static'], ['jpeg-orientation-6', 'avatar'], ['jpeg-cmyk', 'preview'], ['gif-loop-3', 'emoji'],
    ['webp-animated', 'avatar'], ['avif-still', 'preview'], ['ico-bmp', 'emoji'], ['svg', 'asis'], ['png-avatar', 'badge'],
  ])('gives the same bytes as plain sharp for %s as %s', async (name, mode) => {
    const bytes = await makePicture(name);
    const of = classOf(bytes, PICTURES[name].type);
    const plain = await transform(sharp, { class: of, mode }, bytes);
    const { outcome } = await made(bytes, mode, of);
    expect(outcome.body.equals(plain.body)).toBe(true);
  });
});
