// TIFF: only passed on, never decoded, so type and size of the first directory are enough.

import type { HeaderReader } from '../header-reader.ts';
import { broken, type MediaHeader, notFound, picture, sized } from '../media-header.ts';

const TYPE = 'image/tiff';
const ENTRY_BYTES = 12;
const TAG_WIDTH = 256;
const TAG_HEIGHT = 257;
const FIELD_SHORT = 3;
const FIELD_LONG = 4;

interface Order {
  u16(at: number): number;
  u32(at: number): number;
}

export function readTiff(reader: HeaderReader): MediaHeader | undefined {
  if (isBigTiff(reader)) return picture(TYPE, { width: 0, height: 0 });
  const order = byteOrder(reader);
  // Canon raw files share the magic and are no TIFF for a browser.
  if (order === undefined || reader.spells(8, 'CR\x02')) return undefined;
  const directory = order.u32(4);
  if (!reader.has(0, 8) || !reader.has(directory, 2)) return notFound(reader, TYPE);
  return readDirectory(reader, order, directory);
}

const isBigTiff = (reader: HeaderReader): boolean => reader.spells(0, 'II+\0\x08\0') || reader.spells(0, 'MM\0+\0\x08');

function byteOrder(reader: HeaderReader): Order | undefined {
  if (reader.spells(0, 'II*\0')) return { u16: (at) => reader.u16le(at), u32: (at) => reader.u32le(at) };
  if (reader.spells(0, 'MM\0*')) return { u16: (at) => reader.u16be(at), u32: (at) => reader.u32be(at) };
  return undefined;
}

function readDirectory(reader: HeaderReader, order: Order, directory: number): MediaHeader {
  const count = order.u16(directory);
  let width = 0;
  let height = 0;
  for (let index = 0; index < count && reader.step(); index += 1) {
    const at = directory + 2 + index * ENTRY_BYTES;
    if (!reader.has(at, ENTRY_BYTES)) return notFound(reader, TYPE);
    const tag = order.u16(at);
    if (tag === TAG_WIDTH) width = fieldValue(order, at);
    if (tag === TAG_HEIGHT) height = fieldValue(order, at);
    if (width > 0 && height > 0) return sized(TYPE, { width, height });
  }
  return broken(TYPE, 'no size in the first directory');
}

function fieldValue(order: Order, at: number): number {
  const type = order.u16(at + 2);
  if (type === FIELD_SHORT) return order.u16(at + 8);
  return type === FIELD_LONG ? order.u32(at + 8) : 0;
}
