// Key documents in memory and in the state Redis.

import { createHash } from 'node:crypto';
import { stateKeys } from '@sekisho/contracts';
import type { Clock } from '@sekisho/runtime';
import type { Redis } from 'ioredis';
import { createKnown } from '../known.ts';
import { decodeEntry, encodeEntry, isAlive, type KeyEntry, learntAtMs, lifeMs } from './entry.ts';

/** About 5 KB each with the key parsed. */
const KEYS_MAX = 4_000;
/** About 300 bytes each. */
const NONE_MAX = 10_000;

export type KeyStore = Pick<Redis, 'get' | 'set'>;

export interface KeyCacheOptions {
  readonly store: KeyStore;
  readonly clock: Clock;
  /** Redis is away: memory goes on alone. */
  readonly onStoreError: (error: unknown) => void;
}

export interface KeyCache {
  get(url: string): Promise<KeyEntry | undefined>;
  /** What Redis has, where another gateway may know more. */
  reload(url: string): Promise<KeyEntry | undefined>;
  put(entry: KeyEntry): Promise<void>;
}

export function createKeyCache({ store, clock, onStoreError }: KeyCacheOptions): KeyCache {
  const known = createKnown<KeyEntry>({ found: KEYS_MAX, none: NONE_MAX });
  const remember = (entry: KeyEntry): void => known.put(entry.url, entry.kind === 'keys' ? 'found' : 'none', entry);
  const reload = async (url: string): Promise<KeyEntry | undefined> => {
    try {
      const text = await store.get(redisKey(url));
      const entry = text === null ? undefined : decodeEntry(text, url);
      if (entry === undefined || !isAlive(entry, clock.now())) return undefined;
      const ours = known.get(url);
      // Ours may be newer, where Redis did not take it; an older one would have the key fetched again and again.
      const newer = ours !== undefined && learntAtMs(ours) > learntAtMs(entry) ? ours : entry;
      remember(newer);
      return newer;
    } catch (error) {
      onStoreError(error);
      return undefined;
    }
  };
  return {
    get: async (url) => {
      const ours = known.get(url);
      // Reading moves nothing: each activity reads, and a table that is rewritten all the time keeps garbage alive.
      return ours === undefined || !isAlive(ours, clock.now()) ? await reload(url) : ours;
    },
    reload,
    put: async (entry) => {
      remember(entry);
      const restMs = Math.ceil(entry.atMs + lifeMs(entry) - clock.now());
      if (restMs < 1) return;
      await store.set(redisKey(entry.url), encodeEntry(entry), 'PX', restMs).catch(onStoreError);
    },
  };
}

const redisKey = (url: string): string => stateKeys.inboxKey(createHash('sha256').update(url).digest('base64url'));
