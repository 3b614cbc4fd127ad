// TIFF: grey, uncompressed, one strip per page.

import { latin1, u16le, u32le } from './bytes.ts';

const LONG = 4;
const SHORT = 3;

export interface TiffShape {
  readonly width: number;
  readonly height: number;
}

/** Little-endian, the directory in front of the pixels. */
export function tiff(shape: TiffShape): Buffer {
  const pixels = Buffer.alloc(shape.width * shape.height, 0x80);
  const entries: readonly (readonly [number, number, number])[] = [
    [256, LONG, shape.width],
    [257, LONG, shape.height],
    [258, SHORT, 8],
    [259, SHORT, 1],
    [262, SHORT, 1],
    [273, LONG, 8 + 2 + 9 * 12 + 4],
    [277, SHORT, 1],
    [278, LONG, shape.height],
    [279, LONG, pixels.length],
  ];
  const fields = entries.map(([tag, type, value]) => Buffer.concat([u16le(tag), u16le(type), u32le(1), u32le(value)]));
  return Buffer.concat([latin1('II*\0'), u32le(8), u16le(entries.length), ...fields, u32le(0), pixels]);
}
