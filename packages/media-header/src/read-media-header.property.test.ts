// Whatever the bytes: no throw, bounded work, numbers in range, and never more frames than there are.

import { describe, expect, it } from '@jest/globals';
import {
  avifSequence, bmp, encodeApng, encodePng, gif, gifScriptPolyglot, ico, iconBitmap, jpegSegment, logoSvg, manyScansJpeg, nestedSvg,
  paint, png, pngChunk, riffChunk, tiff, webp, XML_PROLOG,
} from '@sekisho/testkit';
import { cpuMsOf } from '@sekisho/testkit/cpu-time';
import fc from 'fast-check';
import { HeaderReader, STEPS_MAX } from './header-reader.ts';
import { HEADER_BYTES_MAX, type MediaHeader, readMediaHeader } from './index.ts';
import { inspect } from './read-media-header.ts';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const icon = ico([{ width: 9, height: 9, picture: 0 }, { width: 8, height: 8, picture: 1 }], [iconBitmap(paint(9, 9, 4)), encodePng(paint(8, 8, 4))]);
const fakeStill = Buffer.concat([latin1('\0\0\0\x20ftypavif\0\0\0\0avifmif1miafMA1B'), latin1('\0\0\0\x10mdat12345678')]);

/** Small valid files with their real number of frames. */
const SEEDS: readonly (readonly [string, Buffer, number])[] = [
  ['png', encodePng(paint(9, 7, 3)), 1],
  ['apng', encodeApng([0, 1, 2].map((shift) => paint(9, 7, 4, shift))), 3],
  ['gif', gif({ width: 9, height: 7, frames: 6, loop: 0 }), 6],
  ['gif script', gifScriptPolyglot(), 1],
  ['jpeg', manyScansJpeg(16, 16, 2), 1],
  ['webp', webp(riffChunk('VP8X', Buffer.from('02000000080000060000', 'hex')), riffChunk('ANMF', Buffer.alloc(20)), riffChunk('ANMF', Buffer.alloc(21))), 2],
  ['avif sequence', avifSequence(fakeStill, { width: 9, height: 7, frames: 4 }), 4],
  ['bmp', bmp({ width: 9, height: -7 }, Buffer.alloc(300)), 1],
  ['ico', icon, 1],
  ['tiff', tiff({ width: 9, height: 7 }), 1],
  ['svg', latin1(`${XML_PROLOG}<!DOCTYPE svg [<!ENTITY a "b">]>${logoSvg()}`), 1],
];

const isSide = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 0xffffffff;

function expectSane(header: MediaHeader): void {
  if (header.kind !== 'picture') return;
  expect([header.width, header.height].every(isSide)).toBe(true);
  expect(header.width === 0).toBe(header.height === 0);
  expect(Number.isInteger(header.framesAtLeast) && header.framesAtLeast >= 1 && header.framesAtLeast <= 0xffffffff).toBe(true);
  expect(header.animated || header.framesAtLeast === 1).toBe(true);
}

const partial = fc.constantFrom(undefined, true, false);
const optionsOf = (value: boolean | undefined): { partial?: boolean } => (value === undefined ? {} : { partial: value });

describe('readMediaHeader() on any bytes', () => {
  it('is sane on random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), partial, (bytes, whole) => expectSane(readMediaHeader(bytes, optionsOf(whole)))));
  });

  it.each(SEEDS)('is sane on random bytes behind the beginning of a %s', (_name, seed) => {
    fc.assert(
      fc.property(fc.nat(seed.length), fc.uint8Array({ maxLength: 300 }), partial, (kept, tail, whole) =>
        expectSane(readMediaHeader(Buffer.concat([seed.subarray(0, kept), tail]), optionsOf(whole)))),
    );
  });

  it.each(SEEDS)('is sane on a %s with changed bytes', (_name, seed) => {
    const change = fc.tuple(fc.nat(Math.min(seed.length, 400) - 1), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff, 0x22, 0x3e, 0x5d));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), partial, (changes, whole) => {
        const bytes = Buffer.from(seed);
        for (const [at, value] of changes) bytes[at] = value;
        expectSane(readMediaHeader(bytes, optionsOf(whole)));
      }),
    );
  });

  it.each(SEEDS)('at every length of a %s keeps the type and never counts too many frames', (name, seed, frames) => {
    const type = (readMediaHeader(seed) as { type?: string }).type;
    expect(type).toBeDefined();
    const lengths = Array.from({ length: Math.min(seed.length, 2_000) + 1 }, (_, index) => index);
    for (const length of [...lengths, seed.length]) {
      for (const whole of [true, false]) {
        const header = readMediaHeader(seed.subarray(0, length), { partial: whole });
        expectSane(header);
        if (header.kind === 'other') continue;
        // A PNG is an APNG only once its acTL is seen.
        expect([type, name === 'apng' ? 'image/png' : type]).toContain(header.type);
        if (header.kind === 'picture') expect(header.framesAtLeast).toBeLessThanOrEqual(frames);
      }
    }
  });

  it('ignores bytes behind HEADER_BYTES_MAX', () => {
    const bytes = gif({ width: 9, height: 9, frames: 10_000, loop: 0 });
    expect(readMediaHeader(bytes)).toEqual(readMediaHeader(bytes.subarray(0, HEADER_BYTES_MAX)));
  });

  it('reads a view into a larger buffer by its own bounds', () => {
    const file = encodePng(paint(9, 7, 3));
    const around = Buffer.concat([Buffer.alloc(5, 0xff), file, Buffer.alloc(5, 0xff)]);
    expect(readMediaHeader(around.subarray(5, 5 + file.length))).toEqual(readMediaHeader(file));
  });
});

