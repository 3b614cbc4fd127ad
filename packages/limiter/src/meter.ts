// Counts what is too cheap to ask Redis for (a hit, a 304, a refusal, an activity): admitted from the level last heard of,
// carried to Redis in batches. What is held stays in the process until it is settled, and only what was used is carried:
// nothing is ever given back in Redis. Several processes together overshoot a bucket by what they admit between two flushes
// and by what the others hold, no more.

import { LOCAL_SHARE } from './fallback.ts';
import type { Guard } from './guard.ts';
import type { MemoryLimiter, TakeVerdict } from './memory.ts';
import { type Entry, MeterTable } from './meter-table.ts';
import {
  type BucketSpec,
  type DebitPort,
  checkCost,
  refundOf,
  retryAfterMs,
  shareOf,
} from './port.ts';

const FLUSH_MS = 200;
/** Keys waiting that start a flush before its time. */
const FLUSH_KEYS = 1_000;
/** Keys of one flush. The rest goes with the next. */
const FLUSH_KEYS_MAX = 2_000;
/** Keys of one call: Redis does nothing else for 0.4 ms; 200 held up all others for 1.3 ms. */
const CALL_KEYS_MAX = 50;
/** Nobody waits for a flush. */
const FLUSH_DEADLINE_MS = 1_000;
const FULL_RETRY_MS = 1_000;

export interface MeterOptions {
  readonly port: DebitPort;
  readonly guard: Guard;
  /** Decides while Redis is away, from small buckets. */
  readonly local: MemoryLimiter;
  readonly localShare?: number;
  /** Monotonic ms. */
  readonly nowMs?: () => number;
  readonly flushMs?: number;
  readonly keysMax?: number;
}

export interface Hold {
  readonly ok: true;
  readonly costMs: number;
  /** Pays what was used and ends the hold; the first call counts. As `RefundLimiter.settle`: NaN pays the whole price. */
  settle(usedMs: number): 'first' | 'again';
}
export type HoldVerdict = Hold | Exclude<TakeVerdict, { readonly ok: true }>;

export class BatchedMeter {
  readonly #options: MeterOptions;
  readonly #nowMs: () => number;
  readonly #table: MeterTable;
  /** No set: the tables that a busy set leaves behind keep its entries alive until the next full collection. */
  readonly #dirty: Entry[] = [];
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;
  #closed = false;

  constructor(options: MeterOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#table = new MeterTable(options.keysMax);
  }

  /** Keys kept. */
  get size(): number {
    return this.#table.size;
  }

