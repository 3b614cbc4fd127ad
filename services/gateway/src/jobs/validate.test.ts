import { describe, expect, it } from '@jest/globals';
import type { ImageReplyOk, MediaMode } from '@sekisho/contracts';
import * as fc from 'fast-check';
import { checkResult, clampCpuMs, isWorkerCode } from './validate.ts';

const chunk = (name: string, body: Buffer): Buffer => {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(body.length);
  return Buffer.concat([Buffer.from(name), size, body, Buffer.alloc(body.length % 2)]);
};
const riff = (...chunks: Buffer[]): Buffer => chunk('RIFF', Buffer.concat([Buffer.from('WEBP'), ...chunks]));
const still = (width: number, height: number): Buffer => {
  const body = Buffer.alloc(6);
  body[0] = 0x2f;
  body.writeUInt32LE((width - 1) | ((height - 1) << 14), 1);
  return riff(chunk('VP8L', body));
};
const u24 = (value: number): Buffer => Buffer.from([value & 255, (value >> 8) & 255, value >> 16]);
const animation = (width: number, height: number, frames: number): Buffer => {
  const flags = Buffer.from([0x02, 0, 0, 0]);
  const frame = chunk('ANMF', Buffer.concat([u24(0), u24(0), u24(width - 1), u24(height - 1), u24(40), Buffer.of(0)]));
  return riff(chunk('VP8X', Buffer.concat([flags, u24(width - 1), u24(height - 1)])), chunk('ANIM', Buffer.alloc(6)), ...Array.from({ length: frames }, () => frame));
};
const png = (width: number, height: number): Buffer => {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 6, 0, 0, 0], 8);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(13);
  const idat = Buffer.from('0000000049444154ffffffff', 'hex');
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), size, Buffer.from('IHDR'), header, Buffer.alloc(4), idat, Buffer.from('0000000049454e44ae426082', 'hex')]);
};
const reply = (body: Buffer, over: Partial<ImageReplyOk> = {}): ImageReplyOk => ({
  v: 1, jobId: 'AAAAAAAAAAAAAAAAAAAAAA', ok: true, type: 'image/webp', width: 10, height: 10, frames: 1,
  bytes: body.length, cpuMs: 5, waitMs: 1, ...over,
});

const size = (mode: MediaMode, width: number, height: number): string | undefined => {
  const isBadge = mode === 'badge';
  const body = isBadge ? png(width, height) : still(width, height);
  return checkResult(mode, reply(body, { width, height, type: isBadge ? 'image/png' : 'image/webp' }), body);
};

describe('checkResult()', () => {
  it.each<[MediaMode, number, number, boolean]>([
    ['emoji', 3_000, 128, true], ['emoji', 10, 129, false],
    ['avatar', 3_000, 320, true], ['avatar', 10, 321, false],
    ['emoji-static', 10, 128, true], ['emoji-static', 10, 129, false],
    ['avatar-static', 10, 320, true], ['avatar-static', 10, 321, false],
    ['static', 498, 422, true], ['static', 499, 422, false], ['static', 498, 423, false],
    ['preview', 200, 200, true], ['preview', 201, 200, false], ['preview', 200, 201, false],
    ['badge', 96, 96, true], ['badge', 97, 96, false], ['badge', 96, 97, false],
    ['asis', 1_024, 1_024, true], ['asis', 1_025, 1_024, false], ['asis', 1_024, 1_025, false],
  ])('%s of %d x %d fits: %s', (mode, width, height, fits) => {
    expect(size(mode, width, height) === undefined).toBe(fits);
  });

  const body = still(10, 10);
  const moving = animation(10, 10, 3);
  const cases: readonly (readonly [string, MediaMode, ImageReplyOk, Buffer, boolean])[] = [
    ['the truth', 'emoji', reply(body), body, true],
    ['more bytes in the reply', 'emoji', reply(body, { bytes: body.length + 1 }), body, false],
    ['fewer bytes in the reply', 'emoji', reply(body, { bytes: body.length - 1 }), body, false],
    ['another type', 'badge', reply(body, { type: 'image/png' }), body, false],
    ['a WebP for a badge', 'badge', reply(body), body, false],
    ['a PNG for an emoji', 'emoji', reply(png(10, 10), { type: 'image/png' }), png(10, 10), false],
    ['another width', 'emoji', reply(body, { width: 11 }), body, false],
    ['another height', 'emoji', reply(body, { height: 9 }), body, false],
    ['a script behind the picture', 'emoji', reply(Buffer.concat([body, Buffer.from('<script>')])), Buffer.concat([body, Buffer.from('<script>')]), false],
    ['HTML', 'emoji', reply(Buffer.from('<html>')), Buffer.from('<html>'), false],
    ['SVG', 'asis', reply(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')), Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), false],
    ['a cut picture', 'emoji', reply(body.subarray(0, 20)), body.subarray(0, 20), false],
    ['an animation', 'emoji', reply(moving, { frames: 3 }), moving, true],
    ['an animation with fewer frames in the reply', 'emoji', reply(moving, { frames: 2 }), moving, false],
    ['an animation for a still mode', 'emoji-static', reply(moving, { frames: 3 }), moving, false],
    ['a hidden animation for a still mode', 'static', reply(moving), moving, false],
  ];
  it.each(cases.map(([name, ...rest]) => ({ name, rest })))('$name', ({ rest: [mode, said, bytes, fits] }) => {
    expect(checkResult(mode, said, bytes) === undefined).toBe(fits);
  });

  it('never throws, and lets no random bytes pass', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (random) => {
        const bytes = Buffer.from(random);
        expect(checkResult('emoji', reply(bytes), bytes)).toEqual(expect.any(String));
      }),
    );
  });
});

describe('clampCpuMs()', () => {
  it.each([[5, 10, 5], [10, 10, 10], [11, 10, 10], [0, 10, 0], [5, -1, 0], [5, 4.2, 5]])('%d of %d ms is %d', (cpuMs, wallMs, clamped) => {
    expect(clampCpuMs(cpuMs, wallMs)).toBe(clamped);
  });
});

describe('isWorkerCode()', () => {
  it.each([['SEKISHO_IMAGE_DECODE', true], ['SEKISHO_DEADLINE', true], ['SEKISHO_UPSTREAM_STATUS', false], ['SEKISHO_LIMIT_CLIENT', false], ['SEKISHO_LOOP', false]] as const)(
    '%s: %s', (code, may) => expect(isWorkerCode(code)).toBe(may),
  );
});
