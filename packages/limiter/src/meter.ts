// Counts what is too cheap to ask Redis for (a hit, a 304, a refusal): admitted from the level last heard of, carried to
// Redis in batches. Several processes together overshoot a bucket by what they admit between two flushes, no more.

import { LOCAL_SHARE } from './fallback.ts';
import type { Guard } from './guard.ts';
import type { MemoryLimiter, TakeVerdict } from './memory.ts';
import {
  type Bucket,
  type BucketSpec,
  DEBITS_MAX,
  type DebitPort,
  checkBucket,
  checkCost,
  retryAfterMs,
  shareOf,
} from './port.ts';

const FLUSH_MS = 200;
/** Keys waiting that start a flush before its time. */
const FLUSH_KEYS = 1_000;
/** Keys of one flush: ten scripts of a millisecond. The rest goes with the next. */
const FLUSH_KEYS_MAX = 2_000;
/** Nobody waits for a flush. */
const FLUSH_DEADLINE_MS = 1_000;
const KEYS_MAX = 50_000;
/** Old keys looked at when the table is full: bounds what a flood of new keys costs per request. */
const PROBES_MAX = 64;
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

interface Entry {
  spec: BucketSpec;
  bucket: Bucket;
  /** As far as this process knows. */
  tatUs: number;
  /** Counted and not yet carried to Redis. */
  pendingMs: number;
}

export class BatchedMeter {
  readonly #options: MeterOptions;
  readonly #nowMs: () => number;
  readonly #entries = new Map<string, Entry>();
  readonly #dirty = new Set<Entry>();
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;
  #closed = false;

  constructor(options: MeterOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** Keys kept. */
  get size(): number {
    return this.#entries.size;
  }

  /** Pays at once, in all buckets or in none; a refusal costs nothing. @throws RangeError for numbers that are none. */
  tick(specs: readonly BucketSpec[], costMs: number): TakeVerdict {
    const cost = checkCost(costMs);
    if (this.#options.guard.state !== 'closed') return this.#tickLocal(specs, cost);
    const nowUs = this.#nowUs();
    const entries: Entry[] = [];
    for (const [index, spec] of specs.entries()) {
      const entry = this.#entryFor(spec, nowUs);
      if (entry === undefined) return { ok: false, bucket: index, retryAfterMs: FULL_RETRY_MS };
      const { emissionUs, capacityUs } = entry.bucket;
      const overUs = Math.max(0, entry.tatUs - nowUs) + emissionUs * cost - capacityUs;
      if (overUs > 0) {
        // A refund elsewhere may have made room since: ask again with the next flush.
        this.#mark(entry);
        return { ok: false, bucket: index, retryAfterMs: retryAfterMs(overUs) };
      }
      entries.push(entry);
    }
    for (const entry of entries) {
      entry.tatUs = Math.max(entry.tatUs, nowUs) + entry.bucket.emissionUs * cost;
      entry.pendingMs += cost;
      this.#mark(entry);
    }
    return { ok: true };
  }

  /** Carries what is counted to Redis, one flush at a time. Never rejects: what a failed flush carried is forgotten, since a second try could debit twice. */
  async flush(): Promise<void> {
    this.#flushing ??= this.#flushOnce().finally(() => {
      this.#flushing = undefined;
      if (this.#dirty.size > 0) this.#schedule();
    });
    await this.#flushing;
  }

  /** Last flush; later ticks are decided but not carried. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#flushing;
    const rounds = Math.ceil(this.#dirty.size / FLUSH_KEYS_MAX);
    for (let round = 0; round < rounds; round += 1) await this.flush();
  }

  #tickLocal(specs: readonly BucketSpec[], cost: number): TakeVerdict {
    const first = specs[0];
    // Something has to probe the breaker where nothing but hits come in.
    const entry = first !== undefined && this.#dirty.size === 0 ? this.#entryFor(first, this.#nowUs()) : undefined;
    if (entry !== undefined) this.#mark(entry);
    return this.#options.local.take(specs.map((spec) => shareOf(spec, this.#options.localShare ?? LOCAL_SHARE)), cost);
  }

  #entryFor(spec: BucketSpec, nowUs: number): Entry | undefined {
    const known = this.#entries.get(spec.key);
    if (known !== undefined) {
      if (known.spec !== spec) Object.assign(known, { spec, bucket: checkBucket(spec) });
      return known;
    }
    if (!this.#makeRoom(nowUs)) return undefined;
    const entry = { spec, bucket: checkBucket(spec), tatUs: 0, pendingMs: 0 };
    this.#entries.set(spec.key, entry);
    return entry;
  }

  /** Drops drained keys, oldest first; the others go to the back, so that calls in a row see all of them. */
  #makeRoom(nowUs: number): boolean {
    const most = this.#options.keysMax ?? KEYS_MAX;
    let probes = 0;
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size < most || probes >= PROBES_MAX) break;
      probes += 1;
      this.#entries.delete(key);
      if (entry.tatUs > nowUs || this.#dirty.has(entry)) this.#entries.set(key, entry);
    }
    return this.#entries.size < most;
  }

  #mark(entry: Entry): void {
    this.#dirty.add(entry);
    if (this.#dirty.size === FLUSH_KEYS && this.#flushing === undefined) this.#flushSoon();
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
    const batch: Entry[] = [];
    for (const entry of this.#dirty) {
      if (batch.length >= FLUSH_KEYS_MAX) break;
      batch.push(entry);
      this.#dirty.delete(entry);
    }
    const parts: Promise<void>[] = [];
    for (let from = 0; from < batch.length; from += DEBITS_MAX) {
      parts.push(this.#carry(batch.slice(from, from + DEBITS_MAX)));
    }
    await Promise.all(parts);
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
