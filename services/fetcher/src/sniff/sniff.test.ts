import { describe, expect, it } from '@jest/globals';
import { CONVERTIBLE_TYPES, type FetchRequest, LIMITS } from '@sekisho/contracts';
import { acTL, blankPng, logoSvg, makeStream, png, STREAM_TYPES } from '@sekisho/testkit';
import fc from 'fast-check';
import { decide } from './decide.ts';
import { normalizeType, sniff, type Sniffed } from './sniff.ts';

const limits = { bytesMax: 250 * 1024 * 1024, deadlineMs: 1 };
const asked = (want: FetchRequest['want'], storeTypes?: string[]) => ({ want, limits, ...(storeTypes === undefined ? {} : { storeTypes }) });
const size = { width: 10, height: 10 };

describe('sniff()', () => {
  it.each(STREAM_TYPES)('knows %s', async (type) => {
    expect(await sniff(makeStream(type, 8_000), true)).toEqual({ type, picture: undefined, broken: false });
  });

  it('knows pictures by our own reader', async () => {
    expect(await sniff(blankPng(size), false)).toMatchObject({ type: 'image/png', picture: size });
    expect(await sniff(Buffer.from(logoSvg()), false)).toMatchObject({ type: 'image/svg+xml' });
    expect(await sniff(png(size, acTL(2)), false)).toMatchObject({ type: expect.stringMatching(/^image\/a?png$/) });
  });

  it.each([
    ['html', '<!doctype html><html><script>alert(1)</script></html>'], ['text', 'hello'], ['json', '{"a":1}'], ['pdf', '%PDF-1.7\n%'], ['gzip', '\x1f\x8b\x08\0'], ['nothing', ''],
    ['heic', '\0\0\0\x18ftypheic\0\0\0\0mif1heic'], ['jxl', '\xff\x0a\0\0'], ['zip', 'PK\x03\x04'], ['elf', '\x7fELF\x02\x01\x01'],
  ])('%s is nothing that passes', async (_name, text) => {
    const sniffed = await sniff(Buffer.from(text, 'latin1'), false);
    for (const want of ['stream', 'store', 'auto'] as const) {
      expect(decide(asked(want), sniffed)).toEqual({ kind: 'refuse', code: want === 'store' ? 'SEKISHO_TYPE_NOT_CONVERTIBLE' : 'SEKISHO_TYPE_REFUSED' });
    }
  });

  it('never rejects, whatever the bytes; what streams is on the list', async () => {
    const magics = ['ID3', 'OggS', 'RIFF', '\x1aE\xdf\xa3', '\0\0\0\x18ftyp', 'fLaC', 'PK\x03\x04', 'II*\0', 'GIF89a', '\x89PNG\r\n\x1a\n', 'BM', '<svg', 'MZ', ''].map((text) => Buffer.from(text, 'latin1'));
    await fc.assert(fc.asyncProperty(fc.constantFrom(...magics), fc.uint8Array({ maxLength: 200 }), async (magic, tail) => {
      const decision = decide(asked('stream'), await sniff(Buffer.concat([magic, tail]), false));
      if (decision.kind === 'stream') expect(decision.type).not.toMatch(/svg|html|xml|text|pdf/);
    }), { numRuns: 300 });
  });
});

describe('normalizeType()', () => {
  it.each([['audio/x-flac', 'audio/flac'], ['audio/vnd.wave', 'audio/wav'], ['audio/x-m4a', 'audio/mp4'], ['image/vnd.mozilla.apng', 'image/apng'], ['video/mp4', 'video/mp4']])('%s is %s', (from, to) => {
    expect(normalizeType(from)).toBe(to);
  });
});

describe('decide()', () => {
  const known = (type: string, side = 10): Sniffed => ({ type, broken: false, picture: { kind: 'picture', type: 'image/png', width: side, height: side, framesAtLeast: 1, animated: false } });

  it.each(CONVERTIBLE_TYPES)('stores %s, or streams it unless it is SVG', (type) => {
    expect(decide(asked('store'), known(type))).toMatchObject({ kind: 'store', type });
    expect(decide(asked('auto'), known(type))).toMatchObject({ kind: 'store', type });
    const streamed = type === 'image/svg+xml' ? { kind: 'refuse', code: 'SEKISHO_TYPE_REFUSED' } : { kind: 'stream', type };
    expect(decide(asked('stream'), known(type))).toMatchObject(streamed);
    expect(decide(asked('auto', []), known(type))).toMatchObject(streamed);
    expect(decide(asked('auto', [type]), known(type))).toMatchObject({ kind: 'store', type });
  });

  it('streams TIFF as it is and never converts it', () => {
    expect(decide(asked('auto'), known('image/tiff'))).toMatchObject({ kind: 'stream' });
    expect(decide(asked('auto', ['image/tiff']), known('image/tiff'))).toMatchObject({ kind: 'stream' });
    expect(decide(asked('store'), known('image/tiff'))).toEqual({ kind: 'refuse', code: 'SEKISHO_TYPE_NOT_CONVERTIBLE' });
  });

  it('refuses broken headers and too many pixels only where they would be decoded', () => {
    const side = Math.floor(Math.sqrt(LIMITS.framePixelsMax));
    expect(decide(asked('store'), known('image/png', side))).toMatchObject({ kind: 'store' });
    expect(decide(asked('store'), known('image/png', side + 1))).toEqual({ kind: 'refuse', code: 'SEKISHO_IMAGE_HEADER' });
    expect(decide(asked('stream'), known('image/png', side + 1))).toMatchObject({ kind: 'stream' });
    const broken: Sniffed = { type: 'image/png', picture: undefined, broken: true };
    expect(decide(asked('store'), broken)).toEqual({ kind: 'refuse', code: 'SEKISHO_IMAGE_HEADER' });
    expect(decide(asked('stream'), broken)).toMatchObject({ kind: 'stream' });
  });

  it('takes the smallest of the limits', () => {
    expect(decide(asked('store'), known('image/png'))).toMatchObject({ bytesMax: LIMITS.pictureBytesMax });
    expect(decide(asked('store'), known('image/svg+xml'))).toMatchObject({ bytesMax: LIMITS.svgBytesMax });
    expect(decide({ ...asked('store'), limits: { bytesMax: 7, deadlineMs: 1 } }, known('image/png'))).toMatchObject({ bytesMax: 7 });
  });
});
