import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { stateKeys } from '@sekisho/contracts';
import { type TestRedis, startRedis } from '@sekisho/testkit';
import type { Redis } from 'ioredis';
import { type FlightNote, type FlightOptions, type Flights, type Led, createFlights } from './flights.ts';

type T = string;
interface Replica {
  readonly flights: Flights<T>;
  readonly redis: Redis;
}
const options = (over: Partial<FlightOptions<T>> = {}): FlightOptions<T> => ({
  signal: new AbortController().signal, deadlineAtMs: Date.now() + 15_000, solo: false, load, ...over,
});
/** The cache both replicas read. */
const cache = new Map<string, T>();
const load = (note: FlightNote): Promise<T | undefined> => Promise.resolve(note.kind === 'cached' ? cache.get('k') : note.kind === 'refusal' ? note.code : 'stream');
const cached = (outcome: T): Led<T> => {
  cache.set('k', outcome);
  return { share: true, outcome, note: { kind: 'cached' } };
};
const ms = (wait: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, wait));
const mustNotLead = (): Promise<Led<T>> => Promise.reject(new Error('must not lead'));

let server: TestRedis;
let raw: Redis;
let a: Replica;
let b: Replica;

async function replica(): Promise<Replica> {
  const settings = { enableOfflineQueue: false, commandTimeout: 1_000, maxRetriesPerRequest: 1, disconnectTimeout: 100 };
  const [redis, subscriber] = [server.client(settings), server.client({ enableOfflineQueue: false, disconnectTimeout: 100 })];
  await Promise.all([redis, subscriber].map((client) => new Promise((resolve) => void client.once('ready', resolve))));
  return { flights: createFlights<T>({ redis, subscriber }), redis };
}
/** Until `key` has an owner. */
async function owned(key = 'k'): Promise<void> {
  while ((await raw.exists(stateKeys.flight(key))) === 0) await ms(5);
}
async function waitedFor(count: number): Promise<void> {
  while ((await raw.zcard(stateKeys.flightWaiters('k'))) !== count) await ms(5);
}

beforeAll(async () => {
  server = await startRedis();
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  raw = server.client({ disconnectTimeout: 100 });
  await raw.flushall();
  cache.clear();
  [a, b] = [await replica(), await replica()];
});
afterEach(() => {
  for (const { flights } of [a, b]) {
    expect([flights.flights, flights.waiters]).toEqual([0, 0]);
    flights.close();
  }
});

