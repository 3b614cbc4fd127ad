// WebP (RFC 9649): VP8, VP8L, or VP8X with the canvas and, for animations, one ANMF chunk per frame.

import type { HeaderReader } from '../header-reader.ts';
import { broken, type Frames, type MediaHeader, notFound, sized } from '../media-header.ts';

const TYPE = 'image/webp';
const FIRST_CHUNK = 12;
const FLAG_ANIMATION = 0x02;

export function readWebp(reader: HeaderReader): MediaHeader | undefined {
  if (!reader.spells(0, 'RIFF') || !reader.spells(8, 'WEBP')) return undefined;
  if (!reader.has(FIRST_CHUNK, 8 + 10)) return readShort(reader);
  switch (reader.name(FIRST_CHUNK)) {
    case 'VP8 ':
      return readLossy(reader, FIRST_CHUNK + 8);
    case 'VP8L':
      return readLossless(reader, FIRST_CHUNK + 8);
    case 'VP8X':
      return readExtended(reader, FIRST_CHUNK + 8);
    default:
      return broken(TYPE, 'the first chunk is no picture');
  }
}

/** A VP8L header is only 5 bytes, all others are cut short here. */
function readShort(reader: HeaderReader): MediaHeader {
  const lossless = reader.spells(FIRST_CHUNK, 'VP8L') && reader.has(FIRST_CHUNK, 8 + 5);
  return lossless ? readLossless(reader, FIRST_CHUNK + 8) : notFound(reader, TYPE);
}

/** RFC 6386 §9.1: frame tag of a key frame, start code, then two sides of 14 bits. */
function readLossy(reader: HeaderReader, at: number): MediaHeader {
  const keyFrame = (reader.u8(at) & 1) === 0;
  if (!keyFrame || !reader.spells(at + 3, '\x9D\x01\x2A')) return broken(TYPE, 'no key frame');
  return sized(TYPE, { width: reader.u16le(at + 6) & 0x3fff, height: reader.u16le(at + 8) & 0x3fff });
}

/** RFC 9649 §3.4: signature, then two sides less one of 14 bits, alpha hint and a version of 0. */
function readLossless(reader: HeaderReader, at: number): MediaHeader {
  const bits = reader.u32le(at + 1);
  const version = bits >>> 29;
  if (reader.u8(at) !== 0x2f || version !== 0) return broken(TYPE, 'no lossless header');
  return sized(TYPE, { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 });
}

function readExtended(reader: HeaderReader, at: number): MediaHeader {
  const size = { width: reader.u24le(at + 4) + 1, height: reader.u24le(at + 7) + 1 };
  const animated = (reader.u8(at) & FLAG_ANIMATION) !== 0;
  return sized(TYPE, size, animated ? countFrames(reader) : undefined);
}

function countFrames(reader: HeaderReader): Frames {
  let framesAtLeast = 0;
  let at = FIRST_CHUNK;
  while (reader.step() && reader.has(at, 8)) {
    if (reader.name(at) === 'ANMF') framesAtLeast += 1;
    const length = reader.u32le(at + 4);
    at += 8 + length + (length % 2);
  }
  return { framesAtLeast, animated: true };
}
