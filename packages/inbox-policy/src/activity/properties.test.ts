import { describe, expect, it } from '@jest/globals';
import { legitimateActivities } from '@sekisho/testkit';
import { cpuMsOf } from '@sekisho/testkit/cpu-time';
import fc from 'fast-check';
import { nestedHosts } from '../rules/lists/check.ts';
import { isPublicHost, keysWithin, NOW_MS, rulesWith } from '../testing/activity.ts';
import type { ActivityRules, Denied, JsonObject, JsonValue, ReadActivity } from '../types.ts';
import { ACTOR } from './actor.ts';
import { readActivity } from './read.ts';
import { POST } from './post.ts';
import { sanitiseActivity } from './sanitise.ts';
import { ACTIVITY_TYPES, ACTOR_TYPES, COLLECTION_TYPES, POST_TYPES } from './types.ts';

const plain = (value: unknown): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;
const self = 'm.example';
const peer = 'r.example';
const rules: ActivityRules = rulesWith({ isPublicHost });
const samples = Object.values(legitimateActivities({ self, peer, third: 'v.example', nowMs: NOW_MS, uid: 'u' })) as readonly JsonObject[];
const read = (value: JsonObject): ReadActivity | Denied => readActivity(value, { keyId: `https://${peer}/users/alice#main-key`, keyHost: peer }, rules);

/** All that a copy may hold, at whatever depth. */
const KEYS: ReadonlySet<string> = new Set([
  ...POST.map(([name]) => name), ...ACTOR.map(([name]) => name), 'id', 'type', 'actor', 'object', 'target', 'to', 'cc', 'published', 'formerType', 'items', 'orderedItems', '_misskey_reaction',
  'href', 'icon', 'updated', '_misskey_license', 'freeText', 'replies', 'totalItems', '_misskey_votes', 'mediaType', 'value', 'sharedInbox', 'owner', 'publicKeyPem',
]);

const url = fc.constantFrom(
  `https://${peer}/users/alice`, `https://${peer}/n/1`, `https://${self}/users/1`, 'https://v.example/n', 'http://r.example/', 'https://127.0.0.1/', 'as:Public', 'x', '', 'https://[', 'https://\ud800.example/',
);
const type = fc.constantFrom(...ACTIVITY_TYPES, ...COLLECTION_TYPES, ...POST_TYPES, ...ACTOR_TYPES, 'Mention', 'Hashtag', 'Emoji', 'PropertyValue', 'RsaSignature2017', 'Teleport');
const key = fc.constantFrom(...KEYS, 'signature', 'creator', '@context', '@id', '@type', '@reverse', 'audience', 'toString', 'constructor', 'hasOwnProperty', 'x:y', '');
const { value: anything } = fc.letrec<{ value: JsonValue; object: JsonObject }>((tie) => ({
  value: fc.oneof({ maxDepth: 5, depthSize: 'small' }, url, type, fc.constantFrom(null, true, -1, 1.5, '2026-11-25T00:00:00Z', '@reverse', 'as:object'), fc.array(tie('value'), { maxLength: 4 }), tie('object')),
  object: fc.dictionary(key, tie('value'), { maxKeys: 8 }),
}));
const head = fc.record({ type, id: fc.constant(`https://${peer}/a/1`), actor: fc.constant(`https://${peer}/users/alice`) });
const wild = fc.tuple(fc.dictionary(key, anything, { maxKeys: 10 }), head).map(([rest, fixed]) => ({ ...rest, ...fixed }));

/** One place of an activity that is taken gets another value, or a new key. */
const changed = fc.tuple(fc.constantFrom(...samples), fc.array(fc.nat(), { maxLength: 4 }), key, anything, fc.boolean()).map(([sample, steps, name, value, add]) => {
  const copy = structuredClone(sample) as Record<string, JsonValue>;
  let at = copy;
  for (const step of steps) {
    const inner: unknown = Object.values(at)[step % Math.max(1, Object.keys(at).length)];
    if (typeof inner !== 'object' || inner === null) break;
    at = inner as Record<string, JsonValue>;
  }
  at[add ? name : (Object.keys(at)[0] ?? name)] = value;
  // As a body would have it: no names in lists.
  return plain(copy);
});

