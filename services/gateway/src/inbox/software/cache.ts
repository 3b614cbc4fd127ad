// Software of hosts in memory and in the state Redis. Memory changes only when something is learnt.

import { hash } from 'node:crypto';
import { stateKeys } from '@sekisho/contracts';
import { type Clock, inTime } from '@sekisho/runtime';
import type { Redis } from 'ioredis';
import { createKnown } from '../known.ts';
import { decodeEntry, encodeEntry, type SoftwareEntry } from './entry.ts';

/** A Redis that hangs must not hold the flights of hosts. */
const CALL_MS = 1_000;
/** About 400 bytes each. */
const KNOWN_MAX = 10_000;
/** About 200 bytes each. */
const NONE_MAX = 10_000;

export type SoftwareStore = Pick<Redis, 'get' | 'set'>;

export interface SoftwareCacheOptions {
  readonly store: SoftwareStore;
  readonly clock: Pick<Clock, 'now'>;
  /** Redis is away: memory goes on alone. */
  readonly onStoreError: (error: unknown) => void;
  readonly entriesMax?: number;
}

export interface SoftwareCache {
  /** What memory has. */
  get(host: string): SoftwareEntry | undefined;
  /** What Redis has: another gateway may have asked the host. */
  reload(host: string): Promise<SoftwareEntry | undefined>;
  put(entry: SoftwareEntry): Promise<void>;
  readonly size: number;
}

export function createSoftwareCache({ store, clock, onStoreError, entriesMax }: SoftwareCacheOptions): SoftwareCache {
  const known = createKnown<SoftwareEntry>({ found: entriesMax ?? KNOWN_MAX, none: entriesMax ?? NONE_MAX });
  const remember = (entry: SoftwareEntry): void => known.put(entry.host, entry.software === undefined ? 'none' : 'found', entry);
  return {
    get: (host) => {
      const entry = known.get(host);
      return entry === undefined || entry.untilMs <= clock.now() ? undefined : entry;
    },
    reload: async (host) => {
      const text = await inTime(store.get(redisKey(host)), CALL_MS, throwLate).catch(onStoreError);
      const entry = typeof text === 'string' ? decodeEntry(text, host, clock.now()) : undefined;
      if (entry !== undefined) remember(entry);
      return entry;
    },
    put: async (entry) => {
      remember(entry);
      const restMs = Math.ceil(entry.untilMs - clock.now());
      if (restMs >= 1) await inTime(store.set(redisKey(entry.host), encodeEntry(entry), 'PX', restMs), CALL_MS, throwLate).catch(onStoreError);
    },
    get size() {
      return known.size;
    },
  };
}

function throwLate(): never {
  throw new Error(`no answer within ${CALL_MS} ms`);
}

/** The same length for each host, and no text of a stranger in a key. */
const redisKey = (host: string): string => stateKeys.inboxSoftware(hash('sha256', host, 'base64url'));
