// Pictures that cost more than they look. Each is built in milliseconds and holds no more memory than its own bytes;
// what they cost a decoder without limits stands in `why`.

import { forgeAvifSize } from './avif.ts';
import { bmp, ico } from './bmp.ts';
import { deflateSync } from 'node:zlib';
import { gzipConstant, latin1, repeated, zlibConstant } from './bytes.ts';
import { encodeAvif, encodeFlatWebp, encodeJpeg, encodeWebp } from './encoders.ts';
import { gif } from './gif.ts';
import { forgeJpegSize, manyScansJpeg } from './jpeg.ts';
import { paint } from './pixels.ts';
import { acTL, blankPng, encodePng, png, PNG_SIGNATURE, pngChunk } from './png.ts';
import { entityBombSvg, filterBombSvg, logoSvg, nestedSvg, svg, useBombSvg } from './svg.ts';
import { animatedWebp, pictureChunk, riffChunk, webp } from './webp.ts';

const MiB = 1024 * 1024;

export interface Bomb {
  readonly name: string;
  /** What an honest origin would claim. */
  readonly type: string;
  /** `reject`: a clean refusal must come; `any`: a picture or a clean refusal. */
  readonly expected: 'reject' | 'any';
  /** Known from the header alone, so no decoder may see a byte of it. */
  readonly refusedByHeader: boolean;
  readonly why: string;
  bytes(): Promise<Buffer>;
}

interface Row {
  readonly type: string;
  readonly expected: Bomb['expected'];
  readonly byHeader?: true;
  readonly why: string;
  make(): Buffer | Promise<Buffer>;
}

/** Animated WebP of `frames` frames of 8x8 on a canvas of the given side. */
export async function webpFrames(frames: number, canvas: number): Promise<Buffer> {
  const chunk = pictureChunk(await encodeFlatWebp(8, 8));
  return animatedWebp({ canvasWidth: canvas, canvasHeight: canvas, frames, frameWidth: 8, frameHeight: 8, chunk });
}

/** The first part of a file, `part` between 0 and 1. */
export const cut = (file: Buffer, part: number): Buffer => file.subarray(0, Math.floor(file.length * part));

const tinyIdat = (): Buffer => pngChunk('IDAT', deflateSync(Buffer.alloc(10)));
const smallPng = (...before: readonly Buffer[]): Buffer => blankPng({ width: 16, height: 16, colour: 2 }, ...before);
const manyEntries = (): Buffer =>
  ico(
    Array.from({ length: 255 }, () => ({ width: 256, height: 256, picture: 0 })),
    [blankPng({ width: 4_000, height: 4_000, depth: 1, colour: 0 })],
  );

