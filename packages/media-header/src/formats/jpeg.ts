// JPEG (ITU T.81 Annex B): the size stands in the first SOFn, behind any number of APPn segments.
// A colour profile or XMP of more than 64 KiB hides it: then the size is unknown, not wrong.

import type { HeaderReader } from '../header-reader.ts';
import { broken, type MediaHeader, notFound, sized } from '../media-header.ts';

const TYPE = 'image/jpeg';
/** DHT, JPG and DAC lie among the SOFn codes and are no frames. */
const NO_FRAME: readonly number[] = [0xc4, 0xc8, 0xcc];
const EOI = 0xd9;
const SOS = 0xda;

export function readJpeg(reader: HeaderReader): MediaHeader | undefined {
  if (!reader.spells(0, '\xFF\xD8\xFF')) return undefined;
  let at = 2;
  while (reader.step() && reader.has(at, 4)) {
    // Decoders skip stray bytes and fill bytes up to the next marker, so this must too, or a picture could hide from it.
    if (reader.u8(at) !== 0xff || reader.u8(at + 1) === 0xff || isStandalone(reader.u8(at + 1))) {
      at += 1;
      continue;
    }
    const marker = reader.u8(at + 1);
    if (marker === EOI || marker === SOS) return broken(TYPE, 'no frame before the scan');
    if (isFrame(marker)) return readFrame(reader, at);
    const length = reader.u16be(at + 2);
    if (length < 2) return broken(TYPE, 'a segment is shorter than its length field');
    at += 2 + length;
  }
  return notFound(reader, TYPE);
}

const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && !NO_FRAME.includes(marker);

/** Markers without a length: stuffing, TEM, RSTn, SOI. */
const isStandalone = (marker: number): boolean =>
  marker === 0 || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);

function readFrame(reader: HeaderReader, at: number): MediaHeader {
  if (!reader.has(at, 9)) return notFound(reader, TYPE);
  // A height of 0 announces a DNL marker behind the first scan; no decoder of ours reads that.
  return sized(TYPE, { width: reader.u16be(at + 7), height: reader.u16be(at + 5) });
}
