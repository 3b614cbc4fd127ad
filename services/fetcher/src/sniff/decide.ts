// What happens with bytes of this type: stored for a decoder, streamed as they are, or refused. Pure.

import { type Code, type FetchRequest, isBrowsersafe, isConvertible, LIMITS } from '@sekisho/contracts';
import { checkHeaderLimits } from '@sekisho/media-header';
import type { Sniffed } from './sniff.ts';

export type Decision =
  | { readonly kind: 'store'; readonly type: string; readonly bytesMax: number }
  | { readonly kind: 'stream'; readonly type: string; readonly bytesMax: number }
  | { readonly kind: 'refuse'; readonly code: Code };

type Asked = Pick<FetchRequest, 'want' | 'storeTypes' | 'limits'>;

export function decide(asked: Asked, sniffed: Sniffed): Decision {
  const { type } = sniffed;
  if (type === undefined) return refuseType(asked.want);
  if (wantsStored(asked, type)) return decideStore(asked, type, sniffed);
  if (asked.want === 'store' || !isBrowsersafe(type)) return refuseType(asked.want);
  return { kind: 'stream', type, bytesMax: Math.min(asked.limits.bytesMax, LIMITS.streamBytesMax) };
}

/** 403 where the bytes would have passed as they are, 404 where a transform was asked for. */
export const refuseType = (want: FetchRequest['want']): Decision & { readonly kind: 'refuse' } => ({
  kind: 'refuse',
  code: want === 'store' ? 'SEKISHO_TYPE_NOT_CONVERTIBLE' : 'SEKISHO_TYPE_REFUSED',
});

function wantsStored(asked: Asked, type: string): boolean {
  if (asked.want === 'stream' || !isConvertible(type)) return false;
  return asked.want === 'store' || asked.storeTypes === undefined || asked.storeTypes.includes(type);
}

function decideStore(asked: Asked, type: string, { picture }: Sniffed): Decision {
  const fits = picture !== undefined && checkHeaderLimits(picture, LIMITS).ok;
  if (!fits) return { kind: 'refuse', code: 'SEKISHO_IMAGE_HEADER' };
  const classMax = type === 'image/svg+xml' ? LIMITS.svgBytesMax : LIMITS.pictureBytesMax;
  return { kind: 'store', type, bytesMax: Math.min(asked.limits.bytesMax, classMax) };
}
