// The whole corpus and all mutations of what it accepts against the pure checks, without sockets: thousands of verdicts that
// are known beforehand. tc-inbox-corpus and tc-inbox-attacks send a part of them through a gateway.

import { describe, expect, it } from '@jest/globals';
import type { Code } from '@sekisho/contracts';
import { type Delivery, MUTATIONS, deliver, readAttackCorpus, signDelivery, testKey } from '@sekisho/testkit';
import { SELF, VICTIM, corpusCases, hasCorpus, judgeRequest, legitimateDeliveries, ownDeliveries, statusOf } from './inbox/judge.ts';

// Nobody verifies here; Ed25519 signs thousands of requests in a moment.
const world = { self: SELF, victim: VICTIM, key: testKey('ed25519').privateKey };
/** Only who fetches the original can see that these are false: one announces a copy, which Misskey fetches; one is plainly made up. */
const SEEN_BY_FETCH = new Set(['mastodon.akkoma-bogus-mastodon-announce', 'pleroma.akkoma-spoofed-object']);
/**
 * Cases where another policy is defensible, and is ours: `constructor` is a key like any other to what reads JSON here and in
 * Misskey; 3,000 keys are below the limit on values; PeerTube and others send lists of URLs.
 */
const ALLOWED_BY_POLICY = new Set(['d049', 'd068', 'd110']);

const verdictOf = (delivery: Delivery): string => {
  const verdict = judgeRequest(signDelivery(delivery, world));
  return verdict.ok ? 'allow' : `${verdict.code}: ${verdict.detail}`;
};
/** Passes, or is dropped without an error: Misskey does nothing with such a one. */
const isAccepted = (verdict: string): boolean => verdict === 'allow' || statusOf(verdict.split(':')[0] as Code) === 202;
const accepted = legitimateDeliveries().filter((delivery) => verdictOf(delivery) === 'allow');

describe('legitimate activities', () => {
  it('all pass, or are dropped because Misskey does nothing with them', () => {
    const refused = legitimateDeliveries().map((delivery) => [delivery.id, verdictOf(delivery)] as const).filter(([, verdict]) => !isAccepted(verdict));
    expect(refused).toEqual([]);
  });

  it('of our own pass without exception', () => {
    expect(ownDeliveries().map((delivery) => [delivery.id, verdictOf(delivery)]).filter(([, verdict]) => verdict !== 'allow')).toEqual([]);
  });
});

describe('mutations of what is accepted', () => {
  it('are each refused for a reason that fits', () => {
    const wrong = new Map<string, string[]>();
    let count = 0;
    for (const delivery of accepted) {
      for (const mutation of MUTATIONS) {
        if (!mutation.applies(delivery)) continue;
        count += 1;
        const verdict = judgeRequest(mutation.request(delivery, world));
        if (!verdict.ok && mutation.codes.includes(verdict.code)) continue;
        const what = `${mutation.name}: ${verdict.ok ? 'allow' : verdict.code}`;
        wrong.set(what, [...(wrong.get(what) ?? []), delivery.id]);
      }
    }
    expect([...wrong].map(([what, [one, ...more]]) => `${what} (${one} and ${more.length} more)`)).toEqual([]);
    expect(count).toBeGreaterThanOrEqual(hasCorpus ? 20_000 : 2_000);
  }, 120_000);
});

(hasCorpus ? describe : describe.skip)('the corpus', () => {
  it('is refused with its own http ids', () => {
    const plain = corpusCases().filter(({ expected, facts, deliver: how }) => expected === 'legit' && facts.has('http-id') && how === 'as-is').map((one) => deliver(one, { self: SELF, rewrite: false }));
    expect(plain.length).toBeGreaterThan(30);
    expect(plain.filter((delivery) => verdictOf(delivery) === 'allow').map(({ id }) => id)).toEqual([]);
  });

  it.each(['hostile', 'malformed'] as const)('of %s documents is refused', (expected) => {
    const deliveries = corpusCases().filter((one) => one.expected === expected && one.deliver !== 'none').map((one) => deliver(one, { self: SELF }));
    expect(deliveries.length).toBeGreaterThan(5);
    expect(deliveries.filter((delivery) => verdictOf(delivery) === 'allow' && !SEEN_BY_FETCH.has(delivery.id)).map(({ id }) => id)).toEqual([]);
  });

  it('of everything else gets a verdict and never an exception', () => {
    for (const one of corpusCases()) expect(typeof verdictOf(deliver(one, { self: SELF }))).toBe('string');
  });

  it('of attacks: bases pass, cases that the request decides are refused with a status that fits', async () => {
    const { cases, bases } = await readAttackCorpus();
    expect(bases.map(({ name, build }) => [name, judgeRequest(build()).ok]).filter(([, isOk]) => isOk !== true)).toEqual([]);
    const wrong = cases.filter(({ level, times }) => level !== 'verify' && times === 1).flatMap(({ id, name, level, statuses, build }) => {
      const verdict = judgeRequest(build());
      // Another 4xx than the case names is as good, unless it is a drop.
      const isRefused = !verdict.ok && (statusOf(verdict.code) >= 400 || statuses.includes(202));
      return isRefused || ALLOWED_BY_POLICY.has(id) ? [] : [`${id} (${level}) ${name}: ${verdict.ok ? 'allow' : verdict.code}`];
    });
    expect(wrong).toEqual([]);
  });
});
