// The late fact `software`: what the host of an actor says it runs, from memory, from the state Redis, or from the host
// itself, which is asked at most once a day. Nobody has to know: what comes late, is too much to ask for or cannot be read is
// unknown, and no rule acts on it.

import { INBOX_LIMITS } from '@sekisho/contracts';
import type { ReadActivity } from '@sekisho/inbox-policy';
import type { Software } from '@sekisho/inbox-policy/rules';
import { type Clock, inTime } from '@sekisho/runtime';
import type { FetchDocument } from '../../fetching/document.ts';
import { createAdmission } from '../admission.ts';
import { createFetchBudget } from '../keys/fetch-budget.ts';
import type { RuleFacts } from '../types.ts';
import { createSoftwareCache, type SoftwareStore } from './cache.ts';
import { createEntry } from './entry.ts';
import { type Loaded, loadSoftware } from './load.ts';

/** Hosts asked at once, of the 64 documents that the gateway fetches at a time: keys go on. */
const LOADING_MAX = 16;
/** Hosts looked up at once, in Redis too. */
const FLIGHTS_MAX = 256;
/** Requests that wait for them, each in a place of the inbox: with half of the places for keys and 100 for relationships, some stay free. */
const WAITING_MAX = INBOX_LIMITS.readingMax / 4;
/** Of all clients together: the peers of an instance after its first start, then ten a second. */
const INSTANCE = { burst: 500, perHour: 36_000 } as const;

export const SOFTWARE_FETCHES = ['known', 'none', 'away', 'limited'] as const;
/** `limited`: not asked, for the budget of the sender or of all, or too many at once. */
export type SoftwareFetch = (typeof SOFTWARE_FETCHES)[number];

export interface SoftwareOptions {
  readonly fetchDocument: FetchDocument;
  /** State Redis. */
  readonly store: SoftwareStore;
  readonly clock: Clock;
  readonly onFetch: (result: SoftwareFetch) => void;
  readonly onStoreError: (error: unknown) => void;
  readonly random?: () => number;
  /** How long a request waits. */
  readonly waitMs?: number;
}

export type FindSoftware = (activity: Pick<ReadActivity, 'actorHost'>, about: Pick<RuleFacts, 'client'>) => Promise<Software | undefined>;

export function createSoftware(options: SoftwareOptions): FindSoftware {
  const { clock, onStoreError, store, random = Math.random, waitMs = INBOX_LIMITS.softwareMs } = options;
  const cache = createSoftwareCache({ store, clock, onStoreError });
  const ask = createAsk(options);
  /** By host: whoever comes while it is under way waits for the same answer. */
  const flights = new Map<string, Promise<Software | undefined>>();
  const fly = async (host: string, client: string): Promise<Software | undefined> => {
    const entry = await cache.reload(host);
    if (entry !== undefined) return entry.software;
    const loaded = await ask(host, client);
    const software = loaded.kind === 'known' ? loaded.software : undefined;
    if (loaded.kind !== 'away') await cache.put(createEntry(host, software, { nowMs: clock.now(), random: random() }));
    return software;
  };
  const join = (host: string, client: string): Promise<Software | undefined> => {
    const running = flights.get(host);
    if (running !== undefined || flights.size >= FLIGHTS_MAX) return running ?? Promise.resolve(undefined);
    const flight = fly(host, client).finally(() => flights.delete(host));
    flights.set(host, flight);
    return flight;
  };
  let waiting = 0;
  return async ({ actorHost }, { client }) => {
    const known = cache.get(actorHost);
    if (known !== undefined) return known.software;
    // What comes later is kept for the next one, whether anybody waits or not.
    const flight = join(actorHost, client.key);
    if (waiting >= WAITING_MAX) return undefined;
    waiting += 1;
    try {
      return await inTime(flight, waitMs, () => undefined);
    } finally {
      waiting -= 1;
    }
  };
}

/** One look-up over the network, if it is paid for. */
function createAsk({ fetchDocument, clock, onFetch }: SoftwareOptions): (host: string, client: string) => Promise<Loaded> {
  const budget = createFetchBudget(clock);
  // Asked last: who has spent his own budget spends nothing of everybody's.
  const admit = createAdmission(clock, INSTANCE);
  let loading = 0;
  return async (host, client) => {
    if (loading >= LOADING_MAX || !budget.take(client, host) || !admit()) {
      onFetch('limited');
      return { kind: 'away' };
    }
    loading += 1;
    try {
      const loaded = await loadSoftware(host, fetchDocument);
      onFetch(loaded.kind);
      return loaded;
    } finally {
      loading -= 1;
    }
  };
}
