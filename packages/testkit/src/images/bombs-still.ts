// Still pictures: sizes that lie, sizes that are true, and work hidden in places nobody looks at.

import { deflateSync } from 'node:zlib';
import { forgeAvifSize } from './avif.ts';
import { bmp, ico, runLengthBmp } from './bmp.ts';
import type { BombRow } from './bomb-row.ts';
import { latin1, repeated, zlibConstant } from './bytes.ts';
import { encodeAvif, encodeFlat, encodeJpeg } from './encoders.ts';
import { forgeJpegSize, jpegSegment, manyScansJpeg } from './jpeg.ts';
import { acTL, blankPng, png, PNG_SIGNATURE, pngChunk } from './png.ts';
import { blankTiff, tiff, tiffPages } from './tiff.ts';
import { riffChunk, webp } from './webp.ts';

const MiB = 1024 * 1024;

const tinyIdat = (): Buffer => pngChunk('IDAT', deflateSync(Buffer.alloc(10)));
const smallPng = (...before: readonly Buffer[]): Buffer => blankPng({ width: 16, height: 16, colour: 2 }, ...before);
const iconOf = (picture: Buffer, entries: number): Buffer =>
  ico(Array.from({ length: entries }, () => ({ width: 256, height: 256, picture: 0 })), [picture]);
const greyPixels = (width: number, height: number): Buffer => blankPng({ width, height, depth: 1, colour: 0 });

const PNG = {
  'png-16000': { type: 'image/png', expected: 'reject', byHeader: true, why: '256 megapixels in 1 bit each', make: () => greyPixels(16_000, 16_000) },
  'png-50000': { type: 'image/png', expected: 'reject', byHeader: true, why: '2.5 gigapixels in 300 kB', make: () => greyPixels(50_000, 50_000) },
  'png-16383-rgba': { type: 'image/png', expected: 'reject', byHeader: true, why: 'exactly as many pixels as sharp takes by default', make: () => blankPng({ width: 16_383, height: 16_383 }) },
  'png-8000-rgba16': { type: 'image/png', expected: 'reject', byHeader: true, why: '64 megapixels of 8 bytes', make: () => blankPng({ width: 8_000, height: 8_000, depth: 16 }) },
  'png-7000-rgba16': { type: 'image/png', expected: 'any', why: '49 megapixels of 8 bytes: just inside the limit', make: () => blankPng({ width: 7_000, height: 7_000, depth: 16 }) },
  'png-header-2g': { type: 'image/png', expected: 'reject', byHeader: true, why: 'the header claims 2^31-1 squared', make: () => png({ width: 0x7fff_ffff, height: 0x7fff_ffff }, tinyIdat()) },
  'png-zero-width': { type: 'image/png', expected: 'reject', byHeader: true, why: 'width 0', make: () => png({ width: 0, height: 9 }, tinyIdat()) },
  'png-no-idat': { type: 'image/png', expected: 'reject', byHeader: true, why: 'no pixels', make: () => png({ width: 9, height: 9 }) },
  'png-magic-only': { type: 'image/png', expected: 'reject', byHeader: true, why: 'signature only', make: () => PNG_SIGNATURE },
  'png-ztxt-64m': { type: 'image/png', expected: 'any', why: '64 MiB of compressed text', make: () => smallPng(pngChunk('zTXt', Buffer.concat([latin1('Comment\0\0'), zlibConstant(0x41, 64 * MiB)]))) },
  'png-ztxt-512m': { type: 'image/png', expected: 'any', why: '512 MiB of compressed text: as much as a decoder may hold', make: () => smallPng(pngChunk('zTXt', Buffer.concat([latin1('Comment\0\0'), zlibConstant(0x41, 512 * MiB)]))) },
  'png-iccp-64m': { type: 'image/png', expected: 'any', why: '64 MiB of compressed colour profile', make: () => smallPng(pngChunk('iCCP', Buffer.concat([latin1('x\0\0'), zlibConstant(0, 64 * MiB)]))) },
  'png-idat-overrun': { type: 'image/png', expected: 'any', why: '96 MiB of pixels for 64', make: () => png({ width: 8, height: 8 }, pngChunk('IDAT', zlibConstant(0, 96 * MiB))) },
  'png-20k-text': { type: 'image/png', expected: 'any', why: '20,000 text chunks', make: () => smallPng(repeated(pngChunk('tEXt', latin1('k\0v')), 20_000)) },
  'apng-2g-frames': { type: 'image/apng', expected: 'any', why: 'acTL claims 2^31-1 frames', make: () => smallPng(acTL(0x7fff_ffff)) },
} as const satisfies Record<string, BombRow>;

