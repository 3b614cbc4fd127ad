// BMP: OS/2 and Windows headers. Decoders of BMP are old code; depths they do not know are refused here
// (imgproxy 4.0.12 fixed an overflow at 40 bits per pixel).

import type { HeaderReader } from '../header-reader.ts';
import { broken, type MediaHeader, notFound, type Size, sized } from '../media-header.ts';

const TYPE = 'image/bmp';
const DIB = 14;
const CORE_BYTES = 12;
const INFO_BYTES: readonly number[] = [16, 40, 52, 56, 64, 108, 124];
const DEPTHS: readonly number[] = [1, 2, 4, 8, 16, 24, 32];
/** Bytes up to the depth, the last field that is read. */
const FIELDS_BYTES = 16;

export interface Dib extends Size {
  readonly depth: number;
}

export function readBmp(reader: HeaderReader): MediaHeader | undefined {
  if (!reader.spells(0, 'BM')) return undefined;
  // Two letters are a weak magic; the size of the second header decides whether it is a picture at all.
  if (!reader.has(DIB, 4) || !isDibSize(reader.u32le(DIB))) return undefined;
  const dib = readDib(reader, DIB);
  if (dib === undefined) return notFound(reader, TYPE);
  return DEPTHS.includes(dib.depth) ? sized(TYPE, dib) : broken(TYPE, 'unknown bits per pixel');
}

const isDibSize = (bytes: number): boolean => bytes === CORE_BYTES || INFO_BYTES.includes(bytes);

/** The DIB header at `at`; negative heights are top-down pictures, negative widths count as 0. */
export function readDib(reader: HeaderReader, at: number): Dib | undefined {
  if (!reader.has(at, 4) || !isDibSize(reader.u32le(at))) return undefined;
  if (reader.u32le(at) === CORE_BYTES) {
    if (!reader.has(at, CORE_BYTES)) return undefined;
    return { width: reader.u16le(at + 4), height: reader.u16le(at + 6), depth: reader.u16le(at + 10) };
  }
  if (!reader.has(at, FIELDS_BYTES)) return undefined;
  return {
    width: Math.max(0, reader.i32le(at + 4)),
    height: Math.abs(reader.i32le(at + 8)),
    depth: reader.u16le(at + 14),
  };
}
