// Content-Encoding. We ask for identity; what comes encoded all the same is decoded under our own byte limits, because
// the limit of an HTTP library counts the compressed bytes and a bomb of 60 KB holds 64 MB.

import type { Duplex } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';

const CODINGS = ['gzip', 'br', 'zstd', 'deflate'] as const;
export type Coding = (typeof CODINGS)[number];

/** RFC 9659 section 3: a zstd window of more than 8 MiB must not be used over HTTP; the library would take 128 MiB. */
const ZSTD_WINDOW_LOG_MAX = 23;

/** The one coding of the body, `identity`, or undefined: unknown or more than one. */
export function parseCoding(header: string | undefined): Coding | 'identity' | undefined {
  const names = (header ?? '').split(',').map((name) => name.trim().toLowerCase()).filter((name) => name !== '' && name !== 'identity');
  if (names.length === 0) return 'identity';
  const name = names[0] === 'x-gzip' ? 'gzip' : names[0];
  return names.length > 1 ? undefined : CODINGS.find((coding) => coding === name);
}

const DECODERS: Readonly<Record<Coding, () => Duplex>> = {
  gzip: () => createGunzip(),
  br: () => createBrotliDecompress({ params: { [constants.BROTLI_DECODER_PARAM_LARGE_WINDOW]: 0 } }),
  zstd: () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX } }),
  // With its zlib wrapper, as RFC 9110 section 8.4.1.2 wants it; raw streams are refused as broken.
  deflate: () => createInflate(),
};

export const createDecoder = (coding: Coding): Duplex => DECODERS[coding]();
