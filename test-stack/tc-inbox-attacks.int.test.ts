// Hostile deliveries through a gateway: the corpus of attacks, one mutation of each kind, and the types that Misskey never
// answers. Nothing of them reaches Misskey. tc-inbox-policy does the same by the ten thousand without sockets.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type AttackCorpus, type Delivery, MUTATIONS, type Mutation, legitimateActivities, readAttackCorpus, sendExact, signDelivery } from '@sekisho/testkit';
import { type Fixture, START_MS, startFixture } from './fixture.ts';
import { SELF, VICTIM, hasCorpus, judgeRequest, legitimateDeliveries, ownDeliveries, statusOf } from './inbox/judge.ts';
import { differenceOf, inLanes, post } from './inbox/post.ts';

const AT_ONCE = 8;
const HANG_MS = 1_500;
const world = { self: SELF, victim: VICTIM };
/** Allowed by a policy that tc-inbox-policy explains. */
const ALLOWED_BY_POLICY = new Set(['d049', 'd068', 'd110']);

let stack: Fixture;
beforeAll(async () => {
  stack = await startFixture({ publicUrl: `https://${SELF}` });
}, START_MS);
beforeEach(() => {
  stack.misskey.requests.length = 0;
  stack.misskey.jobs.length = 0;
});
afterAll(async () => await stack?.stop());

const arrived = (): number => stack.misskey.requests.filter(({ method }) => method === 'POST').length;

(hasCorpus ? describe : describe.skip)('the corpus of attacks', () => {
  let corpus: AttackCorpus;
  beforeAll(async () => {
    corpus = await readAttackCorpus();
  });

  it('has bases that all pass', async () => {
    for (const { name, build } of corpus.bases) {
      const request = build();
      expect({ name, status: (await post(stack, request)).status }).toEqual({ name, status: 202 });
      expect(differenceOf(stack, request)).toBeUndefined();
    }
    expect(corpus.bases.length).toBeGreaterThanOrEqual(23);
  });

  it('is refused, and nothing of it goes upstream', async () => {
    const cases = corpus.cases.filter(({ id, level, times }) => level !== 'verify' && times === 1 && !ALLOWED_BY_POLICY.has(id));
    const problems: string[] = [];
    await inLanes(cases, AT_ONCE, async ({ id, name, decision, statuses, build }) => {
      const { status, end } = await post(stack, build());
      const isRefused = (status >= 400 && status <= 499) || (status === 202 && (decision === 'drop' || statuses.includes(202)));
      if (!isRefused) problems.push(`${id} ${name}: ${status} ${end}`);
    });
    expect(problems).toEqual([]);
    expect(arrived()).toBe(0);
    expect(cases.filter(({ level }) => level === 'must').length).toBeGreaterThan(100);
  });

  it('sent twice arrives once', async () => {
    const twice = corpus.cases.filter(({ times }) => times > 1);
    expect(twice.length).toBeGreaterThan(0);
    for (const { build } of twice) {
      const request = build();
      expect((await post(stack, request)).status).toBe(202);
      expect((await post(stack, request)).status).toBe(202);
    }
    expect(arrived()).toBe(twice.length);
  });
});

describe('mutations', () => {
  it('of every kind are refused with their status, and nothing of them goes upstream', async () => {
    const deliveries = [...ownDeliveries(), ...legitimateDeliveries().toReversed()].filter((delivery) => judgeRequest(signDelivery(delivery, world)).ok);
    const jobs = MUTATIONS.flatMap((mutation) => pick(mutation, deliveries).map((delivery) => [mutation, delivery] as const));
    const problems: string[] = [];
    await inLanes(jobs, AT_ONCE, async ([mutation, delivery]) => {
      const { status, end } = await post(stack, mutation.request(delivery, world));
      if (!mutation.codes.some((code) => statusOf(code) === status)) problems.push(`${mutation.name} of ${delivery.id}: ${status} ${end}`);
    });
    expect(problems).toEqual([]);
    expect(arrived()).toBe(0);
    expect(jobs.length).toBeGreaterThanOrEqual(MUTATIONS.length * 2);
  }, 60_000);
});

/** The first two and the last two that it is for. */
function pick(mutation: Mutation, deliveries: readonly Delivery[]): readonly Delivery[] {
  const fit = deliveries.filter((delivery) => mutation.applies(delivery));
  return [...new Set([...fit.slice(0, 2), ...fit.slice(-2)])];
}

describe('what Misskey never answers', () => {
  const [delivery] = ownDeliveries();

  it.each(['text/plain', 'application/json', 'application/json; charset=utf-8', 'TEXT/PLAIN'])('%s is refused at once', async (contentType) => {
    if (delivery === undefined) throw new Error('none');
    const request = signDelivery(delivery, world, { contentType });
    const began = performance.now();
    expect((await post(stack, request)).status).toBe(415);
    expect(performance.now() - began).toBeLessThan(HANG_MS);
    expect(arrived()).toBe(0);
    // The control: the same request without the gateway.
    expect(await sendExact(request, { port: stack.misskey.port, timeoutMs: HANG_MS })).toMatchObject({ status: 0, end: 'timeout' });
  });

  it('in observe mode as well', async () => {
    // One of the checks that no mode lifts; the mode is that of a gateway of its own.
    const other = await startFixture({ publicUrl: `https://${SELF}`, env: { SEKISHO_INBOX_MODE: 'observe' } });
    try {
      if (delivery === undefined) throw new Error('none');
      for (const contentType of ['text/plain', 'application/json']) expect((await post(other, signDelivery(delivery, world, { contentType }))).status).toBe(415);
      const mutations = MUTATIONS.filter(({ codes, applies }) => codes.includes('SEKISHO_INBOX_PATH') && applies(delivery));
      for (const mutation of mutations) expect((await post(other, mutation.request(delivery, world))).status).toBe(404);
      expect(other.misskey.requests.filter(({ method }) => method === 'POST')).toEqual([]);
      // What it only observes is passed on: the Misskey of the stub takes it.
      const [activity] = Object.values(legitimateActivities({ self: SELF, peer: delivery.actorHost, third: VICTIM }));
      const foreign = { ...delivery, body: Buffer.from(JSON.stringify({ ...activity, id: `https://${VICTIM}/1` })) };
      expect((await post(other, signDelivery(foreign, world))).status).toBe(202);
      expect(other.misskey.jobs).toHaveLength(1);
    } finally {
      await other.stop();
    }
  }, START_MS);
});
