// BMP and icons, written by hand.

import { latin1, u16le, u32le } from './bytes.ts';
import type { Raster } from './pixels.ts';

export interface BmpHead {
  readonly width: number;
  /** Negative: top-down. */
  readonly height: number;
  readonly depth?: number;
}

/** BITMAPINFOHEADER without palette. */
export const dibHeader = (head: BmpHead): Buffer =>
  Buffer.concat([u32le(40), u32le(head.width), u32le(head.height), u16le(1), u16le(head.depth ?? 24), Buffer.alloc(24)]);

export function bmp(head: BmpHead, pixels: Buffer): Buffer {
  const dib = dibHeader(head);
  const offset = 14 + dib.length;
  return Buffer.concat([latin1('BM'), u32le(offset + pixels.length), u32le(0), u32le(offset), dib, pixels]);
}

/** 8 bits per pixel, run lengths as given, a palette of two colours. */
export function runLengthBmp(head: BmpHead, runs: Buffer): Buffer {
  const dib = dibHeader({ ...head, depth: 8 });
  dib.writeUInt32LE(1, 16);
  dib.writeUInt32LE(2, 32);
  const palette = Buffer.concat([u32le(0), u32le(0x00ff_ffff)]);
  const offset = 14 + dib.length + palette.length;
  return Buffer.concat([latin1('BM'), u32le(offset + runs.length), u32le(0), u32le(offset), dib, palette, runs]);
}

/** Rows bottom-up, blue first, padded to four bytes. */
function bmpRows(raster: Raster, bytesPerPixel: 3 | 4): Buffer {
  const rowBytes = Math.ceil((raster.width * bytesPerPixel) / 4) * 4;
  const rows = Buffer.alloc(rowBytes * raster.height);
  for (let y = 0; y < raster.height; y += 1) {
    for (let x = 0; x < raster.width; x += 1) {
      const from = (y * raster.width + x) * raster.channels;
      const to = (raster.height - 1 - y) * rowBytes + x * bytesPerPixel;
      rows[to] = raster.data[from + 2] ?? 0;
      rows[to + 1] = raster.data[from + 1] ?? 0;
      rows[to + 2] = raster.data[from] ?? 0;
      if (bytesPerPixel === 4) rows[to + 3] = raster.channels === 4 ? (raster.data[from + 3] ?? 0) : 255;
    }
  }
  return rows;
}

export const encodeBmp = (raster: Raster): Buffer =>
  bmp({ width: raster.width, height: raster.height, depth: 24 }, bmpRows(raster, 3));

/** The entry form of a picture inside an icon: a header of double height, colours, then a mask of zeros. */
export function iconBitmap(raster: Raster): Buffer {
  const maskRowBytes = Math.ceil(raster.width / 32) * 4;
  const dib = dibHeader({ width: raster.width, height: raster.height * 2, depth: 32 });
  return Buffer.concat([dib, bmpRows(raster, 4), Buffer.alloc(maskRowBytes * raster.height)]);
}

export interface IconEntry {
  /** As the directory says, 1 to 256. */
  readonly width: number;
  readonly height: number;
  /** Index into the pictures. */
  readonly picture: number;
}

/** An icon whose directory may lie and may point at one picture many times. */
export function ico(entries: readonly IconEntry[], pictures: readonly Buffer[]): Buffer {
  const start = 6 + 16 * entries.length;
  const offsets = pictures.map((_, index) => start + pictures.slice(0, index).reduce((sum, { length }) => sum + length, 0));
  const directory = entries.map(({ width, height, picture }) =>
    Buffer.concat([
      Buffer.from([width % 256, height % 256, 0, 0]),
      u16le(1),
      u16le(32),
      u32le(pictures[picture]?.length ?? 0),
      u32le(offsets[picture] ?? 0),
    ]),
  );
  return Buffer.concat([u16le(0), u16le(1), u16le(entries.length), ...directory, ...pictures]);
}
