// What a stored source becomes: passed as it is, refused, or ordered from the workers in a class with a price.
// Pure. The description comes from the fetcher's header reader; the decoder inspects again and its limits decide.

import { type Code, type DecodeClass, LIMITS, type MediaMode, type StoredOutcome, isConvertible } from '@sekisho/contracts';
import type { MediaLimits } from '../limits-file/limits.ts';

export type Plan =
  | { readonly kind: 'refuse'; readonly code: Code }
  | { readonly kind: 'pass' }
  | { readonly kind: 'transform'; readonly class: DecodeClass; readonly pixels: number };

type Source = Pick<StoredOutcome, 'type' | 'width' | 'height' | 'framesAtLeast' | 'bytes'>;

/** Modes that keep an animation; their `-static` forms do not. */
const ANIMATED_MODES: ReadonlySet<MediaMode> = new Set(['emoji', 'avatar']);
/** Animations the decoder can re-encode; APNG and AVIF it can only see the first frame of. */
const ANIMATED_TYPES: ReadonlySet<string> = new Set(['image/gif', 'image/webp']);
const PASSED_TYPES: ReadonlySet<string> = new Set(['image/apng', 'image/avif']);

export function planSource(source: Source, mode: MediaMode, limits: MediaLimits): Plan {
  if (!isConvertible(source.type)) return { kind: 'refuse', code: 'SEKISHO_TYPE_NOT_CONVERTIBLE' };
  const frame = source.width * source.height;
  if (source.type === 'image/svg+xml') return planSvg(source);
  if (frame > LIMITS.framePixelsMax) return { kind: 'refuse', code: 'SEKISHO_IMAGE_HEADER' };
  if (passes(source, mode, limits)) return { kind: 'pass' };
  const animation = ANIMATED_MODES.has(mode) && ANIMATED_TYPES.has(source.type) && source.framesAtLeast > 1;
  const frames = animation ? Math.min(source.framesAtLeast, LIMITS.framesMax) : 1;
  // A size that the header did not tell is priced as the largest.
  const pixels = Math.min((frame || LIMITS.framePixelsMax) * frames, LIMITS.totalPixelsMax);
  return { kind: 'transform', class: animation ? 'animation' : 'raster', pixels };
}

function planSvg(source: Source): Plan {
  if (source.bytes > LIMITS.svgBytesMax) return { kind: 'refuse', code: 'SEKISHO_UPSTREAM_TOO_LARGE' };
  return { kind: 'transform', class: 'svg', pixels: LIMITS.svgSideMax * LIMITS.svgSideMax };
}

/** APNG and animated AVIF up to a size: no decoder of ours writes them, and a still emoji would be a loss. */
function passes(source: Source, mode: MediaMode, limits: MediaLimits): boolean {
  const moving = source.framesAtLeast > 1 && source.framesAtLeast <= LIMITS.framesMax;
  const small = source.bytes <= limits.passAnimationBytesMax
    && source.width > 0 && source.width <= limits.passAnimationSideMax
    && source.height > 0 && source.height <= limits.passAnimationSideMax;
  return ANIMATED_MODES.has(mode) && PASSED_TYPES.has(source.type) && moving && small;
}
