import { inflateSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { type BombName, makeBomb } from './bombs.ts';
import { gif } from './gif.ts';
import { blankPng } from './png.ts';
import { useBombSvg } from './svg.ts';

/** Those that need no encoder. */
const BY_HAND: readonly BombName[] = [
  'png-16000', 'png-header-2g', 'png-ztxt-64m', 'png-iccp-64m', 'png-20k-text', 'apng-2g-frames', 'gif-65535', 'gif-many-frames',
  'gif-300x300-2900', 'webp-lossless-header', 'jpeg-1500-scans', 'bmp-65535', 'bmp-bpp40', 'ico-255', 'svg-use', 'svg-filter',
  'svg-entities', 'svg-nested', 'svg-32000', 'svgz', 'png-cut', 'gif-cut',
];

describe('makeBomb()', () => {
  it.each(BY_HAND)('%s is small and the same every time', async (name) => {
    const bomb = await makeBomb(name);
    expect(bomb.length).toBeGreaterThan(0);
    expect(bomb.length).toBeLessThan(3_000_000);
    expect((await makeBomb(name)).equals(bomb)).toBe(true);
  });

  it('png-ztxt-64m holds 64 MiB of text', async () => {
    const bomb = await makeBomb('png-ztxt-64m');
    const at = bomb.indexOf('zTXt');
    const length = bomb.readUInt32BE(at - 4);
    expect(inflateSync(bomb.subarray(at + 4 + 'Comment'.length + 2, at + 4 + length)).length).toBe(64 * 1024 * 1024);
  });
});

describe('builders', () => {
  it('gif() writes as many descriptors as frames', () => {
    const grown = gif({ width: 1, height: 1, frames: 11 }).length - gif({ width: 1, height: 1, frames: 10 }).length;
    expect(gif({ width: 1, height: 1, frames: 1_000 }).length).toBe(gif({ width: 1, height: 1, frames: 0 }).length + 1_000 * grown);
  });

  it('blankPng() has all rows', () => {
    const bytes = blankPng({ width: 17, height: 1_000, depth: 1, colour: 0 });
    const at = bytes.indexOf('IDAT');
    const rows = inflateSync(bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at - 4)));
    expect(rows.length).toBe(1_000 * (1 + 3));
  });

  it('useBombSvg() grows by one line per doubling', () => {
    expect(useBombSvg(30).length).toBeLessThan(2_500);
  });
});
