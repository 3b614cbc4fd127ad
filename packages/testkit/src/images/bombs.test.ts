import { inflateSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { BOMB_NAMES, type BombName, makeBomb } from './bombs.ts';
import { gif } from './gif.ts';
import { blankPng } from './png.ts';
import { useBombSvg } from './svg-bombs.ts';

/** Those that need an encoder, and with it a native library. */
const ENCODED: ReadonlySet<BombName> = new Set<BombName>([
  'webp-7000-flat', 'avif-ispe-65535', 'avif-ispe-7000', 'avif-3000-flat', 'jpeg-65500-header', 'jpeg-comments', 'webp-canvas-16383',
  'webp-many-frames', 'webp-20k-frames', 'webp-4096-2000', 'webp-577-300', 'jpeg-cut', 'webp-cut', 'avif-cut',
]);
/** Size is what these are about. */
const SIZES: Partial<Record<BombName, number>> = { 'tiff-100k-pages': 13_000_000, 'svg-200k-paths': 13_000_000 };
const BY_HAND = BOMB_NAMES.filter((name) => !ENCODED.has(name));

describe('makeBomb()', () => {
  it('has at least 48, of every format', () => {
    expect(BOMB_NAMES.length).toBeGreaterThanOrEqual(48);
    for (const format of ['png', 'gif', 'webp', 'avif', 'jpeg', 'tiff', 'bmp', 'ico', 'svg']) {
      expect(BOMB_NAMES.filter((name) => name.startsWith(format)).length).toBeGreaterThanOrEqual(3);
    }
  });

  it.each(BY_HAND)('%s is small and the same every time', async (name) => {
    const bomb = await makeBomb(name);
    expect(bomb.length).toBeLessThan(SIZES[name] ?? 4_200_000);
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
