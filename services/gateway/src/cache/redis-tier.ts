// The cache's second tier, shared by all replicas: state Redis within a byte budget of its own. Every call has a
// deadline and an upper number; Redis away or slow is a miss, never a wait.

import { stateKeys } from '@sekisho/contracts';
import { inTime } from '@sekisho/runtime';
import type { Redis } from 'ioredis';
import type { EntryPlace } from './entry.ts';
import { cacheScript, integers } from './script.ts';

const READ_DEADLINE_MS = 250;
/** Commands without an answer yet; a hung server stops at this many. */
const READS_MAX = 1_000;
const WRITES_MAX = 64;
const WRITE_BYTES_MAX = 64 * 1024 * 1024;
const EVICTIONS_MAX = 256;
/** What an entry costs Redis beside its bytes: key names, two sorted sets, a hash field, two sets. */
const OVERHEAD_BYTES = 1_024;
/** Entries live at most 24 h; what lists them lives a little longer. */
const INDEX_TTL_MS = 25 * 3_600_000;
const INDEX_MEMBERS_MAX = 100_000;
/** The mark compares with the start of the work by Redis' clock; this covers the way of the command. */
const PURGE_SLACK_MS = 2_000;

const putScript = cacheScript('drop', 'put');
const listScript = cacheScript('list');

export type ReadResult =
  | { readonly state: 'value'; readonly value: Buffer }
  | { readonly state: 'miss' | 'away' | 'timeout' | 'busy' };
export type WriteState = 'stored' | 'purged' | 'no_room' | 'away' | 'busy';

export interface RedisPut extends EntryPlace {
  readonly key: string;
  readonly value: Buffer;
  readonly ttlMs: number;
  /** How long ago the work began. */
  readonly ageMs: number;
}

export class RedisTier {
  readonly #redis: Redis;
  readonly #budgetBytes: number;
  #reads = 0;
  #writes = 0;
  #writeBytes = 0;

  constructor(redis: Redis, budgetBytes: number) {
    this.#redis = redis;
    this.#budgetBytes = budgetBytes;
  }

  /** Never throws, never takes longer than 250 ms. */
  async get(key: string): Promise<ReadResult> {
    if (this.#redis.status !== 'ready') return { state: 'away' };
    if (this.#reads >= READS_MAX) return { state: 'busy' };
    this.#reads += 1;
    const reading: Promise<ReadResult> = this.#redis
      .getBuffer(stateKeys.cache(key))
      .then((value): ReadResult => (value === null ? { state: 'miss' } : { state: 'value', value }))
      .catch((): ReadResult => ({ state: 'away' }))
      .finally(() => (this.#reads -= 1));
    return await inTime(reading, READ_DEADLINE_MS, (): ReadResult => ({ state: 'timeout' }));
  }

  /** Marks an entry as used, for the order of eviction; nobody waits for it. */
  touch(key: string, nowMs: number): void {
    if (this.#redis.status !== 'ready' || this.#reads >= READS_MAX) return;
    this.#reads += 1;
    this.#redis
      .zadd(stateKeys.cacheUse, 'XX', nowMs, key)
      .catch(() => undefined)
      .finally(() => (this.#reads -= 1));
  }

  /** Takes an entry out, for instance one that does not verify; nobody waits for it. */
  forget(key: string): void {
    if (this.#redis.status === 'ready') this.#redis.unlink(stateKeys.cache(key)).catch(() => undefined);
  }

  /** Never throws. */
  async put(put: RedisPut): Promise<WriteState> {
    const bytes = put.value.length + OVERHEAD_BYTES;
    if (this.#redis.status !== 'ready') return 'away';
    if (bytes > this.#budgetBytes) return 'no_room';
    if (this.#writes >= WRITES_MAX || this.#writeBytes + bytes > WRITE_BYTES_MAX) return 'busy';
    this.#writes += 1;
    this.#writeBytes += bytes;
    const sentAt = performance.now();
    try {
      const [state] = integers(await putScript(this.#redis, putKeys(put), putArgs(put, bytes, this.#budgetBytes)));
      // The command lay on its way longer than the purge mark allows for: rather lose the entry than resurrect it.
      if (performance.now() - sentAt > PURGE_SLACK_MS) this.forget(put.key);
      return state === 1 ? 'stored' : state === 0 ? 'purged' : 'no_room';
    } catch {
      return 'away';
    } finally {
      this.#writes -= 1;
      this.#writeBytes -= bytes;
    }
  }

  /** Lists a key that is stored elsewhere (the description of a stream) for purging. Never throws. */
  async list(key: string, place: EntryPlace): Promise<void> {
    if (this.#redis.status !== 'ready' || this.#writes >= WRITES_MAX) return;
    this.#writes += 1;
    const keys = [stateKeys.cacheIndex(place.urlHash), stateKeys.cacheIndex(place.hostHash)];
    await listScript(this.#redis, keys, [key, INDEX_TTL_MS, INDEX_MEMBERS_MAX])
      .catch(() => undefined)
      .finally(() => (this.#writes -= 1));
  }
}

const putKeys = (put: RedisPut): string[] => [
  stateKeys.cache(put.key),
  stateKeys.cacheUse,
  stateKeys.cacheExpiry,
  stateKeys.cacheSizes,
  stateKeys.cacheBytes,
  stateKeys.cacheIndex(put.urlHash),
  stateKeys.cacheIndex(put.hostHash),
  stateKeys.cachePurged(put.urlHash),
  stateKeys.cachePurged(put.hostHash),
];

const putArgs = (put: RedisPut, bytes: number, budgetBytes: number): (string | number | Buffer)[] => [
  put.key,
  put.value,
  bytes,
  Math.max(1, Math.floor(put.ttlMs)),
  budgetBytes,
  Math.max(0, Math.ceil(put.ageMs)),
  PURGE_SLACK_MS,
  put.urlHash,
  put.hostHash,
  stateKeys.cache(''),
  stateKeys.cacheIndex(''),
  EVICTIONS_MAX,
  INDEX_TTL_MS,
];
