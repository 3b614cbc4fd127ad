import { describe, expect, it } from '@jest/globals';
import { SekishoError } from '@sekisho/contracts';
import { type FlightOptions, type Flights, type Led, createFlights } from './flights.ts';

type T = string;
const options = (over: Partial<FlightOptions<T>> = {}): FlightOptions<T> => ({
  signal: new AbortController().signal, deadlineAtMs: Date.now() + 10_000, solo: false, load: () => Promise.resolve(undefined), ...over,
});
const shared = (outcome: T): Led<T> => ({ share: true, outcome, note: { kind: 'cached' } });
const gate = (): PromiseWithResolvers<void> => Promise.withResolvers<void>();
const turn = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 5));
const expectEmpty = (flights: Flights<T>): void => expect([flights.flights, flights.waiters]).toEqual([0, 0]);

describe('createFlights() in one process', () => {
  it('leads once for all who ask at once, and again for the next', async () => {
    const flights = createFlights<T>({});
    let leads = 0;
    const lead = async (): Promise<Led<T>> => {
      leads += 1;
      await turn();
      return shared(`picture ${leads}`);
    };
    const landed = await Promise.all(Array.from({ length: 100 }, () => flights.run('k', options(), lead)));
    expect(leads).toBe(1);
    expect(landed.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 100 }, () => 'picture 1'));
    expect(landed.filter(({ role }) => role === 'leader')).toHaveLength(1);
    expect(await flights.run('k', options(), lead)).toEqual({ outcome: 'picture 2', role: 'leader' });
    expectEmpty(flights);
  });

  it('keeps keys apart', async () => {
    const flights = createFlights<T>({});
    const landed = await Promise.all(['a', 'b'].map((key) => flights.run(key, options(), () => Promise.resolve(shared(key)))));
    expect(landed.map(({ outcome }) => outcome)).toEqual(['a', 'b']);
  });

  it('goes on when the client that leads leaves, and stops when the last one does', async () => {
    const flights = createFlights<T>({});
    const go = gate();
    const discarded: string[] = [];
    let signal: AbortSignal | undefined;
    const [first, second] = [new AbortController(), new AbortController()];
    const leads = flights.run('k', options({ signal: first.signal }), async (given) => {
      signal = given;
      await go.promise;
      return { ...shared('late'), discard: () => discarded.push('late') };
    });
    const joins = flights.run('k', options({ signal: second.signal }), () => Promise.reject(new Error('must not lead')));
    await turn();
    first.abort();
    await expect(leads).rejects.toMatchObject({ code: 'SEKISHO_ABORTED' });
    await turn();
    expect(signal?.aborted).toBe(false);
    second.abort();
    await expect(joins).rejects.toMatchObject({ code: 'SEKISHO_ABORTED' });
    await turn();
    expect(signal?.aborted).toBe(true);
    expectEmpty(flights);
    go.resolve();
    await turn();
    expect(discarded).toEqual(['late']);
  });

  it('gives the outcome to those who stayed when the leader\'s client left', async () => {
    const flights = createFlights<T>({});
    const go = gate();
    const abort = new AbortController();
    const discarded: string[] = [];
    const leads = flights.run('k', options({ signal: abort.signal }), async () => {
      await go.promise;
      return { ...shared('picture'), discard: () => discarded.push('body') };
    });
    const joins = flights.run('k', options(), () => Promise.reject(new Error('must not lead')));
    await turn();
    abort.abort();
    await expect(leads).rejects.toMatchObject({ code: 'SEKISHO_ABORTED' });
    go.resolve();
    expect(await joins).toEqual({ outcome: 'picture', role: 'joined' });
    expect(discarded).toEqual(['body']);
    expectEmpty(flights);
  });

  it('lets the next one lead after an outcome or a fault that is the leader\'s own', async () => {
    const flights = createFlights<T>({});
    const order: string[] = [];
    const lead = (name: string, led: () => Promise<Led<T>>) => async (): Promise<Led<T>> => {
      order.push(name);
      await turn();
      return await led();
    };
    const runs = [
      flights.run('k', options(), lead('poor', () => Promise.resolve({ share: false, outcome: '429' }))),
      flights.run('k', options(), lead('broken', () => Promise.reject(new SekishoError('SEKISHO_REDIS_AWAY')))),
      flights.run('k', options(), lead('rich', () => Promise.resolve(shared('picture')))),
      flights.run('k', options(), lead('never', () => Promise.resolve(shared('other')))),
    ];
    expect(await Promise.allSettled(runs)).toMatchObject([
      { value: { outcome: '429', role: 'leader' } },
      { reason: { code: 'SEKISHO_REDIS_AWAY' } },
      { value: { outcome: 'picture', role: 'leader' } },
      { value: { outcome: 'picture', role: 'joined' } },
    ]);
    expect(order).toEqual(['poor', 'broken', 'rich']);
    expectEmpty(flights);
  });

  it('holds nobody past their own deadline', async () => {
    const flights = createFlights<T>({});
    const go = gate();
    const leads = flights.run('k', options(), async () => {
      await go.promise;
      return shared('picture');
    });
    await expect(flights.run('k', options({ deadlineAtMs: Date.now() + 30 }), () => Promise.reject(new Error('no')))).rejects.toMatchObject({ code: 'SEKISHO_DEADLINE' });
    go.resolve();
    expect(await leads).toMatchObject({ outcome: 'picture' });
    await expect(flights.run('k', options({ deadlineAtMs: Date.now() + 30 }), () => new Promise(() => undefined))).rejects.toMatchObject({ code: 'SEKISHO_DEADLINE' });
    await turn();
    expectEmpty(flights);
  });

  it('flies alone where asked to', async () => {
    const flights = createFlights<T>({});
    let leads = 0;
    const lead = async (): Promise<Led<T>> => {
      leads += 1;
      await turn();
      return shared(`picture ${leads}`);
    };
    const landed = await Promise.all([true, true, false].map((solo) => flights.run('k', options({ solo }), lead)));
    expect(leads).toBe(3);
    expect(landed.map(({ role }) => role)).toEqual(['leader', 'leader', 'leader']);
    const abort = new AbortController();
    const running = flights.run('k', options({ solo: true, signal: abort.signal }), () => new Promise(() => undefined));
    abort.abort();
    await expect(running).rejects.toMatchObject({ code: 'SEKISHO_ABORTED' });
    await turn();
    expectEmpty(flights);
  });

  it('bounds flights and waiters', async () => {
    const flights = createFlights<T>({ flightsMax: 1, waitersMax: 2 });
    const go = gate();
    const lead = async (): Promise<Led<T>> => {
      await go.promise;
      return shared('picture');
    };
    const first = flights.run('a', options(), lead);
    await expect(flights.run('b', options(), lead)).rejects.toMatchObject({ code: 'SEKISHO_LIMIT_QUEUE' });
    const second = flights.run('a', options(), lead);
    await expect(flights.run('a', options(), lead)).rejects.toMatchObject({ code: 'SEKISHO_LIMIT_QUEUE' });
    go.resolve();
    await Promise.all([first, second]);
    expectEmpty(flights);
  });
});
