// Deliveries of the corpus, or of our own activities where there is none, signed as their servers would: no two alike, as a
// repeated signature is not passed on.

import { createHash } from 'node:crypto';
import { stateKeys } from '@sekisho/contracts';
import { type Delivery, bytesOf, deliver, legitimateActivities, readActivityCases, signDelivery, testKey } from '@sekisho/testkit';
import { clientAddress } from './client.ts';

export const SELF = 'bench.example';
const PEER = 'sender.peer.example';
const CLIENTS = 512;
/** Freshness allows 300 s both ways; the bench itself takes a part of them. */
const AHEAD_S_MAX = 250;

export function benchDeliveries(): readonly Delivery[] {
  const corpus = readActivityCases().filter(({ expected }) => expected === 'legit').map((one) => deliver(one, { self: SELF }));
  if (corpus.length > 0) return corpus;
  const actor = `https://${PEER}/users/alice`;
  return Object.entries(legitimateActivities({ self: SELF, peer: PEER, third: 'third.peer.example' })).map(([id, activity]) => ({
    id, activity, actor, actorHost: PEER, keyId: `${actor}#main-key`, body: Buffer.from(JSON.stringify(activity)),
  }));
}

/** `count` requests as bytes. The same delivery differs in its date from one turn to the next. */
export function signedRequests(deliveries: readonly Delivery[], count: number): readonly Buffer[] {
  const nowMs = Date.now();
  if (count > deliveries.length * AHEAD_S_MAX) throw new Error('too few deliveries');
  return Array.from({ length: count }, (_, at) => {
    const delivery = deliveries[at % deliveries.length];
    if (delivery === undefined) throw new Error('no deliveries');
    const turn = Math.floor(at / deliveries.length);
    const request = signDelivery(delivery, { self: SELF, victim: '', nowMs }, { dateOffsetS: AHEAD_S_MAX - turn });
    return bytesOf(request, [['X-Forwarded-For', clientAddress(at % CLIENTS)]]);
  });
}

/** What the gateway keeps in Redis of keys that it has fetched: name and value. */
export function keyEntries(deliveries: readonly Delivery[]): ReadonlyMap<string, string> {
  const pem = testKey().pem;
  const nowMs = Date.now();
  const keys = new Map<string, Map<string, object>>();
  for (const { keyId, actor } of deliveries) {
    const id = new URL(keyId).href;
    const url = id.split('#')[0] ?? id;
    const known = keys.get(url) ?? new Map<string, object>();
    keys.set(url, known.set(id, { id, owner: new URL(actor).href, pem }));
  }
  return new Map([...keys].map(([url, known]) => [
    stateKeys.inboxKey(createHash('sha256').update(url).digest('base64url')),
    JSON.stringify({ v: 1, kind: 'keys', url, atMs: nowMs, refetchedAtMs: 0, keys: [...known.values()] }),
  ]));
}
