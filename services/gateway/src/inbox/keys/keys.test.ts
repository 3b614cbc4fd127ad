import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { Code } from '@sekisho/contracts';
import type { InboxHead, ReadActivity } from '@sekisho/inbox-policy';
import { FakeClock } from '@sekisho/testkit/clock';
import { until } from '@sekisho/testkit/until';
import type { DocumentOptions, FetchedBody } from '../../fetching/document.ts';
import { decodeEntry, encodeEntry } from './entry.ts';
import { createKeys, type KeysHooks, type Verification } from './keys.ts';

const pairs = Array.from({ length: 2 }, () => generateKeyPairSync('rsa', { modulusLength: 2_048 }));
const [first, second] = pairs as [(typeof pairs)[0], (typeof pairs)[0]];
const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();
const ACTOR = 'https://r.example/users/a';
const KEY_ID = `${ACTOR}#main-key`;
const MINUTE_MS = 60_000;

const actor = (key: KeyObject, over: object = {}): object =>
  ({ id: ACTOR, type: 'Person', publicKey: { id: KEY_ID, owner: ACTOR, publicKeyPem: pem(key) }, ...over });

function headOf(key: KeyObject, keyId = KEY_ID): InboxHead {
  const signingString = `(request-target): post /inbox\nhost: m.example\ndate: ${Math.random()}`;
  return {
    ok: true, digest: Buffer.alloc(32), signedAtMs: 0, replayKey: 'r',
    signature: {
      scheme: 'cavage', keyId, keyHost: new URL(keyId).host, algorithm: 'rsa-sha256', covered: ['(request-target)', 'host', 'date'],
      signature: sign('sha256', Buffer.from(signingString), key).toString('base64'), signingString,
    },
  };
}
const activityOf = (over: Partial<ReadActivity> = {}): ReadActivity => ({
  ok: true, type: 'Create', id: `${ACTOR}/1`, actor: ACTOR, actorHost: 'r.example', objectType: 'Note', object: `${ACTOR}/n`,
  hosts: new Set(['r.example']), forwarded: false, visibility: 'public', value: {}, ...over,
});
const GOOD = headOf(first.privateKey);

type Answer = object | Code | { readonly status: number } | (() => Promise<FetchedBody>);

class World {
  readonly clock = new FakeClock();
  readonly redis = new Map<string, string>();
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
    set: async (key: string, value: string): Promise<'OK'> => {
      await Promise.resolve();
      if (this.redisAway) throw new Error('away');
      this.redis.set(key, value);
      return 'OK';
    },
  };

  readonly fetchDocument = async (url: string, options: DocumentOptions): Promise<FetchedBody> => {
    this.asked.push({ url, options });
    await Promise.resolve();
    const answer = this.answers.get(url) ?? { status: 404 };
    if (typeof answer === 'function') return await (answer as () => Promise<FetchedBody>)();
    if (typeof answer === 'string') return { kind: 'refused', code: answer };
    if ('status' in answer) return { kind: 'refused', code: 'SEKISHO_UPSTREAM_STATUS', upstreamStatus: answer.status };
    return { kind: 'document', status: 200, type: 'application/activity+json', body: Buffer.from(JSON.stringify(answer)), finalUrl: url };
  };

  gateway(): { verify(head: InboxHead, activity?: ReadActivity, client?: string, deadlineMs?: number): Promise<string> } {
    const hooks: KeysHooks = {
      fetched: (result) => this.events.push(`fetched ${result}`), limited: () => this.events.push('limited'), storeFailed: () => this.events.push('redis'),
    };
    const keys = createKeys({
      fetchDocument: this.fetchDocument, store: this.store, clock: this.clock, hooks,
      sign: (url) => ({ date: 'now', signature: `for ${url}` }),
    });
    return { verify: async (head, activity = activityOf(), client = 'c', deadlineMs = 5_000) => text(await keys.verify(head, activity, deadlineMs, client)) };
  }
}

const text = (verification: Verification): string => (typeof verification === 'string' ? verification : `${verification.code}: ${verification.detail}`);

