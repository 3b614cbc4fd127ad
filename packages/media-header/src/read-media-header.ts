// Which format is it? By magic bytes alone: the upstream's Content-Type is a claim of a stranger.

import { readAvif } from './formats/avif.ts';
import { readBmp } from './formats/bmp.ts';
import { readGif } from './formats/gif.ts';
import { readIco } from './formats/ico.ts';
import { readJpeg } from './formats/jpeg.ts';
import { readPng } from './formats/png.ts';
import { readSvg } from './formats/svg.ts';
import { readTiff } from './formats/tiff.ts';
import { readWebp } from './formats/webp.ts';
import { HeaderReader } from './header-reader.ts';
import { type MediaHeader, OTHER } from './media-header.ts';

/** Bytes that are looked at; more may be given and are ignored. Enough for the EXIF segment of a photo. */
export const HEADER_BYTES_MAX = 65_536;

export interface ReadOptions {
  /** The bytes are the beginning of a longer file. Default: true from HEADER_BYTES_MAX bytes on, false below. */
  readonly partial?: boolean;
}

/** A format's reader: undefined when the magic is not its own. */
export type FormatReader = (reader: HeaderReader) => MediaHeader | undefined;

/** Strong magics first; SVG last, it is a search in text. */
const FORMATS: readonly FormatReader[] = [readPng, readJpeg, readGif, readWebp, readAvif, readTiff, readBmp, readIco, readSvg];

/**
 * Type, size and frames of a picture from its first bytes. Never throws; time and memory are bounded by
 * HEADER_BYTES_MAX whatever the bytes declare. HEIC, JPEG XL, PSD, PDF, SVGZ, HTML, text, audio and video are `other`.
 */
export function readMediaHeader(bytes: Uint8Array, options: ReadOptions = {}): MediaHeader {
  const partial = options.partial ?? bytes.length >= HEADER_BYTES_MAX;
  const window = bytes.subarray(0, HEADER_BYTES_MAX);
  return inspect(new HeaderReader(window, partial || bytes.length > HEADER_BYTES_MAX));
}

/** For tests, which count the reader's steps. */
export function inspect(reader: HeaderReader): MediaHeader {
  for (const read of FORMATS) {
    const header = read(reader);
    if (header !== undefined) return header;
  }
  return OTHER;
}
