import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stateKeys } from '@sekisho/contracts';
import type { ReadActivity } from '@sekisho/inbox-policy';
import { type TestRedis, startRedis } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import type { Redis } from 'ioredis';
import { createFirstSeen } from './first-seen.ts';

let server: TestRedis;
let redis: Redis;
let nowMs = 1_800_000_000_000;
const clock = { now: () => nowMs, monotonicMs: () => nowMs, sleep: async () => undefined };
beforeAll(async () => {
  server = await startRedis();
  redis = server.client({ enableOfflineQueue: false, maxRetriesPerRequest: 0 });
  await until(() => redis.status === 'ready');
});
afterAll(async () => {
  await server.stop();
});
const by = (name: string): ReadActivity => ({
  ok: true, type: 'Like', id: 'https://p.example/1', actor: `https://p.example/${name}`, actorHost: 'p.example', objectType: undefined, object: undefined, hosts: new Set(), forwarded: false, visibility: 'unknown', value: {},
});

describe('createFirstSeen()', () => {
  it('is 0 for the unknown, and counts from what was taken', async () => {
    const seen = createFirstSeen(redis, clock);
    const first = by('a');
    expect(await seen.ages(first)).toEqual({ actorAgeS: 0, hostAgeS: 0 });
    seen.saw(first);
    await until(async () => (await redis.dbsize()) === 2);
    nowMs += 90_000;
    expect(await seen.ages(by('a'))).toEqual({ actorAgeS: 90, hostAgeS: 90 });
    expect(await seen.ages(by('b'))).toEqual({ actorAgeS: 0, hostAgeS: 90 });
    expect(await redis.dbsize()).toBe(2);
  });

  it('keeps the first time, whoever is seen again, and holds no names', async () => {
    const seen = createFirstSeen(redis, clock);
    const [one, two] = [by('c'), by('c')];
    await Promise.all([seen.ages(one), seen.ages(two)]);
    seen.saw(one);
    await until(async () => (await redis.dbsize()) === 3);
    nowMs += 1_000;
    seen.saw(two);
    createFirstSeen(redis, clock).saw(two);
    nowMs += 1_000;
    await until(async () => (await seen.ages(by('c')))?.actorAgeS === 2);
    const keys = await redis.keys(stateKeys.inboxFirst('*'));
    expect(keys.join('')).not.toContain('p.example');
    expect(await redis.pttl(keys[0] ?? '')).toBeGreaterThan(29 * 86_400_000);
  });

  it('takes in no more than its rate after a burst, so that a flood of made-up actors fills nothing', async () => {
    await redis.flushall();
    const seen = createFirstSeen(redis, clock);
    for (let from = 0; from < 51_000; from += 1_000) {
      for (let at = 0; at < 1_000; at += 1) seen.saw(by(`flood-${from + at}`));
      await redis.ping();
    }
    await until(async () => (await redis.dbsize()) === 50_000);
    expect(await redis.dbsize()).toBeLessThanOrEqual(50_000);
    nowMs += 3_600_000;
    const before = await redis.dbsize();
    for (let at = 0; at < 1_600; at += 1) seen.saw(by(`later-${at}`));
    await until(async () => (await redis.dbsize()) - before >= 1_500);
    await redis.ping();
    expect((await redis.dbsize()) - before).toBeLessThanOrEqual(1_501);
  }, 60_000);

  it('says nothing while Redis is away', async () => {
    const seen = createFirstSeen(redis, clock);
    await server.crash();
    const activity = by('z');
    expect(await seen.ages(activity)).toBeUndefined();
    seen.saw(activity);
  });
});