const ROWS = {
  'png-16000': { type: 'image/png', expected: 'reject', byHeader: true, why: '256 megapixels in 1 bit each', make: () => blankPng({ width: 16_000, height: 16_000, depth: 1, colour: 0 }) },
  'png-header-2g': { type: 'image/png', expected: 'reject', byHeader: true, why: 'the header claims 2^31-1 squared', make: () => png({ width: 0x7fff_ffff, height: 0x7fff_ffff }, tinyIdat()) },
  'png-zero-width': { type: 'image/png', expected: 'reject', byHeader: true, why: 'width 0', make: () => png({ width: 0, height: 9 }, tinyIdat()) },
  'png-no-idat': { type: 'image/png', expected: 'reject', byHeader: true, why: 'no pixels', make: () => png({ width: 9, height: 9 }) },
  'png-magic-only': { type: 'image/png', expected: 'reject', byHeader: true, why: 'signature only', make: () => PNG_SIGNATURE },
  'png-ztxt-64m': { type: 'image/png', expected: 'any', why: '64 MiB of compressed text', make: () => smallPng(pngChunk('zTXt', Buffer.concat([latin1('Comment\0\0'), zlibConstant(0x41, 64 * MiB)]))) },
  'png-iccp-64m': { type: 'image/png', expected: 'any', why: '64 MiB of compressed colour profile', make: () => smallPng(pngChunk('iCCP', Buffer.concat([latin1('x\0\0'), zlibConstant(0, 64 * MiB)]))) },
  'png-idat-overrun': { type: 'image/png', expected: 'any', why: '96 MiB of pixels for 64', make: () => png({ width: 8, height: 8 }, pngChunk('IDAT', zlibConstant(0, 96 * MiB))) },
  'png-20k-text': { type: 'image/png', expected: 'any', why: '20,000 text chunks', make: () => smallPng(repeated(pngChunk('tEXt', latin1('k\0v')), 20_000)) },
  'apng-2g-frames': { type: 'image/apng', expected: 'any', why: 'acTL claims 2^31-1 frames', make: () => smallPng(acTL(0x7fff_ffff)) },
  'gif-65535': { type: 'image/gif', expected: 'any', byHeader: true, why: 'a 4 gigapixel screen with one pixel', make: () => gif({ width: 65_535, height: 65_535, frames: 1 }) },
  'gif-many-frames': { type: 'image/gif', expected: 'any', why: '100,000 frames of one pixel: 0.6 s for metadata alone', make: () => gif({ width: 1, height: 1, frames: 100_000, loop: 0 }) },
  'gif-300x300-2900': { type: 'image/gif', expected: 'any', why: '2,900 frames of 300x300: 261 megapixels', make: () => gif({ width: 300, height: 300, frames: 2_900, loop: 0 }) },
  'webp-canvas-16383': { type: 'image/webp', expected: 'reject', byHeader: true, why: '268 megapixel canvas in 92 bytes: 1.2 GB', make: () => webpFrames(1, 16_383) },
  'webp-many-frames': { type: 'image/webp', expected: 'any', why: '6,000 frames', make: () => webpFrames(6_000, 256) },
  'webp-lossless-header': { type: 'image/webp', expected: 'reject', byHeader: true, why: '16384x16384 without data', make: () => webp(riffChunk('VP8L', Buffer.from([0x2f, 0xff, 0xff, 0xff, 0x0f]))) },
  'avif-ispe-65535': { type: 'image/avif', expected: 'reject', byHeader: true, why: 'ispe claims 4 gigapixels', make: async () => forgeAvifSize(await encodeAvif(64, 64), 65_535, 65_535) },
  'jpeg-65500-header': { type: 'image/jpeg', expected: 'reject', byHeader: true, why: 'the frame header claims 4 gigapixels', make: async () => forgeJpegSize(await encodeJpeg(64, 48), 65_500, 65_500) },
  'jpeg-1500-scans': { type: 'image/jpeg', expected: 'any', why: '1,500 progressive scans of 4 megapixels', make: () => manyScansJpeg(2_000, 2_000, 1_500) },
  'bmp-65535': { type: 'image/bmp', expected: 'reject', byHeader: true, why: 'the header claims 4 gigapixels', make: () => bmp({ width: 65_535, height: 65_535 }, Buffer.alloc(0)) },
  'bmp-bpp40': { type: 'image/bmp', expected: 'reject', byHeader: true, why: '40 bits per pixel: an overflow in imgproxy before 4.0.12', make: () => bmp({ width: 10, height: 4, depth: 40 }, Buffer.alloc(200)) },
  'ico-255': { type: 'image/x-icon', expected: 'any', why: '255 entries that share one picture of 16 megapixels', make: manyEntries },
  'svg-use': { type: 'image/svg+xml', expected: 'any', why: '2^30 elements by reference', make: () => latin1(useBombSvg(30)) },
  'svg-filter': { type: 'image/svg+xml', expected: 'any', why: 'seconds of filter work', make: () => latin1(filterBombSvg(2_048)) },
  'svg-entities': { type: 'image/svg+xml', expected: 'any', why: '10^9 entity expansions', make: () => latin1(entityBombSvg(9)) },
  'svg-nested': { type: 'image/svg+xml', expected: 'any', why: '20,000 nested groups', make: () => latin1(nestedSvg(20_000)) },
  'svg-32000': { type: 'image/svg+xml', expected: 'reject', byHeader: true, why: 'one gigapixel', make: () => latin1(svg({ width: 32_000, height: 32_000 }, '<rect width="100%" height="100%"/>')) },
  svgz: { type: 'image/svg+xml', expected: 'any', byHeader: true, why: '48 MiB of blanks in 48 KB', make: () => gzipConstant(0x20, 48 * MiB, { head: latin1(logoSvg()) }) },
  'png-cut': { type: 'image/png', expected: 'any', why: 'cut in the middle', make: () => cut(encodePng(paint(64, 64, 3)), 0.5) },
  'jpeg-cut': { type: 'image/jpeg', expected: 'any', why: 'cut in the middle', make: async () => cut(await encodeJpeg(64, 48), 0.7) },
  'webp-cut': { type: 'image/webp', expected: 'any', why: 'cut in the middle', make: async () => cut(await encodeWebp(64, 64), 0.5) },
  'avif-cut': { type: 'image/avif', expected: 'reject', why: 'cut in the middle', make: async () => cut(await encodeAvif(64, 64), 0.6) },
  'gif-cut': { type: 'image/gif', expected: 'any', why: 'cut in the middle', make: () => cut(gif({ width: 8, height: 8, frames: 9, loop: 0 }), 0.5) },
} as const satisfies Record<string, Row>;

export type BombName = keyof typeof ROWS;

const toBomb = (name: BombName): Bomb => {
  const row: Row = ROWS[name];
  const { type, expected, why } = row;
  return { name, type, expected, why, refusedByHeader: row.byHeader === true, bytes: async () => row.make() };
};

export const BOMB_NAMES = Object.keys(ROWS) as readonly BombName[];
export const BOMBS = Object.fromEntries(BOMB_NAMES.map((name) => [name, toBomb(name)])) as Readonly<Record<BombName, Bomb>>;

/** A fresh bomb; not kept, so that a test's memory tells about the code under test. */
export const makeBomb = (name: BombName): Promise<Buffer> => BOMBS[name].bytes();
