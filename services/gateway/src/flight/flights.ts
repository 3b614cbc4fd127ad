// One fetch and one decode per key, however many ask, over all replicas.

import { randomBytes } from 'node:crypto';
import { SekishoError } from '@sekisho/contracts';
import { type Clock, systemClock } from '@sekisho/runtime';
import type { Redis } from 'ioredis';
import { type Flight, type Landed, type Lead, type Waiter, createFlight, emptied, fly } from './flight.ts';
import type { FlightNote } from './notes.ts';
import { type FlightStore, createFlightStore } from './store.ts';

export type { Landed, Lead, Led, Role } from './flight.ts';
export type { FlightNote } from './notes.ts';

const FLIGHTS_MAX = 4_096;
const WAITERS_MAX = 16_384;
const RETRY_AFTER_S = 5;

export interface FlightsOptions {
  /** Small commands on the state Redis; without it, and while it is away, flights are those of this process. */
  readonly redis?: Redis;
  readonly subscriber?: Redis;
  readonly clock?: Clock;
  readonly flightsMax?: number;
  readonly waitersMax?: number;
}

export interface FlightOptions<T> {
  readonly signal: AbortSignal;
  /** Ms since 1970; nobody waits longer. */
  readonly deadlineAtMs: number;
  /** Asked with an inbound Via: leads its own flight and shares nothing. */
  readonly solo: boolean;
  /** What the end of another replica's flight means: the picture from the cache, the refusal, the hint to stream. */
  readonly load: (note: FlightNote) => Promise<T | undefined>;
}

export interface Flights<T> {
  /**
   * The work runs under the signal that `lead` is given, not under the client's.
   * @throws SEKISHO_ABORTED, SEKISHO_DEADLINE, SEKISHO_LIMIT_QUEUE, or what the own lead threw.
   */
  run(key: string, options: FlightOptions<T>, lead: Lead<T>): Promise<Landed<T>>;
  readonly flights: number;
  readonly waiters: number;
  close(): void;
}

interface Tower<T> {
  readonly clock: Clock;
  readonly store: FlightStore | undefined;
  readonly flights: Map<string, Flight<T>>;
  readonly flightsMax: number;
  readonly waitersMax: number;
  waiters: number;
}

export function createFlights<T>(options: FlightsOptions): Flights<T> {
  const { redis, subscriber } = options;
  const tower: Tower<T> = {
    clock: options.clock ?? systemClock,
    store: redis === undefined || subscriber === undefined ? undefined : createFlightStore(redis, subscriber),
    flights: new Map(),
    flightsMax: options.flightsMax ?? FLIGHTS_MAX,
    waitersMax: options.waitersMax ?? WAITERS_MAX,
    waiters: 0,
  };
  return {
    run: (key, flightOptions, lead) => join(tower, key, flightOptions, lead),
    get flights() {
      return tower.flights.size;
    },
    get waiters() {
      return tower.waiters;
    },
    close: () => tower.store?.close(),
  };
}

async function join<T>(tower: Tower<T>, key: string, options: FlightOptions<T>, lead: Lead<T>): Promise<Landed<T>> {
  const known = options.solo ? undefined : tower.flights.get(key);
  const isFull = tower.waiters >= tower.waitersMax || (known === undefined && tower.flights.size >= tower.flightsMax);
  if (isFull) throw new SekishoError('SEKISHO_LIMIT_QUEUE', { retryAfterS: RETRY_AFTER_S });
  if (options.signal.aborted) throw new SekishoError('SEKISHO_ABORTED');
  return await board(tower, known ?? newFlight(tower, key, options.solo), options, lead);
}

/** A flight of one stands in no map, so that nobody can join it, and in no Redis. */
function newFlight<T>(tower: Tower<T>, key: string, solo: boolean): Flight<T> {
  const flight = createFlight<T>(key, randomBytes(12).toString('base64url'), solo ? undefined : tower.store);
  if (!solo) tower.flights.set(key, flight);
  return flight;
}

async function board<T>(tower: Tower<T>, flight: Flight<T>, options: FlightOptions<T>, lead: Lead<T>): Promise<Landed<T>> {
  const { signal, deadlineAtMs, load } = options;
  const { promise, resolve, reject } = Promise.withResolvers<Landed<T>>();
  const waiter: Waiter<T> = { lead, load, resolve, reject };
  const leave = (code: 'SEKISHO_ABORTED' | 'SEKISHO_DEADLINE'): void => {
    if (!flight.waiters.delete(waiter)) return;
    reject(new SekishoError(code));
    if (flight.waiters.size === 0) void emptied(flight);
  };
  const onAbort = (): void => leave('SEKISHO_ABORTED');
  const timer = setTimeout(() => leave('SEKISHO_DEADLINE'), Math.max(0, deadlineAtMs - tower.clock.now()));
  signal.addEventListener('abort', onAbort, { once: true });
  tower.waiters += 1;
  flight.waiters.add(waiter);
  takeOff(tower, flight);
  try {
    return await promise;
  } finally {
    tower.waiters -= 1;
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

/** Starts a flight that is not in the air. */
function takeOff<T>(tower: Tower<T>, flight: Flight<T>): void {
  if (flight.isFlying) return;
  flight.isFlying = true;
  void fly(flight, () => {
    if (tower.flights.get(flight.key) === flight) tower.flights.delete(flight.key);
  });
}
