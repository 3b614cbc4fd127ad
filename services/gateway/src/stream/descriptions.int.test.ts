import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stateKeys } from '@sekisho/contracts';
import { type TestRedis, startRedis } from '@sekisho/testkit';
import { createDescriptions } from './descriptions.ts';

const mp4 = { type: 'video/mp4', validator: '"v"', length: 5 };
const plain = { type: 'audio/ogg', validator: undefined, length: undefined };
let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => await redis.stop());

async function eventually<T>(read: () => Promise<T>, isThere: (value: T) => boolean): Promise<T> {
  for (let turn = 0; ; turn += 1) {
    const value = await read();
    if (isThere(value) || turn > 200) return value;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('createDescriptions()', () => {
  it('shares over Redis, forgets everywhere, and lives an hour', async () => {
    const clock = { now: () => 1_000 };
    const one = createDescriptions({ clock, store: redis.client() });
    const two = createDescriptions({ clock, store: redis.client() });
    one.put('a', mp4);
    one.put('b', plain);
    expect(one.local('a')).toEqual(mp4);
    expect(await eventually(() => two.get('a'), (value) => value !== undefined)).toEqual(mp4);
    expect(await eventually(() => two.get('b'), (value) => value !== undefined)).toEqual(plain);
    const ttl = await redis.client().pttl(stateKeys.stream('a'));
    expect(ttl).toBeGreaterThan(3_500_000);
    expect(ttl).toBeLessThanOrEqual(3_600_000);
    one.forget('a');
    const three = createDescriptions({ clock, store: redis.client() });
    expect(await eventually(() => three.get('a'), (value) => value === undefined)).toBeUndefined();
  });

  it.each(['', '{}', '[]', 'null', '{"t":"text/html"}', '{"t":"video/mp4","l":-1}', '{"t":"video/mp4","l":1.5}', '{"t":"video/mp4","x":1}', '{'])(
    'believes nothing that does not fit: %s',
    async (text) => {
      const client = redis.client();
      await client.set(stateKeys.stream('bad'), text);
      expect(await createDescriptions({ clock: { now: () => 0 }, store: client }).get('bad')).toBeUndefined();
    },
  );

  it('counts every fault of Redis as not known, and does not wait for it', async () => {
    const hang = (): Promise<never> => new Promise(() => undefined);
    const hung = createDescriptions({ clock: { now: () => 0 }, store: { get: hang, set: hang, del: hang } });
    hung.put('a', mp4);
    expect(await hung.get('b')).toBeUndefined();
    const fail = async (): Promise<never> => await Promise.reject(new Error('away'));
    const failing = createDescriptions({ clock: { now: () => 0 }, store: { get: fail, set: fail, del: fail } });
    failing.put('a', mp4);
    failing.forget('a');
    expect(await failing.get('a')).toBeUndefined();
  });

  it('is bounded, keeps what is used, and drops what is old', () => {
    let now = 0;
    const kept = createDescriptions({ clock: { now: () => now }, entriesMax: 2 });
    kept.put('a', mp4);
    kept.put('b', mp4);
    kept.local('a');
    kept.put('c', mp4);
    expect([kept.local('a'), kept.local('b'), kept.local('c')]).toEqual([mp4, undefined, mp4]);
    expect(kept.size).toBe(2);
    now = 3_599_999;
    expect(kept.local('a')).toEqual(mp4);
    now = 3_600_000;
    expect(kept.local('a')).toBeUndefined();
    kept.put('d', mp4);
    kept.clear();
    expect(kept.size).toBe(0);
  });
});
