import { describe, expect, it } from '@jest/globals';
import type { Code } from '@sekisho/contracts';
import type { Software } from '@sekisho/inbox-policy/rules';
import { FakeClock } from '@sekisho/testkit/clock';
import { until } from '@sekisho/testkit/until';
import type { DocumentOptions, FetchedBody } from '../../fetching/document.ts';
import { createSoftwareCache } from './cache.ts';
import { createEntry, decodeEntry, encodeEntry } from './entry.ts';
import { createSoftware } from './software.ts';

const HOUR_MS = 3_600_000;
const HOST = 'peer.example';
const V21 = 'http://nodeinfo.diaspora.software/ns/schema/2.1';
const known: Software = { name: 'misskey', version: '2026.3.2', openSignup: true, users: 3, captcha: false, emailRequired: true };

/** A document, a code of a refusal, or what takes its time. */
type Answer = object | string | (() => Promise<FetchedBody>);

class World {
  readonly clock = new FakeClock();
  readonly redis = new Map<string, string>();
  readonly lives: number[] = [];
  readonly asked: { readonly url: string; readonly options: DocumentOptions }[] = [];
  readonly events: string[] = [];
  readonly answers = new Map<string, Answer>();
  redisAway = false;

  readonly store = {
    get: async (key: string): Promise<string | null> => {
      await Promise.resolve();
      if (this.redisAway) throw new Error('away');
      return this.redis.get(key) ?? null;
    },
    set: async (key: string, value: string, _px: string, ms: number): Promise<'OK'> => {
      await Promise.resolve();
      if (this.redisAway) throw new Error('away');
      this.redis.set(key, value);
      this.lives.push(ms);
      return 'OK';
    },
  };

  readonly fetchDocument = async (url: string, options: DocumentOptions): Promise<FetchedBody> => {
    this.asked.push({ url, options });
    await Promise.resolve();
    const answer = this.answers.get(url) ?? 'SEKISHO_UPSTREAM_STATUS';
    if (typeof answer === 'function') return await (answer as () => Promise<FetchedBody>)();
    if (typeof answer === 'string' && answer.startsWith('SEKISHO_')) return { kind: 'refused', code: answer as Code };
    return documentOf(url, answer);
  };

  /** A host that says what Misskey does. */
  serve(host: string, nodeinfo: Answer = NODEINFO): this {
    this.answers.set(indexOf(host), { links: [{ rel: V21, href: `https://${host}/n` }] });
    this.answers.set(`https://${host}/n`, nodeinfo);
    return this;
  }

  gateway({ random = 0.5, waitMs = 5_000 } = {}): (host?: string, client?: string) => Promise<Software | undefined> {
    const find = createSoftware({
      fetchDocument: this.fetchDocument, store: this.store as never, clock: this.clock, random: () => random, waitMs,
      onFetch: (result) => this.events.push(result), onStoreError: () => this.events.push('redis'),
    });
    return async (host = HOST, client = 'c') => await find({ actorHost: host }, { client: { address: client, key: client, net: client } });
  }
}

const indexOf = (host: string): string => `https://${host}/.well-known/nodeinfo`;
const documentOf = (url: string, value: object | string): FetchedBody =>
  ({ kind: 'document', status: 200, type: 'application/json', body: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)), finalUrl: url });
const NODEINFO = {
  software: { name: 'Misskey', version: '2026.3.2' }, openRegistrations: true, usage: { users: { total: 3 } }, metadata: { emailRequiredForSignup: true, enableHcaptcha: false, enableTurnstile: false },
};