  /** Pays at once, in all buckets or in none; a refusal costs nothing. @throws RangeError for numbers that are none. */
  tick(specs: readonly BucketSpec[], costMs: number): TakeVerdict {
    const cost = checkCost(costMs);
    if (this.#options.guard.state !== 'closed') return this.#tickLocal(specs, cost);
    const admitted = this.#admit(specs, cost);
    if (!admitted.ok) return admitted;
    this.#pay(admitted.entries, cost);
    return { ok: true };
  }

  /**
   * Holds `costMs` in all buckets or in none until it is settled. @throws RangeError for numbers that are none.
   */
  hold(specs: readonly BucketSpec[], costMs: number): HoldVerdict {
    const cost = checkCost(costMs);
    if (this.#options.guard.state !== 'closed') {
      const { local } = this.#options;
      this.#probe(specs);
      const charged = local.chargeNow(this.#shares(specs), cost);
      return charged.ok ? { ok: true, costMs: cost, settle: (usedMs) => local.settleNow(charged.id, usedMs) } : charged;
    }
    const admitted = this.#admit(specs, cost);
    return admitted.ok ? this.#held(admitted.entries, cost) : admitted;
  }

  /** Carries what is counted to Redis, one flush at a time. Never rejects: what a failed flush carried is forgotten, since a second try could debit twice. */
  async flush(): Promise<void> {
    this.#flushing ??= this.#flushOnce().finally(() => {
      this.#flushing = undefined;
      if (this.#dirty.length > 0) this.#schedule();
    });
    await this.#flushing;
  }

  /** Last flush; later ticks are decided but not carried. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#flushing;
    const rounds = Math.ceil(this.#dirty.length / FLUSH_KEYS_MAX);
    for (let round = 0; round < rounds; round += 1) await this.flush();
  }

  #admit(specs: readonly BucketSpec[], cost: number): { readonly ok: true; readonly entries: readonly Entry[] } | Exclude<TakeVerdict, { readonly ok: true }> {
    const nowUs = this.#nowUs();
    const entries: Entry[] = [];
    for (const [index, spec] of specs.entries()) {
      const entry = this.#table.get(spec, nowUs);
      if (entry === undefined) return { ok: false, bucket: index, retryAfterMs: FULL_RETRY_MS };
      const { emissionUs, capacityUs } = entry.bucket;
      const overUs = Math.max(0, entry.tatUs - nowUs) + emissionUs * (entry.heldMs + cost) - capacityUs;
      if (overUs > 0) {
        // A refund elsewhere may have made room since: ask again with the next flush.
        this.#mark(entry);
        return { ok: false, bucket: index, retryAfterMs: retryAfterMs(overUs) };
      }
      entries.push(entry);
    }
    return { ok: true, entries };
  }

  #pay(entries: readonly Entry[], cost: number): void {
    const nowUs = this.#nowUs();
    for (const entry of entries) {
      entry.tatUs = Math.max(entry.tatUs, nowUs) + entry.bucket.emissionUs * cost;
      entry.pendingMs += cost;
      this.#mark(entry);
    }
  }

  #held(entries: readonly Entry[], costMs: number): Hold {
    for (const entry of entries) entry.heldMs += costMs;
    let isOpen = true;
    return {
      ok: true, costMs,
      settle: (usedMs) => {
        if (!isOpen) return 'again';
        isOpen = false;
        for (const entry of entries) entry.heldMs -= costMs;
        const paid = costMs - refundOf(costMs, usedMs);
        if (paid > 0) this.#pay(entries, paid);
        return 'first';
      },
    };
  }

  #tickLocal(specs: readonly BucketSpec[], cost: number): TakeVerdict {
    this.#probe(specs);
    return this.#options.local.take(this.#shares(specs), cost);
  }

  /** Something has to probe the breaker where nothing but hits come in. */
  #probe([first]: readonly BucketSpec[]): void {
    const entry = first !== undefined && this.#dirty.length === 0 ? this.#table.get(first, this.#nowUs()) : undefined;
    if (entry !== undefined) this.#mark(entry);
  }

  #shares(specs: readonly BucketSpec[]): readonly BucketSpec[] {
    return specs.map((spec) => shareOf(spec, this.#options.localShare ?? LOCAL_SHARE));
  }

  #mark(entry: Entry): void {
    if (entry.isDirty) return;
    entry.isDirty = true;
    this.#dirty.push(entry);
    if (this.#dirty.length === FLUSH_KEYS && this.#flushing === undefined) this.#flushSoon();
    else this.#schedule();
  }

  #schedule(): void {
    if (this.#closed || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#flushSoon(), this.#options.flushMs ?? FLUSH_MS);
    this.#timer.unref();
  }

  #flushSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.flush().catch(() => undefined);
  }

  async #flushOnce(): Promise<void> {
    const batch = this.#dirty.splice(0, FLUSH_KEYS_MAX);
    for (const entry of batch) entry.isDirty = false;
    // One after the other, so that whoever waits for Redis gets in between.
    for (let from = 0; from < batch.length; from += CALL_KEYS_MAX) await this.#carry(batch.slice(from, from + CALL_KEYS_MAX));
  }

  async #carry(entries: readonly Entry[]): Promise<void> {
    const debits = entries.map((entry) => ({ bucket: entry.spec, costMs: entry.pendingMs }));
    for (const entry of entries) entry.pendingMs = 0;
    const { port, guard } = this.#options;
    const asked = await guard.run({ call: () => port.debit(debits), deadlineMs: FLUSH_DEADLINE_MS });
    if (!asked.ok) return;
    const nowUs = this.#nowUs();
    for (const [index, entry] of entries.entries()) {
      const levelUs = asked.value[index] ?? 0;
      entry.tatUs = nowUs + levelUs + entry.pendingMs * entry.bucket.emissionUs;
    }
  }

  #nowUs(): number {
    return Math.floor(this.#nowMs() * 1000);
  }
}