function checkCopy(value: JsonObject): boolean {
  const result = read(value);
  if (!result.ok) {
    expect(result.code).toMatch(/^SEKISHO_INBOX_/);
    expect(result.detail.length).toBeLessThanOrEqual(200);
    return false;
  }
  expect(result.hosts.size).toBeLessThanOrEqual(128);
  const copy = plain(sanitiseActivity(result));
  expect(keysWithin(copy).filter((name) => !KEYS.has(name))).toEqual([]);
  expect(typeof copy['actor']).toBe('string');
  const again = read(copy);
  // What a group or a forwarder vouched for is not in the copy; Misskey would not take it either.
  if (!again.ok) throw new Error(`${again.code} ${again.detail} ${JSON.stringify(copy)}`);
  expect(plain(sanitiseActivity(again))).toEqual(copy);
  return true;
}

describe('readActivity() and sanitiseActivity()', () => {
  it('take what is legitimate, and their own copies of it', () => {
    expect(samples.length).toBeGreaterThan(20);
    for (const sample of samples) expect(checkCopy(sample)).toBe(true);
  });

  it('never throw, on anything', () => {
    fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue() as fc.Arbitrary<JsonValue>), (value) => {
      read(value);
      nestedHosts(value);
    }), { numRuns: 500 });
    fc.assert(fc.property(wild, (value) => {
      nestedHosts(value);
      checkCopy(value);
    }), { numRuns: 3_000 });
  });

  it('copy only what Misskey reads, and the same again, whatever is changed in an activity', () => {
    let taken = 0;
    fc.assert(fc.property(changed, (value) => {
      if (checkCopy(value)) taken++;
    }), { numRuns: 3_000 });
    // Otherwise the property says nothing.
    expect(taken).toBeGreaterThan(500);
  });

  it('stand whatever is nested, however deeply', () => {
    let deep: JsonValue = 'x';
    for (let depth = 0; depth < 20_000; depth++) deep = depth % 2 === 0 ? [deep] : { object: deep };
    for (const name of ['object', 'x', 'to', '@context', 'signature', 'actor', 'items']) {
      const result = read({ ...samples[0], [name]: deep });
      expect(result.ok).toBe(false);
      nestedHosts({ [name]: deep });
    }
  });

  it('take a time that grows with the size', () => {
    const alice = `https://${peer}/users/alice`;
    const create = (object: object, more: object = {}): JsonObject => plain({ type: 'Create', id: `https://${peer}/1`, actor: alice, object: { id: `https://${peer}/n`, type: 'Note', attributedTo: alice, ...object }, ...more });
    const list = <T>(count: number, item: (at: number) => T): readonly T[] => Array.from({ length: count }, (_, at) => item(at));
    // Each some 64 KiB, or as many as the limits let through.
    const worst: readonly JsonObject[] = [
      create({ cc: list(512, (at) => `https://R.example/${at}`) }, { to: list(512, (at) => `https://R.example/${at}`) }),
      create({}, { '@context': [...list(8, (at) => ({ p: `urn:${at}:` })), Object.fromEntries(list(490, (at) => [`t${at}`, `p:${at}`]))], signature: { type: 'RsaSignature2017' } }),
      create({}, { '@context': Object.fromEntries(list(2_000, (at) => [`t${at}`, `t${at + 1}:x`])) }),
      create({ attributedTo: list(2_500, (at) => `https://R.example/${at}`) }),
      create({ x: list(4_000, (at) => ({ [`k:${at}`]: 1 })) }, { signature: {} }),
      plain({ type: 'Flag', id: `https://${peer}/1`, actor: alice, object: list(512, (at) => `https://V.example/${at}`) }),
      plain({ type: 'Delete', id: `https://${peer}/1`, actor: alice, object: 'https://v.example/1', cc: list(2_500, (at) => `https://V.example/${at}`) }),
      plain({ type: 'Collection', id: `https://${peer}/1`, actor: alice, items: list(255, (at) => ({ id: `https://R.example/${at}`, type: 'Like', actor: alice, object: `https://V.example/${at}` })) }),
    ];
    const times = worst.map((value) => Math.min(...list(5, () => cpuMsOf(() => void read(value)))));
    // 3 ms at most where it was measured.
    for (const ms of times) expect(ms).toBeLessThan(25);
  });
});
