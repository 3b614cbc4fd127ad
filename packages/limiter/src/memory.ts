// The same limiter in the process: what a gateway falls back to without Redis, and the model in the tests.

import { chargeId } from './charge-id.ts';
import { type Instant, type Level, close, isDrained, levelAt } from './level.ts';
import {
  type Bucket,
  type BucketSpec,
  CHARGE_TTL_MS,
  type ChargeVerdict,
  DEBIT_MAX_MS,
  type Debit,
  type DebitPort,
  type RefundLimiter,
  type Repriced,
  type Settled,
  checkBucket,
  checkBuckets,
  checkCost,
  refundOf,
  retryAfterMs,
} from './port.ts';

/** Buckets and open charges kept, each about 200 bytes. */
const KEYS_MAX = 50_000;
/** Old buckets looked at when the table is full: bounds what a flood of new keys costs per request. */
const PROBES_MAX = 64;
/** A table that is full of live buckets: how long until the refused one may try again. */
const FULL_RETRY_MS = 1_000;

export interface MemoryLimiterOptions {
  /** Monotonic ms. */
  readonly nowMs?: () => number;
  readonly chargeTtlMs?: number;
  readonly debitMaxMs?: number;
  readonly keysMax?: number;
}

/** Verdict of work that is paid at once and never refunded. */
export type TakeVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly bucket: number; readonly retryAfterMs: number };

interface Charge {
  costMs: number;
  born: number;
  untilUs: number;
  readonly buckets: readonly Bucket[];
}

export class MemoryLimiter implements RefundLimiter, DebitPort {
  readonly #levels = new Map<string, Level>();
  /** In the order in which they lapse. */
  readonly #charges = new Map<string, Charge>();
  readonly #nowMs: () => number;
  readonly #ttlUs: number;
  readonly #debitMaxMs: number;
  readonly #keysMax: number;

  constructor(options: MemoryLimiterOptions = {}) {
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#ttlUs = (options.chargeTtlMs ?? CHARGE_TTL_MS) * 1000;
    this.#debitMaxMs = options.debitMaxMs ?? DEBIT_MAX_MS;
    this.#keysMax = options.keysMax ?? KEYS_MAX;
  }

  /** Buckets kept. */
  get size(): number {
    return this.#levels.size;
  }

  async charge(specs: readonly BucketSpec[], costMs: number): Promise<ChargeVerdict> {
    return this.chargeNow(specs, costMs);
  }

  /** As `charge`, for who cannot wait. */
  chargeNow(specs: readonly BucketSpec[], costMs: number): ChargeVerdict {
    const at = this.#instant();
    this.#dropLapsed(at);
    const buckets = checkBuckets(specs);
    const cost = checkCost(costMs);
    if (this.#charges.size >= this.#keysMax) {
      return { ok: false, bucket: 0, retryAfterMs: FULL_RETRY_MS, degraded: false };
    }
    const taken = this.#admit(buckets, { cost, held: true }, at);
    if (!taken.ok) return { ...taken, degraded: false };
    const id = chargeId();
    this.#charges.set(id, { costMs: cost, born: at.epoch, untilUs: at.nowUs + this.#ttlUs, buckets });
    return { ok: true, id, degraded: false };
  }

  /** Charge and settle in one: `costMs` is paid in all buckets or in none. */
  take(specs: readonly BucketSpec[], costMs: number): TakeVerdict {
    return this.#admit(checkBuckets(specs), { cost: checkCost(costMs), held: false }, this.#instant());
  }

