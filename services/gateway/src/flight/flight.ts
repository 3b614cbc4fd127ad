// One key in the air, as this replica sees it. Somebody leads and pays, the others wait; who leaves, leaves alone, and the
// work stops when nobody waits any more, here or elsewhere.

import { SekishoError } from '@sekisho/contracts';
import type { FlightNote } from './notes.ts';
import type { FlightStore } from './store.ts';

const RENEW_MS = 1_000;
/** How often the owner key is looked at besides the messages. */
const POLL_MS = 500;

/** How a lead ended. */
export type Led<T> =
  /** Depends on the URL alone. A picture must lie in the cache already; `note` tells the other replicas. */
  | { readonly share: true; readonly outcome: T; readonly note: FlightNote; readonly discard?: () => void }
  /** The leader's own: a 429, 503, loop refusal. The next one that waits leads and pays. */
  | { readonly share: false; readonly outcome: T; readonly discard?: () => void };

/** `discard` of an outcome is called where the one that led has left and something (a body) must be closed. */
export type Lead<T> = (signal: AbortSignal) => Promise<Led<T>>;
export type Role = 'leader' | 'joined' | 'remote';
export interface Landed<T> {
  readonly outcome: T;
  readonly role: Role;
}

export interface Waiter<T> {
  readonly lead: Lead<T>;
  /** What another replica's end means here; undefined: of no use, lead yourself. */
  readonly load: (note: FlightNote) => Promise<T | undefined>;
  readonly resolve: (landed: Landed<T>) => void;
  readonly reject: (error: unknown) => void;
}

export interface Flight<T> {
  readonly key: string;
  readonly token: string;
  readonly store: FlightStore | undefined;
  /** In order of arrival. */
  readonly waiters: Set<Waiter<T>>;
  /** Of the lead that is running. */
  work: AbortController | undefined;
  /** We hold the owner key, or stand among those who wait for it: something to give back. */
  owned: boolean;
  registered: boolean;
  isFlying: boolean;
  wake: () => void;
}

export const createFlight = <T>(key: string, token: string, store: FlightStore | undefined): Flight<T> => ({
  key, token, store, waiters: new Set(), work: undefined, owned: false, registered: false, isFlying: false, wake: () => undefined,
});

/**
 * Flies until nobody waits; never rejects. `landed` is called in the same turn in which the last waiter is found gone, so
 * that nobody boards a flight that is over.
 */
export async function fly<T>(flight: Flight<T>, landed: () => void): Promise<void> {
  const course: Course = { ignore: '', hasWaited: false, unlisten: undefined };
  while (flight.waiters.size > 0) await step(flight, course);
  landed();
  course.unlisten?.();
  if (flight.owned || flight.registered) await flight.store?.end(flight.key, flight.token).catch(() => undefined);
}

interface Course {
  /** An end that was of no use. */
  ignore: string;
  hasWaited: boolean;
  unlisten: (() => void) | undefined;
}

async function step<T>(flight: Flight<T>, course: Course): Promise<void> {
  const claim = await claimOf(flight, course.ignore);
  if (claim.kind === 'done') {
    // A refusal counts for those who waited for it; others ask anew, the negative cache has its own rules.
    const isUseful = claim.note.kind !== 'refusal' || course.hasWaited;
    if (!isUseful || !(await deliver(flight, claim.note))) course.ignore = claim.raw;
  } else if (claim.kind === 'other') {
    // The first pause comes after a second look: the end may lie before the subscription.
    if (course.unlisten !== undefined) await pause(flight);
    course.unlisten ??= listen(flight);
    course.hasWaited = true;
  } else if (!course.hasWaited || !(await deliver(flight, { kind: 'cached' }))) {
    await leadOnce(flight);
  }
}

/** To be called when the last waiter of this replica left. */
export async function emptied<T>(flight: Flight<T>): Promise<void> {
  flight.wake();
  if (flight.work === undefined) return;
  const elsewhere = flight.owned ? await renew(flight) : 0;
  if (flight.waiters.size === 0 && elsewhere === 0) flight.work?.abort(new SekishoError('SEKISHO_ABORTED'));
}

/** Without Redis everybody owns their flights. */
async function claimOf<T>(flight: Flight<T>, ignore: string): ReturnType<FlightStore['claim']> {
  const { store, key, token } = flight;
  const claim = store === undefined ? undefined : await store.claim(key, token, ignore).catch(() => undefined);
  flight.owned = claim?.kind === 'owner';
  flight.registered = claim?.kind === 'other';
  return claim ?? { kind: 'owner' };
}

async function leadOnce<T>(flight: Flight<T>): Promise<void> {
  const [leader] = flight.waiters;
  if (leader === undefined) return;
  const work = new AbortController();
  flight.work = work;
  const timer = setInterval(() => void keepAlive(flight), RENEW_MS);
  try {
    settle(flight, leader, await raceLead(leader.lead, work.signal));
  } catch (error) {
    if (flight.waiters.delete(leader)) leader.reject(error);
  } finally {
    clearInterval(timer);
    flight.work = undefined;
  }
}

/** Ends with the signal even where the lead does not; what comes after all is discarded. */
async function raceLead<T>(lead: Lead<T>, signal: AbortSignal): Promise<Led<T>> {
  const stop = Promise.withResolvers<never>();
  stop.promise.catch(() => undefined);
  const onAbort = (): void => stop.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const led = lead(signal);
  led.then((late) => signal.aborted && late.discard?.(), () => undefined);
  return await Promise.race([led, stop.promise]);
}

function settle<T>(flight: Flight<T>, leader: Waiter<T>, led: Led<T>): void {
  if (!flight.waiters.delete(leader)) led.discard?.();
  leader.resolve({ outcome: led.outcome, role: 'leader' });
  if (!led.share) return;
  land(flight, led.outcome, 'joined');
  if (!flight.owned) return;
  flight.owned = false;
  flight.store?.end(flight.key, flight.token, led.note).catch(() => undefined);
}

function land<T>(flight: Flight<T>, outcome: T, role: Role): void {
  const waiters = [...flight.waiters];
  flight.waiters.clear();
  for (const waiter of waiters) waiter.resolve({ outcome, role });
}

async function deliver<T>(flight: Flight<T>, note: FlightNote): Promise<boolean> {
  const [first] = flight.waiters;
  const outcome = await first?.load(note).catch(() => undefined);
  if (outcome === undefined) return false;
  land(flight, outcome, 'remote');
  return true;
}

async function keepAlive<T>(flight: Flight<T>): Promise<void> {
  const elsewhere = flight.owned ? await renew(flight) : 0;
  if (flight.waiters.size === 0 && elsewhere === 0) flight.work?.abort(new SekishoError('SEKISHO_ABORTED'));
}

/** Replicas that wait; none where Redis does not tell, for then they cannot learn of the end either. */
const renew = async <T>({ store, key, token }: Flight<T>): Promise<number> => (await store?.renew(key, token).catch(() => 0)) ?? 0;

const listen = <T>(flight: Flight<T>): (() => void) => flight.store?.listen(flight.key, () => flight.wake()) ?? (() => undefined);

async function pause<T>(flight: Flight<T>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, POLL_MS);
  flight.wake = resolve;
  await promise;
  clearTimeout(timer);
  flight.wake = () => undefined;
}