describe('createFlights() over two replicas', () => {
  it('leads once for 100 that ask at both', async () => {
    let leads = 0;
    const lead = async (): Promise<Led<T>> => {
      leads += 1;
      await ms(100);
      return cached('picture');
    };
    const landed = await Promise.all(Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? a : b).flights.run('k', options(), lead)));
    expect(leads).toBe(1);
    expect(new Set(landed.map(({ outcome }) => outcome))).toEqual(new Set(['picture']));
    const roles = landed.map(({ role }) => role);
    expect([roles.filter((role) => role === 'leader').length, roles.filter((role) => role === 'joined').length, roles.filter((role) => role === 'remote').length]).toEqual([1, 49, 50]);
  });

  it('does not lead again for who asks a moment after the end', async () => {
    await a.flights.run('k', options(), () => Promise.resolve(cached('picture')));
    expect(await b.flights.run('k', options(), mustNotLead)).toEqual({ outcome: 'picture', role: 'remote' });
  });

  it('leads again where the cache has lost the picture, and after a refusal', async () => {
    await a.flights.run('k', options(), () => Promise.resolve(cached('picture')));
    cache.clear();
    expect(await b.flights.run('k', options(), () => Promise.resolve({ share: true, outcome: '404', note: { kind: 'refusal', code: 'SEKISHO_UPSTREAM_STATUS', upstreamStatus: 404 } })))
      .toEqual({ outcome: '404', role: 'leader' });
    expect(await a.flights.run('k', options(), () => Promise.resolve(cached('new')))).toEqual({ outcome: 'new', role: 'leader' });
  });

  it.each<[FlightNote, T]>([
    [{ kind: 'refusal', code: 'SEKISHO_IMAGE_DECODE' }, 'SEKISHO_IMAGE_DECODE'],
    [{ kind: 'stream' }, 'stream'],
  ])('tells those who wait of %p', async (note, outcome) => {
    const leads = a.flights.run('k', options(), async () => {
      await waitedFor(1);
      return { share: true, outcome: 'own', note };
    });
    await owned();
    expect(await b.flights.run('k', options(), mustNotLead)).toEqual({ outcome, role: 'remote' });
    expect(await leads).toEqual({ outcome: 'own', role: 'leader' });
  });

  it('hands leadership over when the leader\'s end is its own', async () => {
    const leads = a.flights.run('k', options(), async () => {
      await waitedFor(1);
      return { share: false, outcome: '429' };
    });
    await owned();
    expect(await b.flights.run('k', options(), () => Promise.resolve(cached('picture')))).toEqual({ outcome: 'picture', role: 'leader' });
    expect(await leads).toEqual({ outcome: '429', role: 'leader' });
  });

  it('goes on for another replica when its own clients left, and stops when that one leaves too', async () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const aborted = Promise.withResolvers<void>();
    let isAborted = false;
    const leads = a.flights.run('k', options({ signal: first.signal }), (signal) => {
      signal.addEventListener('abort', () => {
        isAborted = true;
        aborted.resolve();
      });
      return new Promise(() => undefined);
    });
    await owned();
    const waits = b.flights.run('k', options({ signal: second.signal }), mustNotLead);
    await waitedFor(1);
    first.abort();
    await expect(leads).rejects.toMatchObject({ code: 'SEKISHO_ABORTED' });
    await ms(1_500); // longer than one round of the owner's look at those who wait
    expect(isAborted).toBe(false);
    const leftAtMs = Date.now();
    second.abort();
    await expect(waits).rejects.toMatchObject({ code: 'SEKISHO_ABORTED' });
    await aborted.promise;
    expect(Date.now() - leftAtMs).toBeLessThan(2_200); // signed off, not lapsed
    while ((await raw.exists(stateKeys.flight('k'))) > 0) await ms(5);
  });

  it('brings the picture to another replica after its own clients left', async () => {
    const abort = new AbortController();
    const go = Promise.withResolvers<void>();
    const leads = a.flights.run('k', options({ signal: abort.signal }), async () => {
      await go.promise;
      return cached('picture');
    });
    await owned();
    const waits = b.flights.run('k', options(), mustNotLead);
    await waitedFor(1);
    abort.abort();
    await expect(leads).rejects.toMatchObject({ code: 'SEKISHO_ABORTED' });
    go.resolve();
    expect(await waits).toEqual({ outcome: 'picture', role: 'remote' });
    while (a.flights.flights > 0) await ms(5);
  });

  it('takes over from a replica that died, within its token\'s life', async () => {
    const abort = new AbortController();
    const dead = a.flights.run('k', options({ signal: abort.signal }), () => new Promise(() => undefined));
    await owned();
    const startedAtMs = Date.now();
    const waits = b.flights.run('k', options(), () => Promise.resolve(cached('picture')));
    await waitedFor(1);
    a.redis.disconnect();
    expect(await waits).toEqual({ outcome: 'picture', role: 'leader' });
    expect(Date.now() - startedAtMs).toBeGreaterThan(1_000);
    expect(Date.now() - startedAtMs).toBeLessThan(5_000);
    abort.abort();
    await expect(dead).rejects.toMatchObject({ code: 'SEKISHO_ABORTED' });
    while (a.flights.flights > 0) await ms(5);
  });

  it('lets a leader keep its key for longer than the token\'s life', async () => {
    const leads = a.flights.run('k', options(), async () => {
      await ms(4_000);
      return cached('picture');
    });
    await owned();
    expect(await b.flights.run('k', options(), mustNotLead)).toEqual({ outcome: 'picture', role: 'remote' });
    await leads;
  }, 10_000);

  it('holds nobody when Redis dies in flight, and flies in the process without it', async () => {
    const go = Promise.withResolvers<void>();
    const leads = a.flights.run('k', options(), async () => {
      await go.promise;
      return cached('picture');
    });
    await owned();
    const waits = b.flights.run('k', options(), () => Promise.resolve(cached('own picture')));
    await waitedFor(1);
    raw.disconnect();
    await server.crash();
    expect(await waits).toEqual({ outcome: 'own picture', role: 'leader' });
    go.resolve();
    expect(await leads).toEqual({ outcome: 'picture', role: 'leader' });
    let count = 0;
    const lead = async (): Promise<Led<T>> => {
      count += 1;
      await ms(20);
      return cached('local');
    };
    const landed = await Promise.all([a.flights.run('l', options(), lead), a.flights.run('l', options(), lead)]);
    expect([count, ...landed.map(({ role }) => role)]).toEqual([1, 'leader', 'joined']);
    await server.restart();
  });
});
