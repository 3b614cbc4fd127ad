// With verification: what only the key can tell is refused too, and legitimate activities still pass. The keys are planted in the
// gateway's store; how they are fetched is tc-keys' matter.

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stateKeys } from '@sekisho/contracts';
import { ATTACK_HOSTS, type TestKeyName, readAttackCorpus, signDelivery, testKey } from '@sekisho/testkit';
import { Redis } from 'ioredis';
import { type Fixture, START_MS, startFixture } from './fixture.ts';
import { SELF, VICTIM, hasCorpus, judgeRequest, legitimateDeliveries, ownDeliveries } from './inbox/judge.ts';
import { differenceOf, inLanes, post } from './inbox/post.ts';

const AT_ONCE = 8;
const world = { self: SELF, victim: VICTIM };

let stack: Fixture;
let redis: Redis;
beforeAll(async () => {
  stack = await startFixture({ publicUrl: `https://${SELF}`, env: { SEKISHO_INBOX_VERIFY: 'on', SEKISHO_INBOX_VERIFY_UNAVAILABLE: 'retry' } });
  redis = new Redis(stack.stack.redis?.url('sekisho-gateway-state') ?? '', { enableReadyCheck: false });
  const { peer, evil } = ATTACK_HOSTS;
  await plant(`https://${peer}/users/alice`, [`https://${peer}/users/alice#main-key`], 'actor');
  await plant(`https://${peer}/users/bea`, [`https://${peer}/users/bea#main-key`], 'other');
  await plant(`https://${evil}/users/eve`, [`https://${evil}/users/eve#main-key`], 'evil');
}, START_MS);
afterAll(async () => {
  redis?.disconnect();
  await stack?.stop();
});

/** As if the document of this owner had been fetched. */
async function plant(owner: string, ids: readonly string[], key: TestKeyName): Promise<void> {
  const url = (new URL(ids[0] ?? owner).href).split('#')[0] ?? '';
  const keys = ids.map((id) => ({ id: new URL(id).href, owner: new URL(owner).href, pem: testKey(key).pem }));
  const name = stateKeys.inboxKey(createHash('sha256').update(url).digest('base64url'));
  await redis.set(name, JSON.stringify({ v: 1, kind: 'keys', url, atMs: Date.now(), refetchedAtMs: Date.now(), keys }));
}

describe('with verification', () => {
  it('what its actors have signed passes', async () => {
    const deliveries = [...ownDeliveries(), ...legitimateDeliveries()].filter((delivery) => judgeRequest(signDelivery(delivery, world)).ok);
    const byDocument = Map.groupBy(deliveries, ({ keyId }) => keyId.split('#')[0] ?? '');
    for (const [, [first, ...more]] of byDocument) {
      if (first !== undefined) await plant(first.actor, [...new Set([first, ...more].map(({ keyId }) => keyId))], 'actor');
    }
    const problems: string[] = [];
    await inLanes(deliveries, AT_ONCE, async (delivery) => {
      const request = signDelivery(delivery, world, { dateOffsetS: -deliveries.indexOf(delivery) % 200 });
      const { status } = await post(stack, request);
      const problem = status === 202 ? differenceOf(stack, request) : String(status);
      if (problem !== undefined) problems.push(`${delivery.id}: ${problem}`);
    });
    expect(problems).toEqual([]);
    expect(deliveries.length).toBeGreaterThan(25);
  }, 60_000);

  it('another key than the actor lists is refused, for every activity of our own', async () => {
    stack.misskey.requests.length = 0;
    for (const delivery of ownDeliveries()) {
      const { status } = await post(stack, signDelivery(delivery, world, { key: testKey('evil').privateKey }));
      expect({ id: delivery.id, status }).toEqual({ id: delivery.id, status: 401 });
    }
    expect(stack.misskey.requests.filter(({ method }) => method === 'POST')).toEqual([]);
  });

  it('Mastodon CVE-2024-37903: what came to followers does not come again for everybody, and its neighbours do', async () => {
    const [create] = ownDeliveries().filter(({ id }) => id === 'own.create');
    if (create === undefined) throw new Error('no create');
    const arrivesFor = async (recipient: string): Promise<boolean> => {
      stack.misskey.requests.length = 0;
      const recipients = { to: [recipient], cc: [] };
      const activity = { ...create.activity, ...recipients, object: { ...create.activity['object'] as object, ...recipients } };
      const { status } = await post(stack, signDelivery({ ...create, activity, body: Buffer.from(JSON.stringify(activity)) }, world));
      expect(status).toBe(202);
      return stack.misskey.requests.some(({ method }) => method === 'POST');
    };
    const everybody = 'https://www.w3.org/ns/activitystreams#Public';
    expect([await arrivesFor(`${create.actor}/followers`), await arrivesFor(everybody), await arrivesFor('as:Public')]).toEqual([true, false, false]);
    const [other] = ownDeliveries().filter(({ id }) => id === 'own.create');
    if (other === undefined) throw new Error('no create');
    expect((await post(stack, signDelivery(other, world))).status).toBe(202);
    expect(stack.misskey.requests.some(({ method }) => method === 'POST')).toBe(true);
  });

  (hasCorpus ? it : it.skip)('refuses the attacks that only the key can tell', async () => {
    stack.misskey.requests.length = 0;
    const cases = (await readAttackCorpus()).cases.filter(({ level }) => level === 'verify');
    const statuses: string[] = [];
    for (const { id, build } of cases) {
      const { status } = await post(stack, build());
      if (status < 400 || status > 499) statuses.push(`${id}: ${status}`);
    }
    expect(statuses).toEqual([]);
    expect(cases.length).toBeGreaterThanOrEqual(5);
    expect(stack.misskey.requests.filter(({ method }) => method === 'POST')).toEqual([]);
  });
});
