// How many keys one sender may have us fetch. The claimed host pays nothing of its own: its budget could be spent by anybody
// who names it. What all of us ask of a host is bounded by the fetcher.

import type { Clock } from '@sekisho/runtime';

/** An instance with many users brings many new keys after a start, over few addresses. */
const CLIENT = { intervalMs: 200, burst: 200 } as const;
/** Of one client for one host. */
const PAIR = { intervalMs: 400, burst: 120 } as const;
/** Clients and pairs remembered, about 100 bytes each; one that is full again is forgotten. */
const ENTRIES_MAX = 20_000;

export interface FetchBudget {
  /** Whether a fetch may start; it is then paid for. */
  take(client: string, host: string): boolean;
}

interface Rate {
  readonly intervalMs: number;
  readonly burst: number;
}

export function createFetchBudget(clock: Clock, entriesMax: number = ENTRIES_MAX): FetchBudget {
  /** Theoretical arrival time of the next fetch, ms (GCRA). */
  const arrivals = new Map<string, number>();
  const fits = (name: string, { intervalMs, burst }: Rate, nowMs: number): boolean =>
    (arrivals.get(name) ?? 0) - nowMs <= (burst - 1) * intervalMs;
  const pay = (name: string, { intervalMs }: Rate, nowMs: number): void => {
    arrivals.set(name, Math.max(arrivals.get(name) ?? 0, nowMs) + intervalMs);
  };
  return {
    take: (client, host) => {
      const nowMs = clock.monotonicMs();
      const pair = `${client} ${host}`;
      if (arrivals.size + 2 > entriesMax) sweep(arrivals, nowMs);
      const hasRoom = arrivals.size + 2 <= entriesMax || (arrivals.has(client) && arrivals.has(pair));
      if (!hasRoom || !fits(client, CLIENT, nowMs) || !fits(pair, PAIR, nowMs)) return false;
      pay(client, CLIENT, nowMs);
      pay(pair, PAIR, nowMs);
      return true;
    },
  };
}

function sweep(arrivals: Map<string, number>, nowMs: number): void {
  for (const [name, arrivalMs] of arrivals) if (arrivalMs <= nowMs) arrivals.delete(name);
}
