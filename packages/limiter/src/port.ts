// The refund limiter: charge the worst case before the work, settle with what was used. Unit everywhere: 1 ms of CPU on
// one core. A plain token bucket with refund breaks its own bound (a held charge drains while it is held, its refund then
// hands the same time out twice); so a level never drains below the charges that are still open.

import { LIMITS } from '@sekisho/contracts';

/** Buckets of one charge: client, network, class, one spare. */
export const BUCKETS_MAX = 4;
/** Longest work (fetch 20 s, line 20 s, decode 10 s) and a margin; after it a charge can no longer be refunded. */
export const CHARGE_TTL_MS = 60_000;
/** Most that one settle debits above its charge: a decoder is killed at this CPU time. */
export const DEBIT_MAX_MS = LIMITS.decodeCpuMs;
/** Highest cost of one call; keeps every product far below 2^53. */
export const COST_MAX_MS = 1_000_000;
/** Longest wait that is named; what never fits is asked to come back tomorrow. */
export const RETRY_AFTER_MAX_MS = 86_400_000;

const CAPACITY_MAX_MS = 1_000_000_000;
const EMISSION_MAX_US = 1_000_000_000;
/** Full bucket in µs of bucket time, a year: with the time of day it stays below 2^53. */
const BUCKET_MAX_US = 31_536_000_000_000;
const KEY = /^[\x21-\x7e]{1,200}$/;
const US_PER_S = 1_000_000;

export interface BucketSpec {
  /** Name of the bucket, printable ASCII without blanks, at most 200 characters. */
  readonly key: string;
  /** Most that may be spent at once, ms of CPU. */
  readonly capacityMs: number;
  /** What comes back per second, ms of CPU. */
  readonly refillMsPerSecond: number;
}

export type ChargeVerdict =
  /** `degraded`: decided without Redis. */
  | { readonly ok: true; readonly id: string; readonly degraded: boolean }
  /** `bucket` is the index of the bucket without room, -1 when nothing could decide. */
  | { readonly ok: false; readonly bucket: number; readonly retryAfterMs: number; readonly degraded: boolean };

export type Repriced = 'ok' | 'refused' | 'gone';
export type Settled = 'first' | 'again';

export interface RefundLimiter {
  /**
   * Holds `costMs` (rounded up, at least 1) in all buckets or in none.
   * @throws RangeError for no or more than four buckets, a bucket twice, or a number that is none.
   */
  charge(buckets: readonly BucketSpec[], costMs: number): Promise<ChargeVerdict>;
  /** Changes the price of an open charge, which starts its life anew. `refused` changes nothing; down always fits. */
  reprice(id: string, costMs: number): Promise<Repriced>;
  /**
   * Ends a charge with the CPU that was used: less is refunded, more is debited (at most `DEBIT_MAX_MS`), into debt if
   * need be. NaN keeps the price, a negative number counts as 0. Once: `again` changes nothing.
   */
  settle(id: string, usedMs: number): Promise<Settled>;
}

/** What was counted in the process and is debited without a question. */
export interface Debit {
  readonly bucket: BucketSpec;
  /** 0 only asks for the level. */
  readonly costMs: number;
}

export interface DebitPort {
  /** Levels after the debits in µs of bucket time, in the order given. At most `DEBITS_MAX`. */
  debit(debits: readonly Debit[]): Promise<readonly number[]>;
}
/** Keys of one debit script: about a millisecond of Redis. */
export const DEBITS_MAX = 200;

/** Bucket with checked numbers. */
export interface Bucket {
  readonly key: string;
  readonly capacityUs: number;
  /** µs of bucket time that 1 ms of cost takes to come back. */
  readonly emissionUs: number;
}

/** @throws RangeError */
export function checkBucket(spec: BucketSpec): Bucket {
  const emissionUs = Math.ceil(US_PER_S / spec.refillMsPerSecond);
  const capacityMs = Math.floor(spec.capacityMs);
  const sane = emissionUs >= 1 && emissionUs <= EMISSION_MAX_US && capacityMs >= 1 && capacityMs <= CAPACITY_MAX_MS;
  if (!sane || emissionUs * capacityMs > BUCKET_MAX_US) throw new RangeError('the bucket has no usable numbers');
  if (!KEY.test(spec.key)) throw new RangeError('the bucket has no usable key');
  return { key: spec.key, capacityUs: capacityMs * emissionUs, emissionUs };
}

/** @throws RangeError */
export function checkBuckets(specs: readonly BucketSpec[]): readonly Bucket[] {
  if (specs.length < 1 || specs.length > BUCKETS_MAX) throw new RangeError('a charge has one to four buckets');
  const buckets = specs.map(checkBucket);
  // The second write of a bucket that stands twice would undo the first.
  if (buckets.some((bucket, at) => buckets.findIndex(({ key }) => key === bucket.key) !== at)) {
    throw new RangeError('a charge has each bucket once');
  }
  return buckets;
}

/** Whole ms of a price; @throws RangeError for what is no price. */
export function checkCost(costMs: number): number {
  if (!(costMs >= 0) || costMs > COST_MAX_MS) throw new RangeError('the cost is no usable number');
  return Math.max(1, Math.ceil(costMs));
}

/** Whole ms used; -1 stands for "keep the price". */
export function usedOrKeep(usedMs: number): number {
  if (Number.isNaN(usedMs) || usedMs === Number.NEGATIVE_INFINITY) return -1;
  return Math.ceil(Math.min(Math.max(0, usedMs), COST_MAX_MS + DEBIT_MAX_MS));
}

/** What of its charge a settle returns (> 0) or debits (< 0), ms. */
export function refundOf(costMs: number, usedMs: number, debitMaxMs: number = DEBIT_MAX_MS): number {
  const used = usedOrKeep(usedMs);
  return used < 0 ? 0 : Math.max(costMs - used, -debitMaxMs);
}

/** Wait in whole ms until `overUs` have drained. */
export const retryAfterMs = (overUs: number): number =>
  Math.min(RETRY_AFTER_MAX_MS, Math.max(1, Math.ceil(overUs / 1000)));

/** The same bucket with a part of its room and refill, at least 1 ms. */
export const shareOf = (spec: BucketSpec, share: number): BucketSpec => ({
  key: spec.key,
  capacityMs: Math.max(1, Math.floor(spec.capacityMs * share)),
  refillMsPerSecond: spec.refillMsPerSecond * share,
});