describe('createKeys()', () => {
  it('fetches a key once, under our signature, and knows it from then on, here and in other gateways', async () => {
    const world = new World();
    world.answers.set(ACTOR, actor(first.publicKey));
    const gateway = world.gateway();
    expect(await gateway.verify(GOOD)).toBe('verified');
    expect(await gateway.verify(headOf(first.privateKey))).toBe('verified');
    expect(await world.gateway().verify(headOf(first.privateKey))).toBe('verified');
    expect(world.asked).toEqual([
      { url: ACTOR, options: { accept: 'activity', bytesMax: 256 * 1024, deadlineMs: 8_000, signed: { date: 'now', signature: `for ${ACTOR}` } } },
    ]);
    expect([...world.redis.keys()]).toEqual([expect.stringMatching(/^\{sekisho\}:inbox:key:[A-Za-z0-9_-]{43}$/)]);
    await world.clock.advance(24 * 60 * MINUTE_MS);
    expect(await gateway.verify(headOf(first.privateKey))).toBe('verified');
    expect(world.asked).toHaveLength(2);
  });

  it('shares one fetch among all who wait', async () => {
    const world = new World();
    world.answers.set(ACTOR, actor(first.publicKey));
    const gateway = world.gateway();
    const all = await Promise.all(Array.from({ length: 50 }, async () => await gateway.verify(headOf(first.privateKey))));
    expect(new Set(all)).toEqual(new Set(['verified']));
    expect(world.asked).toHaveLength(1);
  });

  it('follows a key to its owner, who must list it', async () => {
    const world = new World();
    const keyId = `${ACTOR}/main-key`;
    world.answers.set(keyId, { id: keyId, owner: ACTOR, publicKeyPem: pem(second.publicKey) });
    world.answers.set(ACTOR, actor(first.publicKey, { publicKey: { id: keyId, owner: ACTOR, publicKeyPem: pem(first.publicKey) } }));
    const gateway = world.gateway();
    expect(await gateway.verify(headOf(first.privateKey, keyId))).toBe('verified');
    // What the key's own document said counts for nothing.
    expect(await gateway.verify(headOf(second.privateKey, keyId))).toBe('SEKISHO_INBOX_VERIFY: the signature does not fit the key');
    world.answers.set(`${ACTOR}/forged`, { id: `${ACTOR}/forged`, owner: ACTOR, publicKeyPem: pem(second.publicKey) });
    expect(await gateway.verify(headOf(second.privateKey, `${ACTOR}/forged`))).toBe('SEKISHO_INBOX_KEY_REFUSED: the actor does not list the key');
  });

  it('never goes from an owner to an owner', async () => {
    const world = new World();
    world.answers.set(`${ACTOR}/1`, { id: `${ACTOR}/1`, owner: `${ACTOR}/2`, publicKeyPem: pem(first.publicKey) });
    world.answers.set(`${ACTOR}/2`, { id: `${ACTOR}/2`, owner: `${ACTOR}/1`, publicKeyPem: pem(first.publicKey) });
    expect(await world.gateway().verify(headOf(first.privateKey, `${ACTOR}/1`))).toBe('SEKISHO_INBOX_KEY_REFUSED: the owner of the key is no actor');
    expect(world.asked).toHaveLength(2);
  });

  it('refuses the key of somebody else, except for what is forwarded', async () => {
    const world = new World();
    world.answers.set(ACTOR, actor(first.publicKey));
    const gateway = world.gateway();
    const foreign = { actor: 'https://r.example/users/b' };
    expect(await gateway.verify(GOOD, activityOf(foreign))).toBe('SEKISHO_INBOX_KEY_REFUSED: the key belongs to another actor');
    expect(await gateway.verify(GOOD, activityOf({ actor: 'https://v.example/users/b', forwarded: true }))).toBe('verified');
    expect(await gateway.verify(headOf(second.privateKey), activityOf({ forwarded: true }))).toMatch(/^SEKISHO_INBOX_VERIFY/);
  });

  it.each<[string, Answer, string, string, number]>([
    ['404', { status: 404 }, 'SEKISHO_INBOX_KEY_REFUSED: the key: SEKISHO_UPSTREAM_STATUS 404', 'gone', 10],
    ['410', { status: 410 }, 'SEKISHO_INBOX_KEY_REFUSED: the key: SEKISHO_UPSTREAM_STATUS 410', 'gone', 10],
    ['another type', 'SEKISHO_TYPE_DOCUMENT', 'SEKISHO_INBOX_KEY_REFUSED: the key: SEKISHO_TYPE_DOCUMENT', 'SEKISHO_INBOX_KEY_REFUSED: the key: SEKISHO_TYPE_DOCUMENT', 10],
    ['a redirect', 'SEKISHO_UPSTREAM_REDIRECTS', 'SEKISHO_INBOX_KEY_REFUSED: the key: SEKISHO_UPSTREAM_REDIRECTS', 'SEKISHO_INBOX_KEY_REFUSED: the key: SEKISHO_UPSTREAM_REDIRECTS', 10],
    ['a private address', 'SEKISHO_TARGET_ADDRESS', 'SEKISHO_INBOX_KEY_REFUSED: the key: SEKISHO_TARGET_ADDRESS', 'SEKISHO_INBOX_KEY_REFUSED: the key: SEKISHO_TARGET_ADDRESS', 10],
    ['a timeout', 'SEKISHO_UPSTREAM_TIMEOUT', 'away', 'away', 1],
    ['a 403', { status: 403 }, 'away', 'away', 1],
  ])('%s: refused or away, a Delete told apart, and remembered', async (_name, answer, expected, ofDelete, minutes) => {
    const world = new World();
    world.answers.set(ACTOR, answer);
    const gateway = world.gateway();
    expect(await gateway.verify(GOOD)).toBe(expected);
    expect(await gateway.verify(GOOD, activityOf({ type: 'Delete' }))).toBe(ofDelete);
    expect(await world.gateway().verify(GOOD)).toBe(expected);
    expect(world.asked).toHaveLength(1);
    await world.clock.advance(minutes * MINUTE_MS);
    world.answers.set(ACTOR, actor(first.publicKey));
    expect(await gateway.verify(GOOD)).toBe('verified');
  });

  it.each<Code>(['SEKISHO_FETCHER_AWAY', 'SEKISHO_LIMIT_FETCHES', 'SEKISHO_DEADLINE', 'SEKISHO_CONTRACT_INVALID'])('forgets at once that we could not ask: %s', async (code) => {
    const world = new World();
    world.answers.set(ACTOR, code);
    const gateway = world.gateway();
    expect(await gateway.verify(GOOD)).toBe('away');
    world.answers.set(ACTOR, actor(first.publicKey));
    expect(await gateway.verify(GOOD)).toBe('verified');
  });

  it('says away at the deadline, and has the key for the next request', async () => {
    const world = new World();
    const late = Promise.withResolvers<FetchedBody>();
    world.answers.set(ACTOR, async () => await late.promise);
    const gateway = world.gateway();
    expect(await gateway.verify(GOOD, activityOf(), 'c', 30)).toBe('away');
    late.resolve({ kind: 'document', status: 200, type: 'application/activity+json', body: Buffer.from(JSON.stringify(actor(first.publicKey))), finalUrl: ACTOR });
    expect(await gateway.verify(GOOD)).toBe('verified');
    expect(world.asked).toHaveLength(1);
  });
});

