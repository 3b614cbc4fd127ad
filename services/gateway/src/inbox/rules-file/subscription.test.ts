import { describe, expect, it } from '@jest/globals';
import type { Code } from '@sekisho/contracts';
import type { ListSpec } from '@sekisho/inbox-policy/rules';
import { FakeClock } from '@sekisho/testkit/clock';
import type { FetchedBody } from '../../fetching/document.ts';
import type { ListCopy, ListStore } from './list-store.ts';
import { type ListEvent, type Subscription, openSubscription } from './subscription.ts';

const HOUR_MS = 3_600_000;
const spec: ListSpec = { id: 'l', source: { kind: 'url', url: 'https://lists.example/l.csv', refreshMs: HOUR_MS }, format: 'plain', severities: new Set(['suspend']) };

const body = (text: string): FetchedBody => ({ kind: 'document', status: 200, type: 'text/plain', body: Buffer.from(text), finalUrl: 'https://lists.example/l.csv' });
const refusal = (code: Code, upstreamStatus?: number): FetchedBody => ({ kind: 'refused', code, ...(upstreamStatus === undefined ? {} : { upstreamStatus }) });

interface World {
  readonly clock: FakeClock;
  answer: FetchedBody;
  fetches: number;
  stored: ListCopy | undefined;
  hosts: readonly string[];
  readonly events: ListEvent[];
  readonly options: object[];
  readonly subscription: Subscription;
}

async function open(over: { readonly answer?: FetchedBody; readonly stored?: (nowMs: number) => ListCopy } = {}): Promise<World> {
  const clock = new FakeClock();
  const world = { clock, answer: over.answer ?? body('a.example'), fetches: 0, stored: over.stored?.(clock.now()), hosts: [] as readonly string[], events: [] as ListEvent[], options: [] as object[] };
  const store: ListStore = { read: async () => world.stored, write: async (_spec, copy) => void (world.stored = copy) };
  const subscription = await openSubscription(spec, {
    clock, store, random: () => 0.5,
    fetchList: async (url, options) => {
      world.fetches += 1;
      world.options.push({ url, ...options });
      return world.answer;
    },
    onHosts: (hosts) => void (world.hosts = [...hosts]), onEvent: (event) => void world.events.push(event),
  });
  const full = Object.assign(world, { subscription });
  await clock.advance(0);
  return full;
}

describe('openSubscription()', () => {
  it('fetches, keeps a copy, and fetches again after its time', async () => {
    const world = await open();
    expect(world).toMatchObject({ fetches: 1, hosts: ['a.example'], stored: { hosts: new Set(['a.example']), fetchedAtMs: world.clock.now() } });
    expect(world.options).toEqual([{ url: 'https://lists.example/l.csv', accept: 'list', bytesMax: 4_194_304, deadlineMs: 20_000 }]);
    world.answer = body('a.example\nb.example\nnot a host\n');
    await world.clock.advance(HOUR_MS - 1);
    expect(world.fetches).toBe(1);
    await world.clock.advance(1);
    expect(world.hosts).toEqual(['a.example', 'b.example']);
    expect(world.events).toEqual([
      { id: 'l', result: 'ok', hosts: 1, skipped: 0, detail: undefined }, { id: 'l', result: 'ok', hosts: 2, skipped: 1, detail: '"not a host" is no host name' },
    ]);
    world.subscription.close();
    await world.clock.advance(10 * HOUR_MS);
    expect([world.fetches, world.clock.sleepers]).toEqual([2, 0]);
  });

  it.each<[string, FetchedBody, string]>([
    ['an absent server', refusal('SEKISHO_DEADLINE'), 'SEKISHO_DEADLINE'], ['a list that is gone', refusal('SEKISHO_UPSTREAM_STATUS', 404), 'SEKISHO_UPSTREAM_STATUS (status 404)'],
    ['an empty list', body(''), 'holds no host'], ['another page', body('<p>\nhello you\n'), 'most of it is no host list: "<p>" is no host name'],
  ])('keeps the last good hosts over %s, and tries again ever later', async (_name, answer, detail) => {
    const world = await open();
    world.answer = answer;
    await world.clock.advance(HOUR_MS);
    expect(world).toMatchObject({ fetches: 2, hosts: ['a.example'], stored: { hosts: new Set(['a.example']) } });
    expect(world.events.at(-1)).toEqual({ id: 'l', result: 'failed', hosts: 1, skipped: 0, detail });
    await world.clock.advance(4_999);
    expect(world.fetches).toBe(2);
    await world.clock.advance(1);
    expect(world.fetches).toBe(3);
    await world.clock.advance(9_999);
    expect(world.fetches).toBe(3);
    await world.clock.advance(1);
    expect(world.fetches).toBe(4);
    // Never more seldom than a good one.
    await world.clock.advance(24 * HOUR_MS);
    expect(world.fetches).toBeGreaterThan(24);
    expect(world.fetches).toBeLessThan(40);
    world.answer = body('c.example');
    await world.clock.advance(HOUR_MS);
    expect(world.hosts).toEqual(['c.example']);
    world.subscription.close();
  });

  it('begins with the copy that others left, and spares the fetch while it is fresh', async () => {
    const old = await open({ answer: refusal('SEKISHO_DEADLINE'), stored: (nowMs) => ({ hosts: new Set(['old.example']), fetchedAtMs: nowMs - 2 * HOUR_MS }) });
    expect(old).toMatchObject({ fetches: 1, hosts: ['old.example'] });
    old.subscription.close();
    const fresh = await open({ stored: (nowMs) => ({ hosts: new Set(['new.example']), fetchedAtMs: nowMs - HOUR_MS / 2 }) });
    expect(fresh).toMatchObject({ fetches: 0, hosts: ['new.example'] });
    // Another gateway fetched meanwhile.
    fresh.stored = { hosts: new Set(['newer.example']), fetchedAtMs: fresh.clock.now() + HOUR_MS / 4 };
    await fresh.clock.advance(HOUR_MS / 2);
    expect(fresh).toMatchObject({ fetches: 0, hosts: ['newer.example'] });
    fresh.subscription.close();
  });

  it('does not believe a copy from the future for good', async () => {
    const world = await open({ stored: (nowMs) => ({ hosts: new Set(['old.example']), fetchedAtMs: nowMs + 100 * HOUR_MS }) });
    expect(world.fetches).toBe(1);
    expect(world.hosts).toEqual(['a.example']);
    world.subscription.close();
  });
});
