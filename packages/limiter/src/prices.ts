// What work costs, in ms of CPU on one core, measured on our own decoders. Prices at entry are paid before anything is
// known of the file; the price of a decode follows its header, which only prices: settle has the last word.

import { type DecodeClass, LIMITS } from '@sekisho/contracts';

const KiB = 1024;
const MiB = 1024 * KiB;
const MEGAPIXEL = 1_000_000;

/** Hit, 304, negative hit, refusal, and a request that is only passed on: what it costs us, not what it costs Misskey. */
export const TICK_MS = 1;
/** A picture to transform, in every mode, before its header is known. */
export const TRANSFORM_ENTRY_MS = 250;
/** No work is dearer: a decoder is killed at this CPU time. */
export const PRICE_MAX_MS = LIMITS.decodeCpuMs;

const STILL = { baseMs: 60, perMegapixelMs: 100 };
const ANIMATION = { baseMs: 60, perMegapixelMs: 300 };

/** A stream of so many bytes: 5 + 1 per MiB begun. */
export const streamPrice = (bytes: number): number => capped(5 + Math.ceil(bytes / MiB));

/** A fetched source: 5 + 1 per 256 KiB begun. */
export const fetchPrice = (bytes: number): number => capped(5 + Math.ceil(bytes / (256 * KiB)));

/** An activity: 2 + 1 per 16 KiB begun. */
export const inboxPrice = (bytes: number): number => capped(2 + Math.ceil(bytes / (16 * KiB)));

/** A decode; `pixels` over all frames. */
export function transformPrice(work: { readonly class: DecodeClass; readonly pixels: number }): number {
  if (work.class === 'svg') return LIMITS.svgCpuMs;
  return pixelPrice(work.class === 'animation' ? ANIMATION : STILL, work.pixels);
}

const pixelPrice = (rate: typeof STILL, pixels: number): number =>
  capped(Math.ceil(rate.baseMs + (rate.perMegapixelMs * pixels) / MEGAPIXEL));

/** What is no number is priced as the dearest: numbers come from headers that strangers wrote. */
const capped = (price: number): number => (price >= 0 ? Math.min(price, PRICE_MAX_MS) : PRICE_MAX_MS);
