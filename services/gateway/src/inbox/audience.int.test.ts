import { createHash, generateKeyPairSync, hash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { stateKeys } from '@sekisho/contracts';
import type { ReadActivity } from '@sekisho/inbox-policy';
import { type Activity, type TestRedis, startRedis, testKey } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import type { Redis } from 'ioredis';
import { type InboxRig, KEY_ID, PASSWORD, PEER, THIRD, activities, send, signed, startInboxRig } from '../testing/inbox-rig.ts';
import { createAudience } from './audience.ts';

type Visibility = ReadActivity['visibility'];
const NOTE = 'https://p.example/notes/1';
const post = (visibility: Visibility, over: Partial<ReadActivity> = {}): ReadActivity => ({
  ok: true, type: 'Create', id: `${NOTE}/activity`, actor: 'https://p.example/u', actorHost: 'p.example', objectType: 'Note', object: NOTE, hosts: new Set(),
  forwarded: false, visibility, value: {}, ...over,
});

describe('createAudience()', () => {
  let server: TestRedis;
  let redis: Redis;
  let away = 0;
  let nowMs = 0;
  beforeAll(async () => {
    server = await startRedis();
    redis = server.client({ enableOfflineQueue: false, maxRetriesPerRequest: 0, enableAutoPipelining: true });
    await until(() => redis.status === 'ready');
  });
  afterAll(async () => {
    await server.stop();
  });
  beforeEach(async () => {
    await redis.flushall();
    away = 0;
  });
  const open = (burst = 1_000) =>
    createAudience({ redis, clock: { monotonicMs: () => nowMs }, onAway: () => { away += 1; }, limits: { burst, perHour: 3_600 } });
  const codes = async (...posts: readonly ReadActivity[]): Promise<(string | undefined)[]> => {
    const audience = open();
    const found: (string | undefined)[] = [];
    for (const one of posts) found.push((await audience.check(one))?.code);
    return found;
  };
  const DROP = 'SEKISHO_INBOX_AUDIENCE';

  it.each<[Visibility, Visibility]>([['followers', 'public'], ['followers', 'unlisted'], ['direct', 'public'], ['direct', 'unlisted']])('drops %s that comes again %s, and says both', async (first, then) => {
    expect(await codes(post(first), post(then), post(first), post(then))).toEqual([undefined, DROP, undefined, DROP]);
    expect((await open().check(post(then)))?.detail).toBe(`came as ${first}, now ${then}`);
  });

  it.each<[Visibility, Visibility]>([
    ['public', 'public'], ['unlisted', 'public'], ['public', 'unlisted'], ['public', 'direct'], ['public', 'followers'], ['followers', 'followers'], ['direct', 'direct'], ['followers', 'direct'],
    ['unknown', 'public'], ['direct', 'unknown'],
  ])('passes %s that comes again %s', async (first, then) => {
    expect(await codes(post(first), post(then))).toEqual([undefined, undefined]);
  });

  it('knows posts by their id, whatever that of the activity and the spelling of the host', async () => {
    const other = { object: 'https://p.example/notes/2' };
    expect(await codes(post('direct'), post('public', other), post('public', { id: 'https://p.example/another' }), post('public', { object: NOTE.replace('p.e', 'P.E') }))).toEqual([undefined, undefined, DROP, DROP]);
  });

  it('learns nothing from a link alone, for the post may be for everybody; and opens nothing by one', async () => {
    const link = { objectType: undefined };
    expect(await codes(post('direct', link), post('public'))).toEqual([undefined, undefined]);
    expect(await codes(post('direct'), post('public', link))).toEqual([undefined, DROP]);
  });

  it('looks at nothing but posts that are made', async () => {
    expect(await codes(post('direct'), post('public', { type: 'Update' }), post('public', { type: 'Announce' }))).toEqual([undefined, undefined, undefined]);
    expect(await codes(post('direct', { type: 'Update', object: 'https://p.example/notes/3' }))).toEqual([undefined]);
    expect(await redis.dbsize()).toBe(1);
  });

  it('keeps the first for a day, without names', async () => {
    await codes(post('direct'), post('followers'));
    const [key = '', ...more] = await redis.keys(stateKeys.inboxAudience('*'));
    expect([more, await redis.get(key), key.includes('p.example')]).toEqual([[], 'direct', false]);
    expect(await redis.pttl(key)).toBeGreaterThan(23 * 3_600_000);
    expect(await redis.pttl(key)).toBeLessThanOrEqual(24 * 3_600_000);
  });

  it('takes in no more than its rate after a burst, and goes on knowing what it has', async () => {
    const audience = open(50);
    for (let at = 0; at < 80; at += 1) await audience.check(post('direct', { object: `${NOTE}/${at}` }));
    expect(await redis.dbsize()).toBe(50);
    expect((await audience.check(post('public', { object: `${NOTE}/0` })))?.code).toBe(DROP);
    expect(await audience.check(post('public', { object: `${NOTE}/79` }))).toBeUndefined();
    nowMs += 5_000;
    for (let at = 80; at < 100; at += 1) await audience.check(post('direct', { object: `${NOTE}/${at}` }));
    expect(await redis.dbsize()).toBe(55);
  });

  it('spends its rate on new posts only, however often one comes', async () => {
    const audience = open(2);
    for (let turn = 0; turn < 5; turn += 1) await audience.check(post('direct'));
    const second = { object: 'https://p.example/notes/second' };
    await audience.check(post('direct', second));
    expect((await audience.check(post('public', second)))?.code).toBe(DROP);
  });

  it('passes all and counts while Redis is away', async () => {
    const audience = open();
    await audience.check(post('direct'));
    await server.crash();
    expect([await audience.check(post('public')), await audience.check(post('direct'))]).toEqual([undefined, undefined]);
    expect(away).toBe(2);
    await server.restart();
    await until(() => redis.status === 'ready');
  });
});

describe('a gateway that checks signatures', () => {
  let rig: InboxRig;
  const pem = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const verifying = (): NodeJS.ProcessEnv => ({ SEKISHO_INBOX_VERIFY: 'on', SEKISHO_INBOX_VERIFY_UNAVAILABLE: 'pass', SEKISHO_INBOX_ACTOR_KEY_FILE: rig.file('actor.pem', pem) });
  /** Another user of the same host, whose key nobody can fetch. */
  const UNKNOWN = KEY_ID.replace('alice', 'nobody');
  const ACTOR = `https://${PEER}/users/alice`;
  const PUBLIC = 'https://www.w3.org/ns/activitystreams#Public';
  const RELAY = `https://${THIRD}/actor`;
  beforeAll(async () => {
    rig = await startInboxRig();
    await rig.restart(verifying());
  });
  afterAll(async () => {
    await rig.stop();
  });
  beforeEach(async () => {
    await rig.admin.flushall();
    for (const owner of [ACTOR, RELAY]) await plant(owner);
    rig.stub.requests.length = 0;
  });
  /** As if the document of this owner had been fetched. */
  async function plant(owner: string): Promise<void> {
    const id = owner === ACTOR ? KEY_ID : `${owner}#key`;
    const entry = { v: 1, kind: 'keys', url: owner, atMs: Date.now(), refetchedAtMs: Date.now(), keys: [{ id, owner, pem: testKey('actor').pem }] };
    await rig.admin.set(stateKeys.inboxKey(createHash('sha256').update(owner).digest('base64url')), JSON.stringify(entry));
  }
  /** One post, for followers or for everybody, signed anew each time. */
  const made = activities()['create'] ?? {};
  const to = (recipients: readonly string[]): Activity => ({ ...made, to: recipients, cc: [], object: { ...(made['object'] as object), to: recipients, cc: [] } });
  const few = to([`${ACTOR}/followers`]);
  const all = to([PUBLIC]);
  const status = async (activity: Activity, keyId = KEY_ID): Promise<number> => (await send(rig, signed({ activity, keyId }))).status;
  const line = (): Record<string, unknown> => rig.lines.at(-1) ?? {};

  it('drops the post of a verified sender that comes again for everybody, and no neighbour', async () => {
    expect([await status(few), line()['verified'], line()['code']]).toEqual([202, true, undefined]);
    const answer = await send(rig, signed({ activity: all }));
    expect([answer.status, answer.headers['sekisho-code'], line()['code'], line()['verdict']]).toEqual([202, undefined, 'SEKISHO_INBOX_AUDIENCE', 'drop']);
    expect(rig.stub.requests).toHaveLength(1);
    // Another second: the same signature would be a repeat.
    expect((await send(rig, signed({ activity: few, dateOffsetS: -7 }))).status).toBe(202);
    expect(await status(activities()['create'] ?? {})).toBe(202);
    expect(rig.stub.requests).toHaveLength(3);
  });

  it('remembers no claim that was not checked, so that nobody can have a stranger’s post dropped', async () => {
    expect([await status(few, UNKNOWN), line()['verified']]).toEqual([202, undefined]);
    expect([await status(all), line()['verified'], line()['code']]).toEqual([202, true, undefined]);
    expect(rig.stub.requests).toHaveLength(2);
    expect(await rig.admin.keys(stateKeys.inboxAudience('*'))).toEqual([]);
  });

  it('remembers nothing that somebody else delivers, though his key was checked', async () => {
    const signature = { type: 'RsaSignature2017', creator: KEY_ID, created: new Date().toISOString(), signatureValue: Buffer.alloc(256).toString('base64') };
    expect([await status({ ...few, signature }, `${RELAY}#key`), line()['verified'], line()['forwarded']]).toEqual([202, true, true]);
    expect(await rig.admin.keys(stateKeys.inboxAudience('*'))).toEqual([]);
    expect([await status(all), line()['code']]).toEqual([202, undefined]);
  });

  it('can be made to lose one post, and to know nothing, by whoever has its rights in Redis', async () => {
    const thief = rig.redis.client({ username: 'sekisho-gateway-state', password: PASSWORD, enableReadyCheck: false });
    const id = String((made['object'] as Record<string, unknown>)['id']);
    const key = stateKeys.inboxAudience(hash('sha256', id, 'base64url').slice(0, 22));
    await thief.set(key, 'direct');
    expect([await status(all), line()['code'], rig.stub.requests.length]).toEqual([202, 'SEKISHO_INBOX_AUDIENCE', 0]);
    await thief.del(key);
    expect([await status(all), line()['code'], rig.stub.requests.length]).toEqual([202, undefined, 1]);
  });

  it('notes it in the mode observe, and hands it on', async () => {
    await rig.restart({ ...verifying(), SEKISHO_INBOX_MODE: 'observe' });
    expect([await status(few), await status(all)]).toEqual([202, 202]);
    expect(line()).toMatchObject({ code: 'SEKISHO_INBOX_AUDIENCE', would: 'drop', verdict: 'allow' });
    expect(rig.stub.requests).toHaveLength(2);
  });

  it('leaves all of this to Misskey where signatures are not checked', async () => {
    await rig.restart({});
    expect([await status(few), await status(all), line()['code']]).toEqual([202, 202, undefined]);
    expect(rig.stub.requests).toHaveLength(2);
    expect(await rig.admin.keys(stateKeys.inboxAudience('*'))).toEqual([]);
  });
});
