// ICO and CUR: a directory of pictures. Its own sizes are bytes and may lie; the header of each entry decides.
// Entries may share one picture (255 entries on a 16 megapixel PNG), so the largest counts once.

import type { HeaderReader } from '../header-reader.ts';
import { broken, type MediaHeader, notFound, sized, type Size } from '../media-header.ts';
import { readDib } from './bmp.ts';
import { isPng, readIhdr } from './png.ts';

const TYPE = 'image/x-icon';
const DIRECTORY = 6;
const ENTRY_BYTES = 16;
/** More than any icon has; a longer directory is refused rather than half read. */
export const ICO_ENTRIES_MAX = 255;
/** PNG signature and IHDR, the longest thing read of an entry. */
const ENTRY_HEADER_BYTES = 33;

export function readIco(reader: HeaderReader): MediaHeader | undefined {
  if (!reader.spells(0, '\0\0\x01\0') && !reader.spells(0, '\0\0\x02\0')) return undefined;
  if (!reader.has(0, DIRECTORY + ENTRY_BYTES)) return undefined;
  const count = reader.u16le(4);
  if (count === 0) return undefined;
  if (count > ICO_ENTRIES_MAX) return broken(TYPE, 'too many entries');
  return readEntries(reader, count);
}

function readEntries(reader: HeaderReader, count: number): MediaHeader {
  let largest: Size = { width: 0, height: 0 };
  for (let index = 0; index < count && reader.step(); index += 1) {
    const entry = DIRECTORY + index * ENTRY_BYTES;
    const at = reader.u32le(entry + 12);
    // An entry that cannot be seen may be the expensive one: the whole size is unknown then.
    if (!reader.has(entry, ENTRY_BYTES) || isOutside(reader, at)) return notFound(reader, TYPE);
    const size = readEntry(reader, at);
    if (size !== undefined && size.width * size.height > largest.width * largest.height) largest = size;
  }
  return largest.width > 0 ? sized(TYPE, largest) : broken(TYPE, 'no entry holds a picture');
}

const isOutside = (reader: HeaderReader, at: number): boolean => reader.partial && !reader.has(at, ENTRY_HEADER_BYTES);

function readEntry(reader: HeaderReader, at: number): Size | undefined {
  if (isPng(reader, at)) return readIhdr(reader, at + 8);
  const dib = readDib(reader, at);
  // The height covers the colour and the mask rows.
  return dib && { width: dib.width, height: Math.ceil(dib.height / 2) };
}