describe('createSoftware()', () => {
  it('asks a host once a day, and knows it here and in other gateways', async () => {
    const world = new World().serve(HOST);
    const find = world.gateway();
    for (let at = 0; at < 3; at += 1) expect(await find()).toEqual(known);
    expect(await world.gateway()()).toEqual(known);
    const options = { accept: 'nodeinfo', bytesMax: 64 * 1024, deadlineMs: 5_000 };
    expect(world.asked).toEqual([{ url: indexOf(HOST), options }, { url: `https://${HOST}/n`, options }]);
    expect([...world.redis.keys()]).toEqual([expect.stringMatching(/^\{sekisho\}:inbox:software:[A-Za-z0-9_-]{43}$/)]);
    expect(world.events).toEqual(['known']);
    await world.clock.advance(24 * HOUR_MS - 1);
    expect(await find()).toEqual(known);
    expect(world.asked).toHaveLength(2);
    await world.clock.advance(1);
    world.redis.clear();
    expect(await find()).toEqual(known);
    expect(world.asked).toHaveLength(4);
  });

  it('spreads when hosts are asked again', async () => {
    const world = new World().serve('a.example').serve('b.example');
    await world.gateway({ random: 0 })('a.example');
    await world.gateway({ random: 1 })('b.example');
    expect(world.lives.map((ms) => ms / HOUR_MS)).toEqual([21.6, 26.4]);
  });

  it('shares one look-up among all who wait', async () => {
    const world = new World().serve(HOST);
    const find = world.gateway();
    expect(new Set((await Promise.all(Array.from({ length: 50 }, async () => await find()))).map((found) => found?.name))).toEqual(new Set(['misskey']));
    expect(world.asked).toHaveLength(2);
  });

  it.each<[string, (world: World) => void]>([
    ['no index', (world) => world.answers.delete(indexOf(HOST))],
    ['an index of another type', (world) => world.answers.set(indexOf(HOST), 'SEKISHO_TYPE_DOCUMENT')],
    ['a redirect', (world) => world.answers.set(indexOf(HOST), 'SEKISHO_UPSTREAM_REDIRECTS')],
    ['a private address', (world) => world.answers.set(indexOf(HOST), 'SEKISHO_TARGET_ADDRESS')],
    ['a link to another host', (world) => world.answers.set(indexOf(HOST), { links: [{ rel: V21, href: 'https://other.example/n' }] })],
    ['no JSON', (world) => world.answers.set(indexOf(HOST), '<html>')],
    ['a deep document', (world) => world.serve(HOST, '['.repeat(65_536))],
    ['a document too large', (world) => world.serve(HOST, 'SEKISHO_UPSTREAM_TOO_LARGE')],
    ['a document without software', (world) => world.serve(HOST, { openRegistrations: true })],
    ['a document of wrong types', (world) => world.serve(HOST, { software: { name: {}, version: 1 } })],
  ])('remembers for an hour that a host says nothing: %s', async (_name, spoil) => {
    const world = new World().serve(HOST).serve('other.example');
    spoil(world);
    const find = world.gateway();
    for (let at = 0; at < 3; at += 1) expect(await find()).toBeUndefined();
    expect(await world.gateway()()).toBeUndefined();
    const { length } = world.asked;
    expect([world.events, world.asked.some(({ url }) => url.includes('other'))]).toEqual([['none'], false]);
    await world.clock.advance(HOUR_MS);
    world.serve(HOST);
    expect(await find()).toEqual(known);
    expect(world.asked).toHaveLength(length + 2);
  });

  it.each(['SEKISHO_FETCHER_AWAY', 'SEKISHO_DEADLINE', 'SEKISHO_LIMIT_FETCHES', 'SEKISHO_UPSTREAM_DNS', 'SEKISHO_UPSTREAM_PAUSED', 'SEKISHO_CONTRACT_INVALID'] as const)('remembers no fault of ours: %s', async (code) => {
    const world = new World().serve(HOST);
    world.answers.set(indexOf(HOST), code);
    const find = world.gateway();
    expect(await find()).toBeUndefined();
    expect([world.events, world.redis.size]).toEqual([['away'], 0]);
    world.serve(HOST);
    expect(await find()).toEqual(known);
  });

  it('lets nobody wait long, and keeps what comes late', async () => {
    const world = new World();
    const slow = Promise.withResolvers<FetchedBody>();
    world.serve(HOST, () => slow.promise);
    const find = world.gateway({ waitMs: 20 });
    expect(await find()).toBeUndefined();
    expect(world.redis.size).toBe(0);
    slow.resolve(documentOf(`https://${HOST}/n`, NODEINFO));
    await until(() => world.redis.size === 1);
    expect(await find()).toEqual(known);
    expect(world.asked).toHaveLength(2);
  });

  it('lets a quarter of the places wait for it, and keeps what comes for the rest', async () => {
    const world = new World().serve('known.example');
    const slow = Promise.withResolvers<FetchedBody>();
    world.serve(HOST, () => slow.promise);
    const find = world.gateway({ waitMs: 60_000 });
    expect(await find('known.example')).toEqual(known);
    const ended: (Software | undefined)[] = [];
    const flood = Array.from({ length: 512 }, async (_, at) => ended.push(await find(HOST, `c${at % 8}`)));
    await until(() => ended.length >= 384);
    expect([ended.length, new Set(ended)]).toEqual([384, new Set([undefined])]);
    expect(await find('known.example')).toEqual(known);
    // Asked for, though nobody waits.
    world.serve('next.example');
    expect(await find('next.example')).toBeUndefined();
    await until(() => world.redis.size === 2);
    expect(await find('next.example')).toEqual(known);
    slow.resolve(documentOf(`https://${HOST}/n`, NODEINFO));
    await Promise.all(flood);
    expect(ended.filter((software) => software?.name === 'misskey')).toHaveLength(128);
    world.serve('last.example');
    expect(await find('last.example')).toEqual(known);
  });

  it('goes on without Redis', async () => {
    const world = new World().serve(HOST);
    world.redisAway = true;
    const find = world.gateway();
    expect([await find(), await find()]).toEqual([known, known]);
    expect(world.events).toEqual(['redis', 'known', 'redis']);
    expect(world.asked).toHaveLength(2);
  });

  it('asks no more hosts than a sender may name, and than all may', async () => {
    const world = new World();
    const find = world.gateway();
    for (let at = 0; at < 300; at += 1) expect(await find(`h${at}.made-up.example`, 'attacker')).toBeUndefined();
    expect(world.asked).toHaveLength(200);
    expect(world.events.filter((event) => event === 'limited')).toHaveLength(100);
    // What was never asked is not remembered, and others go on.
    expect(world.redis.size).toBe(200);
    world.serve(HOST);
    expect(await find(HOST, 'somebody')).toEqual(known);
    for (let at = 0; at < 900; at += 1) await find(`x${at}.made-up.example`, `attacker ${at}`);
    expect(world.events.filter((event) => event !== 'limited')).toHaveLength(500);
    await world.clock.advance(1_000);
    await Promise.all(Array.from({ length: 20 }, async (_, at) => await find(`y${at}.made-up.example`, `attacker ${at}`)));
    expect(world.events.filter((event) => event !== 'limited')).toHaveLength(510);
  });

  it('asks 16 hosts at once, and no more', async () => {
    const world = new World();
    const held = Promise.withResolvers<FetchedBody>();
    for (let at = 0; at < 30; at += 1) world.answers.set(indexOf(`h${at}.example`), () => held.promise);
    const find = world.gateway();
    const all = Promise.all(Array.from({ length: 30 }, async (_, at) => await find(`h${at}.example`, `c${at}`)));
    await until(() => world.events.length === 14);
    expect([world.asked.length, new Set(world.events)]).toEqual([16, new Set(['limited'])]);
    held.resolve({ kind: 'refused', code: 'SEKISHO_UPSTREAM_TIMEOUT' });
    await all;
    world.serve(HOST);
    expect(await find()).toEqual(known);
  });

  it('asks Redis for 256 hosts at once, and goes on without it when it hangs', async () => {
    const world = new World();
    const { get } = world.store;
    let asked = 0;
    world.store.get = async () => {
      asked += 1;
      return await Promise.withResolvers<null>().promise;
    };
    const find = world.gateway({ waitMs: 60_000 });
    const all = Promise.all(Array.from({ length: 300 }, async (_, at) => await find(`h${at}.example`, `c${at}`)));
    expect(asked).toBe(256);
    await all;
    await until(() => world.events.filter((event) => event === 'redis').length === 256);
    world.store.get = get;
    world.serve(HOST);
    expect(await find()).toEqual(known);
  });
});