describe('a key that was rotated', () => {
  it('is fetched again by the first signature that does not fit, and then once in ten minutes', async () => {
    const world = new World();
    world.answers.set(ACTOR, actor(first.publicKey));
    const gateway = world.gateway();
    expect(await gateway.verify(GOOD)).toBe('verified');
    world.answers.set(ACTOR, actor(second.publicKey));
    expect(await gateway.verify(headOf(second.privateKey))).toBe('verified');
    expect(world.asked).toHaveLength(2);
    for (let round = 0; round < 20; round += 1) expect(await gateway.verify(headOf(first.privateKey))).toMatch(/^SEKISHO_INBOX_VERIFY/);
    // Made-up fragments are the same document.
    for (let round = 0; round < 20; round += 1) expect(await gateway.verify(headOf(first.privateKey, `${ACTOR}#${round}`))).toMatch(/^SEKISHO_INBOX_KEY_REFUSED/);
    expect(world.asked).toHaveLength(2);
    await world.clock.advance(10 * MINUTE_MS);
    expect(await gateway.verify(headOf(first.privateKey))).toMatch(/^SEKISHO_INBOX_VERIFY/);
    expect(world.asked).toHaveLength(3);
    expect(await gateway.verify(headOf(second.privateKey))).toBe('verified');
  });

  it('is learnt from another gateway without a fetch', async () => {
    const world = new World();
    world.answers.set(ACTOR, actor(first.publicKey));
    const [one, other] = [world.gateway(), world.gateway()];
    expect([await one.verify(GOOD), await other.verify(GOOD)]).toEqual(['verified', 'verified']);
    world.answers.set(ACTOR, actor(second.publicKey));
    expect(await one.verify(headOf(second.privateKey))).toBe('verified');
    expect(await other.verify(headOf(second.privateKey))).toBe('verified');
    expect(world.asked).toHaveLength(2);
  });

  it('is kept while its server shows a page of maintenance or nothing, and taken away by a 410', async () => {
    const world = new World();
    world.answers.set(ACTOR, actor(first.publicKey));
    const gateway = world.gateway();
    await gateway.verify(GOOD);
    const bad = headOf(second.privateKey);
    world.answers.set(ACTOR, 'SEKISHO_TYPE_DOCUMENT');
    expect(await gateway.verify(bad)).toMatch(/^SEKISHO_INBOX_VERIFY/);
    await world.clock.advance(10 * MINUTE_MS);
    world.answers.set(ACTOR, 'SEKISHO_UPSTREAM_TIMEOUT');
    expect(await gateway.verify(bad)).toBe('away');
    expect(await gateway.verify(bad)).toMatch(/^SEKISHO_INBOX_VERIFY/);
    expect(await gateway.verify(GOOD)).toBe('verified');
    await world.clock.advance(10 * MINUTE_MS);
    world.answers.set(ACTOR, { status: 410 });
    expect(await gateway.verify(bad, activityOf({ type: 'Delete' }))).toBe('gone');
    expect(await gateway.verify(GOOD)).toMatch(/^SEKISHO_INBOX_KEY_REFUSED/);
  });
});