const OTHER = {
  'webp-lossless-header': { type: 'image/webp', expected: 'reject', byHeader: true, why: '16384x16384 without data', make: () => webp(riffChunk('VP8L', Buffer.from([0x2f, 0xff, 0xff, 0xff, 0x0f]))) },
  'webp-7000-flat': { type: 'image/webp', expected: 'any', why: '49 megapixels of one colour: 196 MB in a file of nothing', make: () => encodeFlat('webp', 7_000) },
  'avif-ispe-65535': { type: 'image/avif', expected: 'reject', byHeader: true, why: 'ispe claims 4 gigapixels', make: async () => forgeAvifSize(await encodeAvif(64, 64), 65_535, 65_535) },
  'avif-ispe-7000': { type: 'image/avif', expected: 'any', why: 'ispe claims 49 megapixels, the coded picture has 64x64', make: async () => forgeAvifSize(await encodeAvif(64, 64), 7_000, 7_000) },
  'avif-3000-flat': { type: 'image/avif', expected: 'any', why: '9 megapixels of one colour in 0.6 kB; 100 would take 1.8 GB', make: () => encodeFlat('avif', 3_000) },
  'jpeg-65500-header': { type: 'image/jpeg', expected: 'reject', byHeader: true, why: 'the frame header claims 4 gigapixels', make: async () => forgeJpegSize(await encodeJpeg(64, 48), 65_500, 65_500) },
  'jpeg-1500-scans': { type: 'image/jpeg', expected: 'any', why: '1,500 progressive scans of 4 megapixels', make: () => manyScansJpeg(2_000, 2_000, 1_500) },
  'jpeg-20000-scans': { type: 'image/jpeg', expected: 'any', why: '20,000 scans: 11 s in one loop that no timeout of a library leaves', make: () => manyScansJpeg(2_000, 2_000, 20_000) },
  'jpeg-7000-scans': { type: 'image/jpeg', expected: 'any', why: '90 scans of 49 megapixels: 98 MB of coefficients each time', make: () => manyScansJpeg(7_000, 7_000, 90) },
  'jpeg-16000-scans': { type: 'image/jpeg', expected: 'reject', byHeader: true, why: '90 scans of 256 megapixels: 546 MB', make: () => manyScansJpeg(16_000, 16_000, 90) },
  'tiff-16383': { type: 'image/tiff', expected: 'reject', byHeader: true, why: '268 megapixels in one strip', make: () => blankTiff({ width: 16_383, height: 16_383 }) },
  'tiff-60000': { type: 'image/tiff', expected: 'reject', byHeader: true, why: '3.6 gigapixels in one strip', make: () => blankTiff({ width: 60_000, height: 60_000 }) },
  'tiff-100k-pages': { type: 'image/tiff', expected: 'reject', why: '100,000 pages: seconds for the count alone', make: () => tiffPages({ width: 64, height: 64 }, 100_000) },
  'tiff-loop': { type: 'image/tiff', expected: 'reject', why: 'the directory points at itself', make: () => tiff({ width: 8, height: 8 }, 8) },
  'bmp-65535': { type: 'image/bmp', expected: 'reject', byHeader: true, why: 'the header claims 4 gigapixels', make: () => bmp({ width: 65_535, height: 65_535 }, Buffer.alloc(0)) },
  'bmp-bpp40': { type: 'image/bmp', expected: 'reject', byHeader: true, why: '40 bits per pixel: an overflow in imgproxy before 4.0.12', make: () => bmp({ width: 10, height: 4, depth: 40 }, Buffer.alloc(200)) },
  'bmp-rle-4000': { type: 'image/bmp', expected: 'any', why: '16 megapixels from 70 bytes of run lengths', make: () => runLengthBmp({ width: 4_000, height: 4_000 }, Buffer.from([1, 7, 0, 1])) },
  'bmp-rle-endless': { type: 'image/bmp', expected: 'any', why: '1 MiB of runs that leave the line: 128 million pixels to put nowhere', make: () => runLengthBmp({ width: 4_000, height: 4_000 }, repeated(Buffer.from([255, 7]), 512 * 1_024)) },
  'ico-255': { type: 'image/x-icon', expected: 'any', why: '255 entries that share one picture of 16 megapixels', make: () => iconOf(greyPixels(4_000, 4_000), 255) },
  'ico-png-16000': { type: 'image/x-icon', expected: 'any', byHeader: true, why: 'the directory says 256, the PNG inside 16,000', make: () => iconOf(greyPixels(16_000, 16_000), 1) },
  'ico-in-ico': { type: 'image/x-icon', expected: 'any', byHeader: true, why: 'the picture of the icon is an icon', make: () => iconOf(iconOf(smallPng(), 1), 1) },
  'jpeg-comments': { type: 'image/jpeg', expected: 'any', why: '4 MiB of comments of two bytes', make: async () => padded(await encodeJpeg(64, 48), repeated(jpegSegment(0xfe, Buffer.alloc(0)), MiB)) },
} as const satisfies Record<string, BombRow>;

/** Segments behind the start of the image. */
const padded = (file: Buffer, segments: Buffer): Buffer => Buffer.concat([file.subarray(0, 2), segments, file.subarray(2)]);

export const STILL = { ...PNG, ...OTHER } as const;
