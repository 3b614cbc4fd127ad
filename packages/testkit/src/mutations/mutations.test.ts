import { describe, expect, it } from '@jest/globals';
import { isCode } from '@sekisho/contracts';
import { bytesOf, legitimateActivities, testKey } from '../activitypub/index.ts';
import type { Delivery } from '../corpus/index.ts';
import { MUTATIONS, signDelivery } from './index.ts';

const self = 'instance.peer.example';
const actorHost = 'sender.peer.example';
const victim = 'victim.peer.example';
const actor = `https://${actorHost}/users/alice`;
const world = { self, victim, key: testKey('ed25519').privateKey, nowMs: Date.now() };
const deliveries = Object.entries(legitimateActivities({ self, peer: actorHost, third: 'third.peer.example', uid: 'u' })).map(([id, activity]): Delivery => ({
  id, activity, actor, actorHost, keyId: `${actor}#main-key`, body: Buffer.from(JSON.stringify(activity)),
}));

describe('MUTATIONS', () => {
  it('have names of their own and known codes', () => {
    expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
    for (const { codes } of MUTATIONS) expect(codes.length > 0 && codes.every(isCode)).toBe(true);
  });

  it.each(MUTATIONS)('$name: applies to something, and changes it', (mutation) => {
    const hit = deliveries.filter((delivery) => mutation.applies(delivery));
    expect(hit.length).toBeGreaterThan(0);
    for (const delivery of hit) {
      const right = bytesOf(signDelivery(delivery, world));
      const wrong = mutation.request(delivery, world);
      expect(bytesOf(wrong).equals(right)).toBe(false);
      // Only what is meant to be too large is.
      if (!mutation.codes.includes('SEKISHO_INBOX_TOO_LARGE')) expect(wrong.body.length).toBeLessThanOrEqual(65_536);
    }
  });
});
