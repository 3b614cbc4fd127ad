// What are these bytes? Decided by the bytes alone: the upstream's Content-Type is a claim of a stranger. Pictures are
// read by our own header parser, everything else by file-type.

import { type MediaHeader, type PictureHeader, readMediaHeader } from '@sekisho/media-header';
import { detectType } from './file-type.ts';

export interface Sniffed {
  /** Normalised media type; undefined when unknown. */
  readonly type: string | undefined;
  /** Of a picture whose header could be read. */
  readonly picture: PictureHeader | undefined;
  /** A picture's magic with an unusable header behind it. */
  readonly broken: boolean;
}

/** Spellings of one type, told by one name. */
const SAME: Readonly<Record<string, string>> = {
  'audio/x-flac': 'audio/flac',
  'audio/vnd.wave': 'audio/wav',
  'audio/x-wav': 'audio/wav',
  'audio/x-m4a': 'audio/mp4',
  'image/vnd.mozilla.apng': 'image/apng',
  'image/vnd.microsoft.icon': 'image/x-icon',
};

export const normalizeType = (type: string): string => SAME[type] ?? type;

/** `partial`: the file goes on behind `bytes`. Never rejects. */
export async function sniff(bytes: Uint8Array, partial: boolean): Promise<Sniffed> {
  const header: MediaHeader = readMediaHeader(bytes, { partial });
  if (header.kind === 'picture') return { type: header.type, picture: header, broken: false };
  if (header.kind === 'broken') return { type: header.type, picture: undefined, broken: true };
  const found = await detectType(bytes);
  return { type: found === undefined ? undefined : normalizeType(found), picture: undefined, broken: false };
}