const full = (...parts: readonly Buffer[]): Buffer => {
  const head = Buffer.concat(parts);
  const tail = parts.at(-1) ?? Buffer.alloc(1);
  return Buffer.concat([head, Buffer.alloc(HEADER_BYTES_MAX, tail)]).subarray(0, HEADER_BYTES_MAX);
};
const avifHead = latin1('\0\0\0\x14ftypavis\0\0\0\0avis');
const emptyBox = latin1('\0\0\0\x08trak');
const nested = (names: readonly string[], bytes: Buffer): Buffer =>
  names.reduceRight((inner, name) => Buffer.concat([Buffer.from([0, 0, 0xff, 0xff]), latin1(name), inner]), bytes);

/** Inputs that make a careless reader go round and round. */
const HOSTILE: readonly (readonly [string, Buffer])[] = [
  ['zeros', Buffer.alloc(HEADER_BYTES_MAX)],
  ['PNG of empty chunks', full(png({ width: 1, height: 1 }).subarray(0, 33), pngChunk('tEXt'))],
  ['JPEG of fill bytes', full(latin1('\xFF\xD8\xFF'), latin1('\xFF'))],
  ['JPEG of stray bytes', full(latin1('\xFF\xD8\xFF\xE0\0\x02'), latin1('\0'))],
  ['JPEG of empty segments', full(latin1('\xFF\xD8'), jpegSegment(0xe0, Buffer.alloc(0)))],
  ['GIF of sub-blocks of one byte', full(gif({ width: 1, height: 1, frames: 0 }).subarray(0, 19), latin1('\x21\xFE'), latin1('\x01\x01'))],
  ['GIF of empty extensions', full(gif({ width: 1, height: 1, frames: 0 }).subarray(0, 19), latin1('\x21\xFE\0'))],
  ['WebP of empty chunks', full(latin1('RIFF\0\0\0\0WEBPVP8X\x0A\0\0\0\x02\0\0\0\0\0\0\0\0\0'), latin1('ANMF\0\0\0\0'))],
  ['AVIF of empty boxes', full(avifHead, emptyBox)],
  ['AVIF of empty tracks', full(avifHead, nested(['moov'], emptyBox), emptyBox)],
  ['AVIF of nested tracks', full(avifHead, nested(['moov', 'trak', 'mdia', 'minf', 'stbl'], latin1('\0\0\0\x08free')), latin1('\0\0\0\x08free'))],
  ['AVIF of boxes to the end', full(avifHead, latin1('\0\0\0\0free'))],
  ['AVIF of 64-bit sizes', full(avifHead, latin1('\0\0\0\x01free\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF'))],
  ['ICO of 255 entries', full(latin1('\0\0\x01\0\xFF\0'), latin1('\0\0\0\0\0\0\0\0\0\0\0\0\x16\0\0\0'))],
  ['TIFF of 65535 entries', full(latin1('II*\0\x08\0\0\0\xFF\xFF'), latin1('\0\0\x03\0\x01\0\0\0\0\0\0\0'))],
  ['SVG of blanks', full(latin1(' '))],
  ['SVG of comments', full(latin1('<!---->'))],
  ['SVG of open comments', full(latin1('<!--'))],
  ['SVG with a doctype of quotes', full(latin1('<!DOCTYPE svg ['), latin1('"\''))],
  ['SVG with a doctype of comments', full(latin1('<!DOCTYPE svg ['), latin1('<!---->'))],
  ['SVG with a long name', full(latin1('<'), latin1('s'))],
  ['SVG of attributes', full(latin1('<svg '), latin1('a=""'))],
  ['SVG with a long number', full(latin1('<svg width="'), latin1('9'))],
  ['SVG with a long viewBox', full(latin1('<svg viewBox="'), latin1('1 '))],
  ['nested SVG', full(latin1(nestedSvg(10_000)))],
];
/** Processor time, generous for a slow machine; a quadratic reader takes seconds. */
const CPU_MS_MAX = 250;

describe('readMediaHeader() on hostile bytes', () => {
  it.each(HOSTILE)('stays within its bounds: %s', (_name, bytes) => {
    const reader = new HeaderReader(bytes, true);
    expect(cpuMsOf(() => expectSane(inspect(reader)))).toBeLessThan(CPU_MS_MAX);
    expect(reader.steps).toBeLessThan(STEPS_MAX);
  });

  it('stops at its budget even if a reader had a fault', () => {
    const reader = new HeaderReader(Buffer.alloc(8), false);
    let turns = 0;
    while (reader.step()) turns += 1;
    expect(turns).toBe(STEPS_MAX);
  });
});
