// Which refusals may be kept: only those that say something about the URL, never about load, a client or a fault of ours.

import type { Code } from '@sekisho/contracts';
import type { Refusal } from '../media/types.ts';

const MIRRORED_STATUSES: ReadonlySet<number> = new Set([400, 401, 403, 404, 410, 451]);

/**
 * Not here: SEKISHO_IMAGE_SPAWN (our own lack of memory) and SEKISHO_IMAGE_RESULT (a lie of a worker: an owned worker
 * could otherwise switch pictures off for everybody).
 */
const NEGATIVE_CODES: ReadonlySet<Code> = new Set<Code>([
  'SEKISHO_TARGET_URL', 'SEKISHO_TARGET_NAME', 'SEKISHO_TARGET_ADDRESS', 'SEKISHO_TARGET_UNRESOLVED', 'SEKISHO_TARGET_PLAIN_HTTP',
  'SEKISHO_TARGET_BLOCKED', 'SEKISHO_TYPE_REFUSED', 'SEKISHO_TYPE_NOT_CONVERTIBLE', 'SEKISHO_IMAGE_HEADER', 'SEKISHO_IMAGE_DECODE',
  'SEKISHO_IMAGE_FLAT', 'SEKISHO_IMAGE_CPU', 'SEKISHO_IMAGE_WALL', 'SEKISHO_IMAGE_MEMORY', 'SEKISHO_IMAGE_CRASH', 'SEKISHO_IMAGE_PROTOCOL',
]);

/** Whether a refusal may stand in the cache for its 60 s. */
export function isNegativeCacheable(refusal: Refusal): boolean {
  if (refusal.code !== 'SEKISHO_UPSTREAM_STATUS') return NEGATIVE_CODES.has(refusal.code);
  return refusal.upstreamStatus !== undefined && MIRRORED_STATUSES.has(refusal.upstreamStatus);
}
