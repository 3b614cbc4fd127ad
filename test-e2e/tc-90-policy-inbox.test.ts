// The checkpoint for activities on a cluster: signatures checked with keys of the simulated internet, a rule that is changed
// while it runs, gateways killed under load with nothing acknowledged that Misskey has not got, and Misskey's own queue
// behind a Redis user who may write into nothing else.

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { apply, merge, namespace, podsOf } from './lib/cluster.ts';
import { until } from './lib/deadline.ts';
import type { Delivered, Delivery } from './lib/in-pod/deliver.ts';
import { describeWithInternet } from './lib/internet.ts';
import { killMain } from './lib/kill.ts';
import { type Misskey, PUBLIC_URL, startMisskey } from './lib/misskey/misskey.ts';
import { type MisskeyQueue, startMisskeyQueue } from './lib/misskey/queue.ts';
import { type Actor, type Peer, activityOf, forgedKey, publishActor, startPeer } from './lib/peer.ts';
import { QUICK_END, type Sekisho, dropNamespaces, installSekisho, removeNamespace } from './lib/sekisho.ts';
import { say } from './lib/traffic.ts';

const NAMESPACE = 'e2e-inbox';
const OUTSIDE = 'e2e-inbox-outside';
const ONE = { replicas: 1 };
/** Of the administrator: what Helm has written, Helm 4 lets nobody else change. */
const RULES = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'inbox-rules', namespace: NAMESPACE } };
/** The kubelet of the test cluster writes within 10 s. */
const FOLLOWED_MS_MAX = 40_000;
/** Misskey's own work on an activity: whoever acknowledged before its end is caught by the kill. */
const TAKING_MS = 300;
const RPS = 15;
const LOAD_MS = 9_000;
const KILL_AFTER_MS = 3_000;

let misskey: Misskey;
let sekisho: Sekisho;
let peer: Peer;
let actor: Actor;
let queue: MisskeyQueue;

const inbox = { verify: { enabled: true, unavailable: 'retry' }, rulesConfigMap: RULES.metadata.name };
const VALUES = { gateway: { ...QUICK_END, inbox }, fetcher: ONE, imageWorker: ONE };

let count = 0;
const delivery = (type: 'Follow' | 'Like' | 'Block', rest: Partial<Delivery> = {}): Delivery => {
  count += 1;
  return { activity: activityOf(actor, type, `${type}-${count}`), ...rest };
};
const deliver = async (...deliveries: readonly Delivery[]): Promise<readonly Delivered[]> => await peer.deliver({ deliveries });
const statusOf = async (one: Delivery): Promise<number> => (await deliver(one))[0]?.status ?? 0;

/** Several times, so that both gateways have had their turn: each delivery is a connection of its own. */
const allOf = async (type: 'Follow' | 'Like'): Promise<readonly string[]> =>
  (await deliver(...Array.from({ length: 8 }, () => delivery(type)))).map(({ status, code }) => `${status} ${code}`.trim());

const livesOf = async (): Promise<readonly string[]> => (await sekisho.pods('gateway')).map(({ uid, restarts }) => `${uid} ${restarts}`).toSorted();

/** Ends every gateway at once while activities arrive, and waits until they are back. */
async function killUnderLoad(): Promise<readonly Delivered[]> {
  const pods = await sekisho.pods('gateway');
  count += 1;
  const loading = peer.deliver({
    delivery: { activity: activityOf(actor, 'Follow', `load-${count}-{n}`) },
    count: Math.round((LOAD_MS / 1_000) * RPS), rps: RPS, timeoutMs: 15_000,
  }, LOAD_MS + 20_000);
  await new Promise((resolve) => setTimeout(resolve, KILL_AFTER_MS));
  for (const pod of pods) await killMain(pod);
  const done = await loading;
  await sekisho.waitReady(60_000);
  expect(pods).toHaveLength(2);
  return done;
}

/** How many were acknowledged, refused for a while and cut off; anything else is a fault. */
function sorted(what: string, done: readonly Delivered[]): { readonly acknowledged: readonly string[]; readonly open: readonly Delivered[] } {
  const by = (name: string, isIt: (one: Delivered) => boolean): readonly Delivered[] => {
    const found = done.filter(isIt);
    say(`${what}: ${found.length} ${name}`);
    return found;
  };
  const acknowledged = by('acknowledged with 202', ({ status }) => status === 202);
  const retried = by('answered 503', ({ status }) => status === 503);
  const cut = by('without an answer', ({ status }) => status === 0);
  expect(done.filter((one) => ![...acknowledged, ...retried, ...cut].includes(one))).toEqual([]);
  expect(retried.filter(({ retryAfter }) => !/^\d+$/.test(retryAfter))).toEqual([]);
  // Nobody hangs: without an answer means a closed connection.
  expect(cut.filter(({ end }) => end === 'timeout')).toEqual([]);
  // The control: there was something to lose.
  expect([acknowledged.length > 5, cut.length + retried.length > 0]).toEqual([true, true]);
  return { acknowledged: acknowledged.map(({ id }) => id), open: [...retried, ...cut] };
}

/** What its sender does with what was not acknowledged. */
async function sendAgain(open: readonly Delivered[]): Promise<void> {
  const again = open.map(({ id }): Delivery => ({ activity: { ...activityOf(actor, 'Follow', ''), id } }));
  expect((await peer.deliver({ rps: 20, deliveries: again })).filter(({ status }) => status !== 202)).toEqual([]);
}

