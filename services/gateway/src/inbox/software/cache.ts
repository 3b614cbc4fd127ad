// Software of hosts in memory and in the state Redis. What hosts say and that they say nothing have tables of their own:
// whoever makes up hosts by the thousand pushes out nothing but his own. A table changes only when something is learnt.

import { hash } from 'node:crypto';
import { stateKeys } from '@sekisho/contracts';
import { type Clock, inTime } from '@sekisho/runtime';
import type { Redis } from 'ioredis';
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
  const known = createTable(entriesMax ?? KNOWN_MAX);
  const none = createTable(entriesMax ?? NONE_MAX);
  const remember = (entry: SoftwareEntry): void => {
    const [table, other] = entry.software === undefined ? [none, known] : [known, none];
    other.delete(entry.host);
    table.put(entry);
  };
  return {
    get: (host) => {
      const entry = known.get(host) ?? none.get(host);
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
      return known.size + none.size;
    },
  };
}

function throwLate(): never {
  throw new Error(`no answer within ${CALL_MS} ms`);
}

interface Table {
  get(host: string): SoftwareEntry | undefined;
  put(entry: SoftwareEntry): void;
  delete(host: string): void;
  readonly size: number;
}

/** The oldest makes room. */
function createTable(entriesMax: number): Table {
  const entries = new Map<string, SoftwareEntry>();
  return {
    get: (host) => entries.get(host),
    put: (entry) => {
      entries.delete(entry.host);
      entries.set(entry.host, entry);
      const oldest = entries.size > entriesMax ? entries.keys().next().value : undefined;
      if (oldest !== undefined) entries.delete(oldest);
    },
    delete: (host) => void entries.delete(host),
    get size() {
      return entries.size;
    },
  };
}

/** The same length for each host, and no text of a stranger in a key. */
const redisKey = (host: string): string => stateKeys.inboxSoftware(hash('sha256', host, 'base64url'));
