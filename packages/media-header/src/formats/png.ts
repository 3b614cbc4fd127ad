// PNG and APNG (W3C PNG third edition, §5 and §11). An acTL before the first IDAT makes it an APNG.

import type { HeaderReader } from '../header-reader.ts';
import { broken, type Frames, type MediaHeader, notFound, picture, type PictureType, type Size } from '../media-header.ts';

const SIGNATURE = '\x89PNG\r\n\x1A\n';
const FIRST_CHUNK = 8;
/** Length, name and checksum around a chunk's data. */
const CHUNK_FRAME = 12;
const SIDE_MAX = 0x7fff_ffff;
/** Bit depths by colour type. */
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

export function readPng(reader: HeaderReader): MediaHeader | undefined {
  if (!reader.spells(0, SIGNATURE)) return undefined;
  const size = readIhdr(reader, FIRST_CHUNK);
  if (size === undefined) {
    return reader.partial && reader.length < FIRST_CHUNK + CHUNK_FRAME + 13
      ? notFound(reader, 'image/png')
      : broken('image/png', 'IHDR is missing or invalid');
  }
  return walkChunks(reader, size);
}

/** Size in the IHDR chunk at `at`; also used for pictures inside an icon. */
export function readIhdr(reader: HeaderReader, at: number): Size | undefined {
  if (!reader.has(at, CHUNK_FRAME + 9) || reader.u32be(at) !== 13 || reader.name(at + 4) !== 'IHDR') return undefined;
  const width = reader.u32be(at + 8);
  const height = reader.u32be(at + 12);
  const depthFits = DEPTHS[reader.u8(at + 17)]?.includes(reader.u8(at + 16)) ?? false;
  const sidesFit = width > 0 && height > 0 && width <= SIDE_MAX && height <= SIDE_MAX;
  return depthFits && sidesFit ? { width, height } : undefined;
}

export const isPng = (reader: HeaderReader, at: number): boolean => reader.spells(at, SIGNATURE);

function walkChunks(reader: HeaderReader, size: Size): MediaHeader {
  let frames: Frames | undefined;
  let at = FIRST_CHUNK;
  while (reader.step() && reader.has(at, 8)) {
    const name = reader.name(at + 4);
    if (name === 'IEND') return broken(typeOf(frames), 'no IDAT');
    if (name === 'IDAT') return picture(typeOf(frames), size, frames);
    if (name === 'acTL' && reader.has(at, 12)) frames ??= declaredFrames(reader.u32be(at + 8));
    at += CHUNK_FRAME + reader.u32be(at);
  }
  return reader.partial ? picture(typeOf(frames), size, frames) : broken(typeOf(frames), 'the file ends before IDAT');
}

const typeOf = (frames: Frames | undefined): PictureType => (frames === undefined ? 'image/png' : 'image/apng');

/** The declared count is the only one: frames carry no index before the file ends. Zero is invalid, browsers show a still. */
const declaredFrames = (count: number): Frames | undefined =>
  count === 0 ? undefined : { framesAtLeast: count, animated: count > 1 };