describeWithInternet('the checkpoint for activities', () => {
  beforeAll(async () => {
    await Promise.all([NAMESPACE, OUTSIDE].map(removeNamespace));
    actor = await publishActor();
    [misskey, peer, queue] = await Promise.all([
      startMisskey({}, OUTSIDE, TAKING_MS), startPeer(OUTSIDE, `http://sekisho-gateway.${NAMESPACE}.svc`, actor), startMisskeyQueue(OUTSIDE, new URL(PUBLIC_URL).host),
    ]);
    await apply(namespace(NAMESPACE), { ...RULES, data: { 'rules.yaml': '{}\n' } });
    sekisho = await installSekisho({ namespace: NAMESPACE, misskey, values: VALUES });
    await until(async () => await statusOf(delivery('Follow')) === 202, { what: 'the first activity', timeoutMs: 30_000 });
  }, 240_000);
  afterAll(async () => {
    await dropNamespaces(NAMESPACE, OUTSIDE);
  });

  it('passes what is genuine, and Misskey gets every byte of it', async () => {
    const sent = [delivery('Follow'), delivery('Like'), delivery('Block')];
    expect(await deliver(...sent)).toEqual(sent.map(({ activity }) => expect.objectContaining({ id: activity.id, status: 202, code: '' })));
    expect(await misskey.activities()).toEqual(expect.arrayContaining(sent.map(({ activity }) => activity.id)));
    // The stub checks the digest, Host and signed headers of each; so did Misskey's own.
    expect(await actor.document.hits()).toBeGreaterThanOrEqual(1);
    expect(await actor.document.hits()).toBeLessThanOrEqual(2);
  });

  it('stops what is forged, altered or odd, and Misskey hears of none of it', async () => {
    const before = (await misskey.requests()).length;
    const other = 'https://b.origin.example/users/bob';
    const { activity } = delivery('Follow');
    // Of the same length: Content-Length is right, the digest is not.
    const altered = JSON.stringify(activity).replace('9abcdefghi', '0000000000');
    const cases: readonly (readonly [what: string, sent: Delivery, status: number])[] = [
      ['another key', delivery('Follow', { key: forgedKey() }), 401],
      ['another body', { activity, body: altered }, 401],
      ['somebody else\'s activity', delivery('Follow', { activity: { ...activityOf(actor, 'Follow', 'x'), actor: other, id: `${other}/1` } }), 401],
      ['an encoded path', delivery('Follow', { target: '/%69nbox' }), 404],
      ['a type that Misskey never answers', delivery('Follow', { contentType: 'text/plain' }), 415],
    ];
    const done = await deliver(...cases.map(([, sent]) => sent));
    expect(done.map(({ status }, at) => [cases[at]?.[0], status])).toEqual(cases.map(([what, , status]) => [what, status]));
    expect(done.filter(({ code }) => code === '')).toEqual([]);
    expect((await misskey.requests()).length).toBe(before);
  });

  it('follows a rule that is put into the ConfigMap, without a restart', async () => {
    expect(new Set(await allOf('Like'))).toEqual(new Set(['202']));
    const lives = await livesOf();
    const rules = JSON.stringify({ rules: [{ id: 'no-likes', reason: 'for a test', action: 'reject', when: { field: 'type', op: 'eq', value: 'Like' } }] });
    const beganMs = performance.now();
    await merge(RULES, { data: { 'rules.yaml': rules } });
    await until(async () => (await allOf('Like')).every((answer) => answer.startsWith('403 ')), { what: 'both gateways to know the rule', timeoutMs: FOLLOWED_MS_MAX, everyMs: 500 });
    say(`a rule was in force after ${((performance.now() - beganMs) / 1_000).toFixed(1)} s`);
    expect(new Set(await allOf('Follow'))).toEqual(new Set(['202']));
    expect(await livesOf()).toEqual(lives);
  }, 60_000);

  it('acknowledges nothing falsely when every gateway is killed under load', async () => {
    const { acknowledged, open } = sorted('kill -9', await killUnderLoad());
    const taken = new Set(await misskey.activities());
    expect(acknowledged.filter((id) => !taken.has(id))).toEqual([]);
    await sendAgain(open);
    const all = new Set(await misskey.activities());
    expect(open.filter(({ id }) => !all.has(id))).toEqual([]);
  }, 90_000);

  it('puts activities into Misskey\'s queue, and could write into no other', async () => {
    const before = (await misskey.activities()).length;
    await sekisho.upgrade({ gateway: { inbox: { ...inbox, mode: 'enqueue', enqueue: await queue.valuesFor(NAMESPACE) } } });
    await sekisho.waitReady();
    // Old gateways may have the Service's last connections for a moment.
    await until(async () => (await podsOf(NAMESPACE, 'app.kubernetes.io/component=gateway')).length === 2, { what: 'the old gateways to be gone', timeoutMs: 30_000 });
    const first = delivery('Follow');
    await until(async () => await statusOf(first) === 202 && (await queue.activities()).includes(first.activity.id), { what: 'the first job', timeoutMs: 20_000 });
    expect(await queue.tryOthers()).toEqual({ inbox: expect.stringMatching(/^\d+$/), deliver: expect.stringMatching(/^NOPERM/), admin: expect.stringMatching(/^NOPERM/), keys: expect.stringMatching(/^NOPERM/) });
    const { acknowledged, open } = sorted('kill -9 with the queue', await killUnderLoad());
    const queued = new Set(await queue.activities());
    expect(acknowledged.filter((id) => !queued.has(id))).toEqual([]);
    await sendAgain(open);
    expect((await misskey.activities()).length).toBe(before);
  }, 150_000);
});
