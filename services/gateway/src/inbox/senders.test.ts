import { describe, expect, it } from '@jest/globals';
import type { ReadActivity } from '@sekisho/inbox-policy';
import { chargeSender } from './senders.ts';

const activity = (over: Partial<ReadActivity> = {}): ReadActivity => ({
  ok: true, type: 'Like', id: 'https://big.example/1', actor: 'https://big.example/u', actorHost: 'big.example', objectType: undefined, object: undefined,
  hosts: new Set(), forwarded: false, visibility: 'unknown', value: {}, ...over,
});
const client = { address: '203.0.113.9', key: '203.0.113.9', net: '203.0.113.0/24' };

function charge(over: Partial<Parameters<typeof chargeSender>[1]>, over2?: { index: number; retryAfterS: number }) {
  const seen: { names: string[]; price: number }[] = [];
  const budget = {
    holdNamed: (_area: string, names: readonly { readonly name: string }[], costMs: number) => {
      seen.push({ names: names.map(({ name }) => name), price: costMs });
      return over2 === undefined ? { ok: true as const, costMs, settle: () => undefined } : { ok: false as const, ...over2 };
    },
  };
  const outcome = chargeSender(budget, { client, keyHost: 'big.example', activity: activity(), verified: false, bytes: 1_000, ...over });
  return { outcome, ...seen[0] };
}

describe('chargeSender()', () => {
  it('charges a claim to the network that makes it, never to the host that is claimed', () => {
    const mine = charge({});
    const theirs = charge({ client: { ...client, net: '198.51.100.0/24' } });
    expect(mine.names).toEqual(['claim:203.0.113.0/24 big.example', 'claim:203.0.113.0/24 https://big.example/u']);
    expect(mine.names?.some((name) => theirs.names?.includes(name))).toBe(false);
  });

  it('charges host and actor themselves once the signature was checked, wherever it comes from', () => {
    const mine = charge({ verified: true });
    expect(mine.names).toEqual(['domain:big.example', 'actor:https://big.example/u']);
    expect(charge({ verified: true, client: { ...client, net: '198.51.100.0/24' } }).names).toEqual(mine.names);
  });

  it('charges no actor for what a relay delivers in its name', () => {
    expect(charge({ verified: true, keyHost: 'relay.example', activity: activity({ forwarded: true }) }).names)
      .toEqual(['domain:relay.example', 'claim:203.0.113.0/24 https://big.example/u']);
  });

  it('asks a price that follows the size', () => {
    expect([charge({ bytes: 1 }).price, charge({ bytes: 65_536 }).price]).toEqual([3, 6]);
  });

  it.each([[0, 'SEKISHO_INBOX_LIMIT_DOMAIN'], [1, 'SEKISHO_INBOX_LIMIT_ACTOR']] as const)('names whose budget is spent: %i', (index, code) => {
    expect(charge({}, { index, retryAfterS: 4 }).outcome).toMatchObject({ ok: false, code, retryAfterS: 4 });
  });
});