describe('an entry in Redis', () => {
  const nowMs = 1_800_000_000_000;
  const entry = createEntry(HOST, known, { nowMs, random: 0.5 });
  const none = createEntry(HOST, undefined, { nowMs, random: 0.5 });

  it.each([['software', entry], ['none', none]])('comes back as it was: %s', (_name, given) => {
    expect(decodeEntry(encodeEntry(given), HOST, nowMs)).toEqual(given);
  });

  it.each<[string, string]>([
    ['of another host', encodeEntry(entry).replace(HOST, 'evil.example')], ['that is over', encodeEntry({ ...entry, untilMs: nowMs })], ['that lasts longer than ours', encodeEntry({ ...entry, untilMs: nowMs + 27 * HOUR_MS })],
    ['of nothing that lasts like something', encodeEntry({ ...none, untilMs: nowMs + 2 * HOUR_MS })], ['of another version', encodeEntry(entry).replace('"v":1', '"v":2')], ['with more in it', encodeEntry(entry).replace('"v":1', '"v":1,"x":1')],
    ['with a long name', encodeEntry({ ...entry, software: { name: 'x'.repeat(65) } })], ['without a name', encodeEntry({ ...entry, software: {} })], ['with a text for a flag', encodeEntry(entry).replace('"openSignup":true', '"openSignup":"true"')],
    ['with half a user', encodeEntry(entry).replace('"users":3', '"users":0.5')], ['that is long', `${' '.repeat(2_000)}${encodeEntry(entry)}`], ['that is nonsense', '{'], ['that is nothing', ''],
  ])('%s is none', (_name, text) => {
    expect(decodeEntry(text, HOST, nowMs)).toBeUndefined();
  });

  it('that is none is asked for anew', async () => {
    const world = new World().serve(HOST);
    await world.gateway()();
    const [key] = [...world.redis.keys()];
    world.redis.set(key ?? '', 'nonsense');
    expect(await world.gateway()()).toEqual(known);
    expect(world.asked).toHaveLength(4);
  });
});

describe('createSoftwareCache()', () => {
  it('is bounded, and made-up hosts push out nothing that is known', async () => {
    const world = new World();
    const cache = createSoftwareCache({ store: world.store as never, clock: world.clock, onStoreError: () => undefined, entriesMax: 4 });
    const put = async (host: string, software?: Software): Promise<void> => await cache.put(createEntry(host, software, { nowMs: world.clock.now(), random: 0 }));
    await put('first.example', known);
    for (let at = 0; at < 20; at += 1) await put(`made-up${at}.example`);
    expect(cache.get('first.example')?.software).toEqual(known);
    expect([cache.get('made-up15.example'), cache.get('made-up16.example')?.host]).toEqual([undefined, 'made-up16.example']);
    expect(cache.size).toBe(5);
    for (let at = 0; at < 4; at += 1) await put(`other${at}.example`, known);
    expect(cache.get('first.example')).toBeUndefined();
    // What is learnt anew takes the place of what was known before.
    await put('other3.example');
    expect([cache.get('other3.example')?.software, cache.size]).toEqual([undefined, 7]);
  });
});
