// The obvious, refused before a byte reaches a decoder. The decoder inspects again; its limits decide.

import type { Code } from '@sekisho/contracts';
import type { PictureHeader } from './media-header.ts';

export interface HeaderLimits {
  readonly framePixelsMax: number;
  readonly framesMax: number;
}

export type LimitsVerdict = { readonly ok: true } | { readonly ok: false; readonly code: Code };

/**
 * Refuses a frame of more than `framePixelsMax` pixels. Many frames are no refusal: such a file gives its still first
 * frame. An unknown size (0x0) passes, it is priced at the maximum.
 */
export function checkHeaderLimits(header: PictureHeader, limits: HeaderLimits): LimitsVerdict {
  return header.width * header.height > limits.framePixelsMax ? { ok: false, code: 'SEKISHO_IMAGE_HEADER' } : { ok: true };
}

/** Pixels to charge for: one frame times the frames that would be decoded at most; an unknown size counts as the limit. */
export function pricedPixels(header: PictureHeader, limits: HeaderLimits): number {
  const frame = header.width * header.height || limits.framePixelsMax;
  return Math.min(frame, limits.framePixelsMax) * Math.min(header.framesAtLeast, limits.framesMax);
}
