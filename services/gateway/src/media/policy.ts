// Everything that changes the bytes of a result. It becomes part of every cache key, so that a change of it empties the
// caches by itself. The encoding happens in the image-worker: a test pins its version of sharp and its modes to this file.

import { LIMITS } from '@sekisho/contracts';
import type { MediaLimits } from '../limits-file/limits.ts';
import { policyHash } from './key.ts';

/** sharp of the image-worker; checked against its package by a test. */
export const SHARP_VERSION = '0.35.5';
/** Raise it with every change of the decoder's modes or encoder settings. */
export const ENCODING_REVISION = 1;

/** Policy of these limits; remembered, since it is asked for with every request and changes with a file. */
export function createMediaPolicy(): (limits: MediaLimits) => string {
  let last: { readonly limits: MediaLimits; readonly policy: string } | undefined;
  return (limits) => {
    if (last?.limits !== limits) last = { limits, policy: mediaPolicy(limits) };
    return last.policy;
  };
}

const mediaPolicy = (limits: MediaLimits): string => policyHash({
  sharpVersion: SHARP_VERSION,
  encodeParams: { revision: ENCODING_REVISION },
  limits: {
    framePixelsMax: LIMITS.framePixelsMax,
    totalPixelsMax: LIMITS.totalPixelsMax,
    framesMax: LIMITS.framesMax,
    svgBytesMax: LIMITS.svgBytesMax,
    svgSideMax: LIMITS.svgSideMax,
    pictureBytesMax: limits.pictureBytesMax,
    passAnimationBytesMax: limits.passAnimationBytesMax,
    passAnimationSideMax: limits.passAnimationSideMax,
  },
});
