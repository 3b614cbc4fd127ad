// What a charge means when Redis is gone: cheap work goes on from small buckets in the process, dear work is refused.
// reprice and settle never throw for Redis' sake: a lost refund only makes the limiter stricter.

import { Guard } from './guard.ts';
import type { MemoryLimiter } from './memory.ts';
import { type BucketSpec, type ChargeVerdict, type RefundLimiter, type Repriced, type Settled, shareOf } from './port.ts';

/** Part of a bucket that one process gives out alone: with up to eight replicas the bound holds. */
export const LOCAL_SHARE = 1 / 8;
/** When refused work may ask again: the breaker probes every second. */
const CLOSED_RETRY_MS = 1_000;
const LOCAL_PREFIX = 'local.';

export interface ChargeOptions {
  /** `local`: hits, streams, pages. `closed`: transforms. */
  readonly whenDown: 'local' | 'closed';
}

export interface FallbackOptions {
  readonly redis: RefundLimiter;
  /** The same one as the meter's, or a process would give out two shares. */
  readonly local: MemoryLimiter;
  readonly guard: Guard;
  readonly localShare?: number;
}

export interface FallbackLimiter {
  /** `{ok: false, bucket: -1, degraded: true}`: Redis is gone and the work is not for the process alone. */
  charge(buckets: readonly BucketSpec[], costMs: number, options: ChargeOptions): Promise<ChargeVerdict>;
  /** `unanswered`: Redis cannot be asked or did not answer in time. The charge is held at its old or at its new price. */
  reprice(id: string, costMs: number): Promise<Repriced | 'unanswered'>;
  /** `again` also when Redis cannot be asked: nothing is given back then, the charge drains. */
  settle(id: string, usedMs: number): Promise<Settled>;
}

export function createFallbackLimiter(options: FallbackOptions): FallbackLimiter {
  const { redis, local, guard } = options;
  const share = options.localShare ?? LOCAL_SHARE;
  return {
    charge: async (buckets, costMs, { whenDown }) => {
      const asked = await guard.run({
        call: () => redis.charge(buckets, costMs),
        // Nobody waits for it any more: what it holds would block its client for nothing.
        onLate: (verdict) => giveBack(redis, verdict),
      });
      if (asked.ok) return asked.value;
      if (whenDown === 'closed') return { ok: false, bucket: -1, retryAfterMs: CLOSED_RETRY_MS, degraded: true };
      const verdict = await local.charge(buckets.map((bucket) => shareOf(bucket, share)), costMs);
      return verdict.ok
        ? { ok: true, id: LOCAL_PREFIX + verdict.id, degraded: true }
        : { ...verdict, degraded: true };
    },
    reprice: async (id, costMs) => {
      if (id.startsWith(LOCAL_PREFIX)) return await local.reprice(id.slice(LOCAL_PREFIX.length), costMs);
      const asked = await guard.run({ call: () => redis.reprice(id, costMs) });
      return asked.ok ? asked.value : 'unanswered';
    },
    settle: async (id, usedMs) => {
      if (id.startsWith(LOCAL_PREFIX)) return await local.settle(id.slice(LOCAL_PREFIX.length), usedMs);
      const asked = await guard.run({ call: () => redis.settle(id, usedMs) });
      return asked.ok ? asked.value : 'again';
    },
  };
}

function giveBack(redis: RefundLimiter, verdict: ChargeVerdict): void {
  if (verdict.ok) redis.settle(verdict.id, 0).catch(() => undefined);
}
