// TIFF: grey, one strip per page.

import { latin1, u16le, u32le, zlibConstant } from './bytes.ts';

const LONG = 4;
const SHORT = 3;
const PLAIN = 1;
const DEFLATE = 8;
const HEADER_BYTES = 8;
const FIELDS = 9;
const DIRECTORY_BYTES = 2 + FIELDS * 12 + 4;

export interface TiffShape {
  readonly width: number;
  readonly height: number;
}

interface Strip {
  readonly at: number;
  readonly bytes: number;
  readonly compression: number;
}

function directory(shape: TiffShape, strip: Strip, next: number): Buffer {
  const entries: readonly (readonly [number, number, number])[] = [
    [256, LONG, shape.width],
    [257, LONG, shape.height],
    [258, SHORT, 8],
    [259, SHORT, strip.compression],
    [262, SHORT, 1],
    [273, LONG, strip.at],
    [277, SHORT, 1],
    [278, LONG, shape.height],
    [279, LONG, strip.bytes],
  ];
  const fields = entries.map(([tag, type, value]) => Buffer.concat([u16le(tag), u16le(type), u32le(1), u32le(value)]));
  return Buffer.concat([u16le(entries.length), ...fields, u32le(next)]);
}

const header = (): Buffer => Buffer.concat([latin1('II*\0'), u32le(HEADER_BYTES)]);

/** Little-endian, the directory in front of the pixels; `next`: where the directory says that the next one is. */
export function tiff(shape: TiffShape, next = 0): Buffer {
  const pixels = Buffer.alloc(shape.width * shape.height, 0x80);
  const strip = { at: HEADER_BYTES + DIRECTORY_BYTES, bytes: pixels.length, compression: PLAIN };
  return Buffer.concat([header(), directory(shape, strip, next), pixels]);
}

/** Black, compressed: any size in milliseconds. */
export function blankTiff(shape: TiffShape): Buffer {
  const pixels = zlibConstant(0, shape.width * shape.height);
  const strip = { at: HEADER_BYTES + DIRECTORY_BYTES, bytes: pixels.length, compression: DEFLATE };
  return Buffer.concat([header(), directory(shape, strip, 0), pixels]);
}

/** Pages that share their pixels. */
export function tiffPages(shape: TiffShape, pages: number): Buffer {
  const pixels = zlibConstant(0, shape.width * shape.height);
  const strip = { at: HEADER_BYTES + pages * DIRECTORY_BYTES, bytes: pixels.length, compression: DEFLATE };
  const page = directory(shape, strip, 0);
  const all = Buffer.alloc(pages * DIRECTORY_BYTES, page);
  for (let index = 0; index < pages - 1; index += 1) {
    all.writeUInt32LE(HEADER_BYTES + (index + 1) * DIRECTORY_BYTES, (index + 1) * DIRECTORY_BYTES - 4);
  }
  return Buffer.concat([header(), all, pixels]);
}