  async reprice(id: string, costMs: number): Promise<Repriced> {
    const at = this.#instant();
    const cost = checkCost(costMs);
    this.#dropLapsed(at);
    const charge = this.#charges.get(id);
    if (charge === undefined) return 'gone';
    const levels = charge.buckets.map((bucket) => {
      const level = levelAt(this.#levels.get(bucket.key), at);
      level.tatUs += bucket.emissionUs * (cost - charge.costMs);
      close(level, bucket.emissionUs * charge.costMs, charge.born);
      level.openUs += bucket.emissionUs * cost;
      return { bucket, level };
    });
    const full = levels.some(({ bucket, level }) => level.tatUs - at.nowUs > bucket.capacityUs);
    if (cost > charge.costMs && full) return 'refused';
    for (const { bucket, level } of levels) this.#save(bucket.key, level, at);
    this.#charges.delete(id);
    this.#charges.set(id, { ...charge, costMs: cost, born: at.epoch, untilUs: at.nowUs + this.#ttlUs });
    return 'ok';
  }

  async settle(id: string, usedMs: number): Promise<Settled> {
    return this.settleNow(id, usedMs);
  }

  settleNow(id: string, usedMs: number): Settled {
    const at = this.#instant();
    this.#dropLapsed(at);
    const charge = this.#charges.get(id);
    if (charge === undefined) return 'again';
    this.#charges.delete(id);
    const refundMs = refundOf(charge.costMs, usedMs, this.#debitMaxMs);
    for (const bucket of charge.buckets) {
      const level = levelAt(this.#levels.get(bucket.key), at);
      close(level, bucket.emissionUs * charge.costMs, charge.born);
      level.tatUs -= bucket.emissionUs * refundMs;
      this.#save(bucket.key, level, at);
    }
    return 'first';
  }

  async debit(debits: readonly Debit[]): Promise<readonly number[]> {
    const at = this.#instant();
    return debits.map(({ bucket: spec, costMs }) => {
      const { key, emissionUs } = checkBucket(spec);
      const level = levelAt(this.#levels.get(key), at);
      level.tatUs += emissionUs * Math.ceil(costMs);
      if (this.#hasRoomFor(key, at)) this.#save(key, level, at);
      return level.tatUs - at.nowUs;
    });
  }

  #admit(buckets: readonly Bucket[], price: { readonly cost: number; readonly held: boolean }, at: Instant): TakeVerdict {
    const levels: Level[] = [];
    for (const [index, { key, emissionUs, capacityUs }] of buckets.entries()) {
      const level = levelAt(this.#levels.get(key), at);
      level.tatUs += emissionUs * price.cost;
      if (price.held) level.openUs += emissionUs * price.cost;
      const overUs = level.tatUs - at.nowUs - capacityUs;
      if (overUs > 0) return { ok: false, bucket: index, retryAfterMs: retryAfterMs(overUs) };
      levels.push(level);
    }
    // All keys before the first write, or a refusal would leave half a charge.
    const added = buckets.filter(({ key }) => !this.#levels.has(key)).length;
    if (added > 0 && !this.#makeRoom(added, at)) return { ok: false, bucket: 0, retryAfterMs: FULL_RETRY_MS };
    for (const [index, level] of levels.entries()) this.#save(buckets[index]?.key ?? '', level, at);
    return { ok: true };
  }

  #hasRoomFor(key: string, at: Instant): boolean {
    return this.#levels.has(key) || this.#makeRoom(1, at);
  }

  /** Drops drained buckets, oldest first; those still alive go to the back, so that calls in a row see all of them. */
  #makeRoom(added: number, at: Instant): boolean {
    let probes = 0;
    for (const [key, kept] of this.#levels) {
      if (this.#levels.size + added <= this.#keysMax || probes >= PROBES_MAX) break;
      probes += 1;
      this.#levels.delete(key);
      if (!isDrained(levelAt(kept, at), at)) this.#levels.set(key, kept);
    }
    return this.#levels.size + added <= this.#keysMax;
  }

  #save(key: string, level: Level, at: Instant): void {
    if (isDrained(level, at)) this.#levels.delete(key);
    else this.#levels.set(key, level);
  }

  #dropLapsed({ nowUs }: Instant): void {
    for (const [id, charge] of this.#charges) {
      if (charge.untilUs > nowUs) break;
      this.#charges.delete(id);
    }
  }

  #instant(): Instant {
    const nowUs = Math.floor(this.#nowMs() * 1000);
    return { nowUs, epoch: Math.floor(nowUs / this.#ttlUs) };
  }
}
