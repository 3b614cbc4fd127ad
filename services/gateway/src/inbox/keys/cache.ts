// Key documents in memory and in the state Redis. Good ones and missing ones have tables of their own: whoever makes up key
// URLs by the thousand pushes out nothing but his own.

import { createHash } from 'node:crypto';
import { stateKeys } from '@sekisho/contracts';
import type { Clock } from '@sekisho/runtime';
import type { Redis } from 'ioredis';
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
  readonly keysMax?: number;
  readonly noneMax?: number;
}

export interface KeyCache {
  get(url: string): Promise<KeyEntry | undefined>;
  /** What Redis has, where another gateway may know more. */
  reload(url: string): Promise<KeyEntry | undefined>;
  put(entry: KeyEntry): Promise<void>;
  readonly size: number;
}

export function createKeyCache(options: KeyCacheOptions): KeyCache {
  const { store, clock, onStoreError } = options;
  const tables = { keys: new Map<string, KeyEntry>(), none: new Map<string, KeyEntry>() };
  const maxima = { keys: options.keysMax ?? KEYS_MAX, none: options.noneMax ?? NONE_MAX };
  const remember = (entry: KeyEntry): void => {
    tables.keys.delete(entry.url);
    tables.none.delete(entry.url);
    const table = tables[entry.kind];
    table.set(entry.url, entry);
    const [oldest] = table.keys();
    if (table.size > maxima[entry.kind] && oldest !== undefined) table.delete(oldest);
  };
  const reload = async (url: string): Promise<KeyEntry | undefined> => {
    try {
      const text = await store.get(redisKey(url));
      const entry = text === null ? undefined : decodeEntry(text, url);
      if (entry === undefined || !isAlive(entry, clock.now())) return undefined;
      const known = tables.keys.get(url) ?? tables.none.get(url);
      // Ours may be newer, where Redis did not take it; an older one would have the key fetched again and again.
      const newer = known !== undefined && learntAtMs(known) > learntAtMs(entry) ? known : entry;
      remember(newer);
      return newer;
    } catch (error) {
      onStoreError(error);
      return undefined;
    }
  };
  return {
    get: async (url) => {
      const known = tables.keys.get(url) ?? tables.none.get(url);
      if (known === undefined || !isAlive(known, clock.now())) return await reload(url);
      remember(known);
      return known;
    },
    reload,
    put: async (entry) => {
      remember(entry);
      const restMs = Math.ceil(entry.atMs + lifeMs(entry) - clock.now());
      if (restMs < 1) return;
      await store.set(redisKey(entry.url), encodeEntry(entry), 'PX', restMs).catch(onStoreError);
    },
    get size() {
      return tables.keys.size + tables.none.size;
    },
  };
}

const redisKey = (url: string): string => stateKeys.inboxKey(createHash('sha256').update(url).digest('base64url'));
