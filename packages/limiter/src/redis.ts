// The refund limiter in Redis: one script per operation, atomic over all buckets of a charge, so replicas share budgets.
// Faults of Redis are thrown as they come; fallback.ts decides what they mean.

import { stateKeys } from '@sekisho/contracts';
import type { Redis } from 'ioredis';
import { chargeId } from './charge-id.ts';
import {
  type BucketSpec,
  CHARGE_TTL_MS,
  COST_MAX_MS,
  type ChargeVerdict,
  DEBITS_MAX,
  DEBIT_MAX_MS,
  type Debit,
  type DebitPort,
  type RefundLimiter,
  type Repriced,
  type Settled,
  checkBucket,
  checkBuckets,
  checkCost,
  retryAfterMs,
  usedOrKeep,
} from './port.ts';
import { loadScript } from './script.ts';

export interface RedisLimiterOptions {
  readonly redis: Redis;
  /** Life of a charge that nobody settles; the same in all processes of one Redis. */
  readonly chargeTtlMs?: number;
  readonly debitMaxMs?: number;
}

const ID = /^[\w-]{22}$/;
const scripts = {
  charge: loadScript('charge'),
  reprice: loadScript('reprice'),
  settle: loadScript('settle'),
  debit: loadScript('debit'),
};

export class RedisLimiter implements RefundLimiter, DebitPort {
  readonly #redis: Redis;
  readonly #ttlMs: number;
  readonly #debitMaxMs: number;

  constructor(options: RedisLimiterOptions) {
    this.#redis = options.redis;
    this.#ttlMs = options.chargeTtlMs ?? CHARGE_TTL_MS;
    this.#debitMaxMs = options.debitMaxMs ?? DEBIT_MAX_MS;
  }

  async charge(specs: readonly BucketSpec[], costMs: number): Promise<ChargeVerdict> {
    const id = chargeId();
    const keys = [recordKey(id)];
    const args = [this.#ttlMs, checkCost(costMs)];
    for (const bucket of checkBuckets(specs)) {
      keys.push(bucketKey(bucket.key));
      args.push(bucket.emissionUs, bucket.capacityUs);
    }
    const [bucket, overUs] = pair(await scripts.charge(this.#redis, keys, args));
    if (bucket === 0) return { ok: true, id, degraded: false };
    return { ok: false, bucket: bucket - 1, retryAfterMs: retryAfterMs(overUs), degraded: false };
  }

  async reprice(id: string, costMs: number): Promise<Repriced> {
    const cost = checkCost(costMs);
    if (!ID.test(id)) return 'gone';
    const done = Number(await scripts.reprice(this.#redis, [recordKey(id)], [this.#ttlMs, cost]));
    if (done === 1) return 'ok';
    return done === 0 ? 'refused' : 'gone';
  }

  async settle(id: string, usedMs: number): Promise<Settled> {
    if (!ID.test(id)) return 'again';
    const args = [this.#ttlMs, usedOrKeep(usedMs), this.#debitMaxMs];
    return Number(await scripts.settle(this.#redis, [recordKey(id)], args)) === 1 ? 'first' : 'again';
  }

  async debit(debits: readonly Debit[]): Promise<readonly number[]> {
    if (debits.length === 0) return [];
    if (debits.length > DEBITS_MAX) throw new RangeError('too many debits at once');
    const args = [this.#ttlMs];
    for (const { bucket, costMs } of debits) {
      args.push(checkBucket(bucket).emissionUs, Math.min(COST_MAX_MS, Math.ceil(costMs)));
    }
    const levels = await scripts.debit(this.#redis, debits.map(({ bucket }) => bucketKey(bucket.key)), args);
    if (!Array.isArray(levels)) throw new TypeError('the script did not answer with a list');
    return levels.map(Number);
  }
}

const recordKey = (id: string): string => `${stateKeys.limiterPrefix}:c:${id}`;
// One letter per kind: the name of a bucket can never be that of a charge.
const bucketKey = (key: string): string => `${stateKeys.limiterPrefix}:b:${key}`;

function pair(reply: unknown): readonly [number, number] {
  if (!Array.isArray(reply)) throw new TypeError('the script did not answer with a list');
  return [Number(reply[0]), Number(reply[1])];
}
