// Every legitimate document of the corpus, rightly signed, through a gateway: nothing is refused, and Misskey gets the bytes
// that were sent.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Delivery, deliver, signDelivery } from '@sekisho/testkit';
import { type Fixture, START_MS, startFixture } from './fixture.ts';
import { SELF, VICTIM, corpusCases, hasCorpus, judgeRequest, legitimateDeliveries } from './inbox/judge.ts';
import { arrivalOf, differenceOf, inLanes, post } from './inbox/post.ts';

const AT_ONCE = 8;
const world = { self: SELF, victim: VICTIM };

let stack: Fixture;
beforeAll(async () => {
  stack = await startFixture({ publicUrl: `https://${SELF}` });
}, START_MS);
afterAll(async () => await stack?.stop());

/** What went wrong with a delivery that must be taken. */
async function problemOf(delivery: Delivery): Promise<string | undefined> {
  const request = signDelivery(delivery, world);
  const { status, end } = await post(stack, request);
  if (status < 200 || status > 299) return `${status} ${end}`;
  // Pure and known beforehand: whether Misskey does anything with it.
  if (judgeRequest(request).ok) return differenceOf(stack, request);
  return arrivalOf(stack, request) === undefined ? undefined : 'it was dropped and arrived';
}

describe('legitimate activities through the gateway', () => {
  it('are all taken, and arrive as they were sent', async () => {
    const problems: string[] = [];
    const deliveries = legitimateDeliveries();
    await inLanes(deliveries, AT_ONCE, async (delivery) => {
      const problem = await problemOf(delivery);
      if (problem !== undefined) problems.push(`${delivery.id}: ${problem}`);
    });
    expect(problems).toEqual([]);
    expect(deliveries.length).toBeGreaterThan(hasCorpus ? 500 : 25);
    expect(stack.misskey.jobs.length).toBeGreaterThan(hasCorpus ? 480 : 25);
  }, 60_000);

  it.each(['/inbox?shared=1', '/users/9abcdefghi/inbox'])('reach %s', async (target) => {
    const [delivery] = legitimateDeliveries();
    if (delivery === undefined) throw new Error('none');
    const request = signDelivery(delivery, world, { target, dateOffsetS: -5 });
    expect((await post(stack, request)).status).toBe(202);
    expect(differenceOf(stack, request)).toBeUndefined();
  });

  it('with headers in the order and the names of other software', async () => {
    const [delivery] = legitimateDeliveries();
    if (delivery === undefined) throw new Error('none');
    for (const options of [
      { covered: ['date', 'host', 'digest', '(request-target)'], dateOffsetS: -6 },
      { algorithm: 'hs2019', dateOffsetS: -7 },
      { covered: ['(request-target)', 'host', 'date', 'digest', 'content-type', 'collection-synchronization', 'user-agent'], dateOffsetS: -8, headers: [['Collection-Synchronization', 'collectionId="https://x.example/f", url="https://x.example/s", digest="00"'], ['User-Agent', 'http.rb/5.1 (Mastodon/4.3; +https://x.example/)']] as const },
      { contentType: 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"', dateOffsetS: -9 },
      { contentType: 'application/activity+json; charset=utf-8', dateOffsetS: -10 },
      { dateOffsetS: 250 },
    ]) {
      const request = signDelivery(delivery, world, options);
      expect({ options, status: (await post(stack, request)).status }).toEqual({ options, status: 202 });
      expect(differenceOf(stack, request)).toBeUndefined();
    }
  });
});

(hasCorpus ? describe : describe.skip)('documents of which anything may become', () => {
  it('get a clean verdict: no hang, no 5xx', async () => {
    const problems: string[] = [];
    await inLanes(corpusCases().filter(({ expected }) => expected !== 'legit'), AT_ONCE, async (one) => {
      const { status, end } = await post(stack, signDelivery(deliver(one, { self: SELF }), world));
      if (status < 200 || status > 499) problems.push(`${one.id}: ${status} ${end}`);
    });
    expect(problems).toEqual([]);
  }, 60_000);
});
