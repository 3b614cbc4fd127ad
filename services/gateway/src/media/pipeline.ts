// From a key to an outcome: cache, then one flight per key, whose leader makes it and pays. The order is the point: a hit
// costs no round trip, a hundred equal misses cost one fetch and one decode.

import type { Clock } from '@sekisho/runtime';
import type { ResultCache } from '../cache/result-cache.ts';
import type { FlightNote, Flights, Led, Role } from '../flight/flights.ts';
import { refusal } from './outcome.ts';
import { type Cost, type Made, type TransformDeps, type Work, makeMedia, noCost } from './transform.ts';
import type { MediaOutcome, Picture, Refusal } from './types.ts';

export interface PipelineDeps extends TransformDeps {
  readonly cache: ResultCache;
  readonly flights: Flights<MediaOutcome>;
  readonly clock: Clock;
}

export interface Order extends Work {
  readonly key: string;
  readonly inboundVia: boolean;
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal;
}

export interface Obtained {
  readonly outcome: MediaOutcome;
  readonly role: Role | 'hit';
  readonly cost: Cost;
  /** The stream that this client's own lead has opened already. */
  readonly opened?: Made['opened'];
}

/** @throws SekishoError for what concerns this client alone (left, deadline, too many flights). */
export async function obtain(deps: PipelineDeps, order: Order): Promise<Obtained> {
  const cost = noCost();
  const kept = await deps.cache.get(order.key, order.signal);
  if (kept !== undefined) return { outcome: kept, role: 'hit', cost };
  let opened: Made['opened'];
  const landed = await deps.flights.run(
    order.key,
    {
      signal: order.signal,
      deadlineAtMs: order.deadlineAtMs,
      solo: order.inboundVia,
      load: async (note) => await outcomeOfNote(deps, order, note),
    },
    async (signal) => {
      const beganMs = deps.clock.monotonicMs();
      const made = await makeMedia(deps, order, cost, signal);
      opened = made.opened;
      return await keep(deps, order, made, beganMs);
    },
  );
  // Somebody else's outcome leaves our own stream, if a lead of ours was overtaken, without a reader.
  if (landed.role !== 'leader') discard(opened);
  return landed.role === 'leader' && opened !== undefined
    ? { ...landed, cost, opened }
    : { ...landed, cost };
}

async function keep(deps: PipelineDeps, order: Order, made: Made, beganMs: number): Promise<Led<MediaOutcome>> {
  const { outcome, share, opened } = made;
  if (!share) return { share: false, outcome };
  const facts = { url: order.request.url, beganMs };
  switch (outcome.kind) {
    case 'picture':
      await deps.cache.put(order.key, outcome, facts);
      return { share: true, outcome, note: { kind: 'cached' } };
    case 'refusal':
      await deps.cache.putNegative(order.key, outcome, { ...facts, inboundVia: order.inboundVia });
      return { share: true, outcome, note: noteOfRefusal(outcome) };
    case 'stream':
      return { share: true, outcome, note: { kind: 'stream' }, discard: () => discard(opened) };
  }
}

function discard(opened: Made['opened']): void {
  opened?.fetched.body?.destroy();
  opened?.charge.settle(0).catch(() => undefined);
}

const noteOfRefusal = ({ code, upstreamStatus, retryAfterS }: Refusal): FlightNote => ({
  kind: 'refusal',
  code,
  ...(upstreamStatus === undefined ? {} : { upstreamStatus }),
  ...(retryAfterS === undefined ? {} : { retryAfterS }),
});

async function outcomeOfNote(deps: PipelineDeps, order: Order, note: FlightNote): Promise<MediaOutcome | undefined> {
  switch (note.kind) {
    case 'cached': {
      const entry: Picture | Refusal | undefined = await deps.cache.get(order.key, order.signal);
      return entry;
    }
    case 'refusal':
      return refusal(note.code, note);
    case 'stream':
      return { kind: 'stream' };
  }
}
