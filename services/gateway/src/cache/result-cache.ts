// Result cache of the media path: memory, then state Redis. Only the gateway writes it, after checking the result; what
// comes back from Redis is believed only if its HMAC verifies.

import { type Clock, systemClock } from '@sekisho/runtime';
import type { Redis } from 'ioredis';
import type { Picture, Refusal } from '../media/types.ts';
import { type CacheEntry, type StoredEntry, decodeEntry, encodeEntry, placeOf } from './entry.ts';
import { MemoryCache, type MemoryStats } from './memory.ts';
import { isNegativeCacheable } from './negative.ts';
import { PurgeMarks } from './purge-marks.ts';
import { RedisTier } from './redis-tier.ts';

export const PICTURE_TTL_MS = 24 * 3_600_000;
export const NEGATIVE_TTL_MS = 60_000;

export const CACHE_EVENTS = [
  'memory_hit', 'redis_hit', 'miss', 'tampered', 'redis_away', 'redis_timeout', 'redis_busy', 'stored', 'no_room', 'overtaken',
  'purged', 'flushed',
] as const;
export type CacheEvent = (typeof CACHE_EVENTS)[number];

export interface ResultCacheOptions {
  readonly redis: Redis;
  /** HMAC key, the same in all replicas. */
  readonly secret: Buffer;
  readonly memoryBytes: number;
  readonly redisBytes: number;
  readonly count?: (event: CacheEvent, by?: number) => void;
  readonly clock?: Clock;
}

export interface PutFacts {
  /** Canonical URL. */
  readonly url: string;
  /** When the work began, by `clock.monotonicMs()`: a purge since then wins. */
  readonly beganMs: number;
}
export interface NegativeFacts extends PutFacts {
  /** The request came with a Via header: its refusal may be the doing of whoever sent it here. */
  readonly inboundVia: boolean;
}

export class ResultCache {
  readonly #memory: MemoryCache;
  readonly #tier: RedisTier;
  readonly #secret: Buffer;
  readonly #count: (event: CacheEvent, by?: number) => void;
  readonly #clock: Clock;
  readonly #marks = new PurgeMarks();
  readonly #loading = new Map<string, Promise<CacheEntry | undefined>>();

  constructor(options: ResultCacheOptions) {
    this.#memory = new MemoryCache(options.memoryBytes);
    this.#tier = new RedisTier(options.redis, options.redisBytes);
    this.#secret = options.secret;
    this.#count = options.count ?? (() => undefined);
    this.#clock = options.clock ?? systemClock;
  }

  get stats(): MemoryStats {
    return this.#memory.stats;
  }

  /** What this process holds; no wait. */
  getLocal(key: string): CacheEntry | undefined {
    const entry = this.#memory.get(key, this.#clock.now());
    if (entry !== undefined) this.#count('memory_hit');
    return entry;
  }

  /** Memory, then Redis with one read per key and 250 ms. Undefined is a miss, also when the signal aborts. Never throws. */
  async get(key: string, signal?: AbortSignal): Promise<CacheEntry | undefined> {
    const local = this.getLocal(key);
    if (local !== undefined || signal?.aborted === true) return local;
    let loading = this.#loading.get(key);
    if (loading === undefined) {
      loading = this.#load(key).finally(() => this.#loading.delete(key));
      this.#loading.set(key, loading);
    }
    return await untilAborted(loading, signal);
  }

  /**
   * Keeps a picture for 24 h. The caller has checked its bytes. Never throws.
   * @returns whether Redis has it, so that other replicas find it.
   */
  async put(key: string, picture: Picture, facts: PutFacts): Promise<boolean> {
    return await this.#store(key, { entry: picture, ttlMs: PICTURE_TTL_MS, facts });
  }

  /** Keeps a refusal for 60 s if it is of those that may be kept. Never throws; the result is that of `put`. */
  async putNegative(key: string, refusal: Refusal, facts: NegativeFacts): Promise<boolean> {
    if (facts.inboundVia || !isNegativeCacheable(refusal)) return false;
    return await this.#store(key, { entry: refusal, ttlMs: NEGATIVE_TTL_MS, facts });
  }

  /** Makes a key that is stored elsewhere (the description of a stream) part of purges. Never throws. */
  async list(key: string, url: string): Promise<void> {
    await this.#tier.list(key, placeOf(url));
  }

  /** Whether a purge came after work on this URL began; for others who keep things by URL. */
  isOvertaken(facts: PutFacts): boolean {
    const { urlHash, hostHash } = placeOf(facts.url);
    return this.#marks.overtakes([urlHash, hostHash], facts.beganMs);
  }

  /** Drops what this process holds under the hash of a URL or host. */
  dropListed(hash: string): void {
    this.#marks.add(hash, this.#clock.monotonicMs());
    this.#count('purged', this.#memory.deleteListed(hash));
  }

  /** Drops all that this process holds: purges may have been missed. */
  flushLocal(): void {
    this.#marks.addAll(this.#clock.monotonicMs());
    this.#memory.clear();
    this.#count('flushed');
  }

  async #load(key: string): Promise<CacheEntry | undefined> {
    const beganMs = this.#clock.monotonicMs();
    const read = await this.#tier.get(key);
    if (read.state !== 'value') {
      this.#count(read.state === 'miss' ? 'miss' : `redis_${read.state}`);
      return undefined;
    }
    const stored = decodeEntry(this.#secret, key, read.value);
    if (stored === undefined) {
      this.#count('tampered');
      this.#tier.forget(key);
      return undefined;
    }
    return this.#take(key, stored, beganMs);
  }

  #take(key: string, stored: StoredEntry, beganMs: number): CacheEntry | undefined {
    const now = this.#clock.now();
    // An old value put back under its key verifies, but carries its own end; no entry lives longer than a day.
    if (stored.expiresAtMs <= now || stored.expiresAtMs > now + PICTURE_TTL_MS + NEGATIVE_TTL_MS) {
      this.#count('miss');
      return undefined;
    }
    if (this.#marks.overtakes([stored.urlHash, stored.hostHash], beganMs)) {
      this.#count('overtaken');
      return undefined;
    }
    this.#memory.set(key, stored);
    this.#tier.touch(key, now);
    this.#count('redis_hit');
    return stored.entry;
  }

  async #store(key: string, job: { entry: CacheEntry; ttlMs: number; facts: PutFacts }): Promise<boolean> {
    if (this.isOvertaken(job.facts)) {
      this.#count('overtaken');
      return false;
    }
    const place = placeOf(job.facts.url);
    const stored: StoredEntry = { entry: job.entry, ...place, expiresAtMs: this.#clock.now() + job.ttlMs };
    this.#memory.set(key, stored);
    const value = encodeEntry(this.#secret, key, stored);
    const ageMs = this.#clock.monotonicMs() - job.facts.beganMs;
    const state = await this.#tier.put({ key, value, ...place, ttlMs: job.ttlMs, ageMs });
    // Redis heard of a purge that this process has not heard of yet.
    if (state === 'purged') this.#memory.delete(key);
    this.#count(state === 'purged' ? 'overtaken' : state === 'away' || state === 'busy' ? `redis_${state}` : state);
    return state === 'stored';
  }
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  if (signal === undefined) return await work;
  let leave: (() => void) | undefined;
  const aborted = new Promise<undefined>((resolve) => {
    leave = () => resolve(undefined);
    signal.addEventListener('abort', leave, { once: true });
  });
  return await Promise.race([work, aborted]).finally(() => {
    if (leave !== undefined) signal.removeEventListener('abort', leave);
  });
}
