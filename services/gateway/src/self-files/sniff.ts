// Type of an own file by its bytes. Users upload what they like: their file is a stranger's file.

import { isBrowsersafe, isConvertible, type Code, type FetchRequest, LIMITS } from '@sekisho/contracts';
import { type PictureHeader, checkHeaderLimits, readMediaHeader } from '@sekisho/media-header';
import { fileTypeFromBuffer } from 'file-type';

/** Bytes that file-type wants at least; more is only more work on hostile bytes. */
export const SNIFF_BYTES = 4_100;
/** One name per type. */
const SAME: Readonly<Record<string, string>> = { 'audio/x-flac': 'audio/flac', 'audio/x-wav': 'audio/wav', 'audio/vnd.wave': 'audio/wav', 'audio/x-m4a': 'audio/mp4' };

export interface Sniffed {
  readonly type: string | undefined;
  /** Of a picture with a usable header. */
  readonly picture: PictureHeader | undefined;
}

/** `partial`: the file goes on behind `bytes`. Never rejects. */
export async function sniff(bytes: Uint8Array, partial: boolean): Promise<Sniffed> {
  const header = readMediaHeader(bytes, { partial });
  if (header.kind === 'picture') return { type: header.type, picture: header };
  if (header.kind === 'broken') return { type: header.type, picture: undefined };
  return { type: await otherType(bytes), picture: undefined };
}

async function otherType(bytes: Uint8Array): Promise<string | undefined> {
  // file-type would inflate gzip to look inside.
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return undefined;
  try {
    const found = await fileTypeFromBuffer(bytes.subarray(0, SNIFF_BYTES));
    const type = found?.mime.split(';', 1)[0]?.trim().toLowerCase();
    return type === undefined ? undefined : (SAME[type] ?? type);
  } catch {
    return undefined;
  }
}

export type Use =
  | { readonly kind: 'store'; readonly picture: PictureHeader; readonly bytesMax: number }
  | { readonly kind: 'stream'; readonly type: string; readonly bytesMax: number }
  | { readonly kind: 'refuse'; readonly code: Code };

type Asked = Pick<FetchRequest, 'want' | 'storeTypes' | 'limits'>;

/** What becomes of bytes of this type, by the words of the fetch contract. Pure. */
export function useOf(asked: Asked, { type, picture }: Sniffed): Use {
  const refused: Use = { kind: 'refuse', code: asked.want === 'store' ? 'SEKISHO_TYPE_NOT_CONVERTIBLE' : 'SEKISHO_TYPE_REFUSED' };
  if (type === undefined) return refused;
  if (isStored(asked, type)) {
    if (picture === undefined || !checkHeaderLimits(picture, LIMITS).ok) return { kind: 'refuse', code: 'SEKISHO_IMAGE_HEADER' };
    const classMax = type === 'image/svg+xml' ? LIMITS.svgBytesMax : LIMITS.pictureBytesMax;
    return { kind: 'store', picture, bytesMax: Math.min(asked.limits.bytesMax, classMax) };
  }
  if (asked.want === 'store' || !isBrowsersafe(type)) return refused;
  return { kind: 'stream', type, bytesMax: Math.min(asked.limits.bytesMax, LIMITS.streamBytesMax) };
}

const isStored = ({ want, storeTypes }: Asked, type: string): boolean =>
  want !== 'stream' && isConvertible(type) && (want === 'store' || storeTypes === undefined || storeTypes.includes(type));