describe('a flood', () => {
  it('of made-up keys ends at the budget of its sender, others go on', async () => {
    const world = new World();
    world.answers.set(ACTOR, actor(first.publicKey));
    const gateway = world.gateway();
    for (let at = 0; at < 500; at += 1) await gateway.verify(headOf(first.privateKey, `https://r.example/made-up/${at}`), activityOf(), 'attacker');
    expect(world.asked).toHaveLength(120);
    expect(world.events.filter((event) => event === 'limited')).toHaveLength(380);
    expect(await gateway.verify(GOOD, activityOf(), 'attacker')).toBe('away');
    expect(await gateway.verify(GOOD, activityOf(), 'somebody')).toBe('verified');
    expect(await gateway.verify(GOOD, activityOf(), 'attacker')).toBe('verified');
  });

  it('of slow keys loads so many at once', async () => {
    const world = new World();
    const never = new Promise<FetchedBody>(() => undefined);
    const gateway = world.gateway();
    const all = Array.from({ length: 100 }, async (_, at) => {
      const url = `https://h${at}.example/a`;
      world.answers.set(url, async () => await never);
      return await gateway.verify(headOf(first.privateKey, url), activityOf(), `c${at}`, 100);
    });
    expect(new Set(await Promise.all(all))).toEqual(new Set(['away']));
    expect(world.asked).toHaveLength(64);
  });

  it('of one slow key leaves half of the places to others', async () => {
    const world = new World();
    const gateway = world.gateway();
    world.answers.set(ACTOR, actor(first.publicKey));
    expect(await gateway.verify(GOOD)).toBe('verified');
    const slow = 'https://slow.example/a';
    const { promise, resolve } = Promise.withResolvers<FetchedBody>();
    world.answers.set(slow, async () => await promise);
    const ended: string[] = [];
    const flood = Array.from({ length: 512 }, async (_, at) => {
      ended.push(await gateway.verify(headOf(first.privateKey, slow), activityOf(), `c${at % 8}`));
    });
    await until(() => ended.length >= 256);
    expect(ended).toEqual(Array.from({ length: 256 }, () => 'away'));
    // Not even a key that would be there at once is waited for; one that is known is.
    expect(await gateway.verify(headOf(first.privateKey, 'https://other.example/a'))).toBe('away');
    expect(await gateway.verify(headOf(first.privateKey))).toBe('verified');
    resolve({ kind: 'refused', code: 'SEKISHO_UPSTREAM_TIMEOUT' });
    await Promise.all(flood);
    world.answers.set('https://other.example/a', { status: 410 });
    expect(await gateway.verify(headOf(first.privateKey, 'https://other.example/a'), activityOf({ type: 'Delete' }))).toBe('gone');
  });
});

describe('without Redis', () => {
  it('memory goes on alone, and fetches no more often', async () => {
    const world = new World();
    world.answers.set(ACTOR, actor(first.publicKey));
    const gateway = world.gateway();
    world.redisAway = true;
    expect(await gateway.verify(GOOD)).toBe('verified');
    for (let round = 0; round < 5; round += 1) expect(await gateway.verify(headOf(second.privateKey))).toMatch(/^SEKISHO_INBOX_VERIFY/);
    world.redisAway = false;
    expect(await gateway.verify(headOf(second.privateKey))).toMatch(/^SEKISHO_INBOX_VERIFY/);
    expect(await gateway.verify(GOOD)).toBe('verified');
    expect(world.asked).toHaveLength(2);
    expect(world.events).toContain('redis');
  });

  it('an entry there that is nonsense, weak or of another URL is none', () => {
    const entry = { kind: 'none', none: 'gone', url: ACTOR, atMs: 1, detail: '' } as const;
    expect(decodeEntry(encodeEntry(entry), ACTOR)).toEqual(entry);
    expect(decodeEntry(encodeEntry(entry), `${ACTOR}x`)).toBeUndefined();
    const weak = pem(generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey);
    const planted = JSON.stringify({ v: 1, kind: 'keys', url: ACTOR, atMs: 1, refetchedAtMs: 0, keys: [{ id: KEY_ID, owner: ACTOR, pem: weak }] });
    for (const value of ['', '{', '{"v":2}', 'null', planted]) expect(decodeEntry(value, ACTOR)).toBeUndefined();
  });
});
