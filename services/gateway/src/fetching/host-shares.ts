// One client's share of a target host. The fetcher bounds what all of us ask of a host and never learns the clients; here
// one client gets at most half of that, so that nobody can keep a host from everybody else. Whoever is above the share
// waits: a page with 200 emoji of one host is slow at its end, not broken.

import { LIMITS, SekishoError } from '@sekisho/contracts';
import { type Clock, systemClock } from '@sekisho/runtime';

export const CLIENT_CONNECTIONS_MAX = LIMITS.hostConnectionsMax / 2;
const PER_SECOND = LIMITS.hostFetchesPerSecond / 2;
const BURST = LIMITS.hostFetchesBurst / 2;
const INTERVAL_MS = 1_000 / PER_SECOND;
/** Pairs of client and host in use or remembered for their burst, about 200 bytes each. */
const PAIRS_MAX = 20_000;
const WAITERS_MAX = LIMITS.lineEntriesMax;
const RETRY_AFTER_S = 5;

export interface HostShares {
  /**
   * Waits for a place; the release is idempotent.
   * @throws SEKISHO_LIMIT_FETCHES when too many wait already, SEKISHO_ABORTED when the signal ends the wait.
   */
  acquire(clientKey: string, host: string, signal: AbortSignal): Promise<() => void>;
  readonly pairs: number;
}

interface Pair {
  running: number;
  /** Theoretical arrival time of the next fetch, ms (GCRA). */
  arrivalMs: number;
  readonly waiters: (() => void)[];
}

export interface HostSharesOptions {
  readonly clock?: Clock;
  readonly pairsMax?: number;
}

export function createHostShares(options: HostSharesOptions = {}): HostShares {
  const clock = options.clock ?? systemClock;
  const pairsMax = options.pairsMax ?? PAIRS_MAX;
  const pairs = new Map<string, Pair>();
  const pairOf = (name: string): Pair => {
    const known = pairs.get(name);
    if (known !== undefined) return known;
    if (pairs.size >= pairsMax) sweep(pairs, clock.monotonicMs());
    if (pairs.size >= pairsMax) throw new SekishoError('SEKISHO_LIMIT_FETCHES', { retryAfterS: RETRY_AFTER_S });
    const pair: Pair = { running: 0, arrivalMs: 0, waiters: [] };
    pairs.set(name, pair);
    return pair;
  };
  return {
    acquire: async (clientKey, host, signal) => {
      const pair = pairOf(`${clientKey} ${host}`);
      await takePlace(pair, signal);
      const release = releaseOnce(pair);
      try {
        await takeTurn(pair, clock, signal);
        return release;
      } catch (error) {
        release();
        throw error;
      }
    },
    get pairs() {
      return pairs.size;
    },
  };
}

async function takePlace(pair: Pair, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw new SekishoError('SEKISHO_ABORTED');
  if (pair.running < CLIENT_CONNECTIONS_MAX) {
    pair.running += 1;
    return;
  }
  if (pair.waiters.length >= WAITERS_MAX) throw new SekishoError('SEKISHO_LIMIT_FETCHES', { retryAfterS: RETRY_AFTER_S });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  pair.waiters.push(resolve);
  const onAbort = (): void => {
    const at = pair.waiters.indexOf(resolve);
    // Not among them: the place was handed over already, and its holder gives it back.
    if (at === -1) return;
    pair.waiters.splice(at, 1);
    reject(new SekishoError('SEKISHO_ABORTED'));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  await promise.finally(() => signal.removeEventListener('abort', onAbort));
}

/** The place goes to the next in line without becoming free in between. */
function releaseOnce(pair: Pair): () => void {
  let released = false;
  return () => {
    if (released) return;
    released = true;
    const next = pair.waiters.shift();
    if (next === undefined) pair.running -= 1;
    else next();
  };
}

async function takeTurn(pair: Pair, clock: Clock, signal: AbortSignal): Promise<void> {
  const nowMs = clock.monotonicMs();
  const arrivalMs = Math.max(pair.arrivalMs, nowMs);
  pair.arrivalMs = arrivalMs + INTERVAL_MS;
  const waitMs = arrivalMs - nowMs - (BURST - 1) * INTERVAL_MS;
  if (waitMs <= 0) return;
  await clock.sleep(waitMs, signal).catch(() => {
    throw new SekishoError('SEKISHO_ABORTED');
  });
}

/** Forgets pairs that nobody uses and whose burst is whole again. */
function sweep(pairs: Map<string, Pair>, nowMs: number): void {
  for (const [name, pair] of pairs) {
    if (pair.running === 0 && pair.waiters.length === 0 && pair.arrivalMs <= nowMs) pairs.delete(name);
  }
}
