// GIF (89a specification): the logical screen, and every frame whose descriptor lies in the bytes given.

import type { HeaderReader } from '../header-reader.ts';
import { broken, type MediaHeader, picture, sized } from '../media-header.ts';

const TYPE = 'image/gif';
const SCREEN_END = 13;
const EXTENSION = 0x21;
const DESCRIPTOR = 0x2c;
const DESCRIPTOR_BYTES = 10;

interface Seen {
  readonly frames: number;
  readonly width: number;
  readonly height: number;
  /** The trailer, the end of the file, or bytes that no decoder reads on from. */
  readonly ended: boolean;
}

export function readGif(reader: HeaderReader): MediaHeader | undefined {
  if (!reader.spells(0, 'GIF87a') && !reader.spells(0, 'GIF89a')) return undefined;
  if (!reader.has(0, SCREEN_END)) return reader.partial ? unknown() : broken(TYPE, 'the file ends inside its header');
  const seen = walkBlocks(reader);
  if (seen.frames === 0 && seen.ended) return broken(TYPE, 'no frame');
  const frames = { framesAtLeast: seen.frames, animated: seen.frames > 1 || !seen.ended };
  // Before its first frame the screen alone may be 0x0 and still become a picture.
  return seen.frames === 0 ? picture(TYPE, seen, frames) : sized(TYPE, seen, frames);
}

const unknown = (): MediaHeader => picture(TYPE, { width: 0, height: 0 }, { framesAtLeast: 1, animated: true });

function walkBlocks(reader: HeaderReader): Seen {
  let width = reader.u16le(6);
  let height = reader.u16le(8);
  let frames = 0;
  let at = SCREEN_END + tableBytes(reader.u8(10));
  while (reader.step() && reader.has(at, 1)) {
    const block = reader.u8(at);
    if (block === EXTENSION) {
      at = skipSubBlocks(reader, at + 2);
      continue;
    }
    // The trailer; decoders stop at unknown bytes too.
    if (block !== DESCRIPTOR) return { frames, width, height, ended: true };
    if (!reader.has(at, DESCRIPTOR_BYTES)) break;
    frames += 1;
    // Decoders enlarge the screen to what the frames cover.
    width = Math.max(width, reader.u16le(at + 1) + reader.u16le(at + 5));
    height = Math.max(height, reader.u16le(at + 3) + reader.u16le(at + 7));
    at = skipSubBlocks(reader, at + DESCRIPTOR_BYTES + tableBytes(reader.u8(at + 9)) + 1);
  }
  return { frames, width, height, ended: !reader.partial };
}

/** Bytes of the colour table that the packed field announces. */
const tableBytes = (packed: number): number => ((packed & 0x80) === 0 ? 0 : 3 << ((packed & 7) + 1));

/** Position behind the terminator; behind the bytes given when it lies there. */
function skipSubBlocks(reader: HeaderReader, start: number): number {
  let at = start;
  while (reader.step() && reader.has(at, 1)) {
    const length = reader.u8(at);
    at += 1 + length;
    if (length === 0) return at;
  }
  return Math.max(at, reader.length);
}
