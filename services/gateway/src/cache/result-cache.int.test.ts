import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { stateKeys } from '@sekisho/contracts';
import { type TestRedis, startRedis } from '@sekisho/testkit';
import type { Redis } from 'ioredis';
import { until } from '@sekisho/testkit/until';
import type { Picture, Refusal } from '../media/types.ts';
import { type PurgeListener, listenForPurges } from '../purge/listener.ts';
import { purge } from '../purge/purge.ts';
import { encodeEntry, placeOf } from './entry.ts';
import { type CacheEvent, ResultCache, type ResultCacheOptions } from './result-cache.ts';

const secret = Buffer.alloc(32, 7);
const url = 'https://a.origin.example/x';
const key = 'k'.repeat(43);
const bodyOf = (bytes: number): Picture => ({
  kind: 'picture', type: 'image/webp', body: Buffer.alloc(bytes, 1), etag: '"e"', width: 1, height: 1, frames: 1, framesCapped: false, fileName: undefined,
});
const picture = bodyOf(100);
const refusal: Refusal = { kind: 'refusal', code: 'SEKISHO_UPSTREAM_STATUS', upstreamStatus: 404, retryAfterS: undefined };
const now = (): number => performance.now();

let server: TestRedis;
let redis: Redis;
beforeAll(async () => void (server = await startRedis()));
afterAll(async () => await server.stop());
beforeEach(async () => {
  redis = server.client();
  await redis.flushall();
});

function cacheOn(options: Partial<ResultCacheOptions> = {}) {
  const events: CacheEvent[] = [];
  const cache = new ResultCache({
    redis, secret, memoryBytes: 1024 * 1024, redisBytes: 1024 * 1024, count: (event) => void events.push(event), ...options,
  });
  return { cache, events };
}
/** A second replica: sees what the first one left in Redis. */
const other = (options: Partial<ResultCacheOptions> = {}) => cacheOn(options);

describe('ResultCache over Redis', () => {
  it('shares a picture between replicas and then serves it from memory', async () => {
    await cacheOn().cache.put(key, picture, { url, beganMs: now() });
    const { cache, events } = other();
    expect(cache.getLocal(key)).toBeUndefined();
    expect(await cache.get(key)).toEqual(picture);
    expect(cache.getLocal(key)).toEqual(picture);
    expect(events).toEqual(['redis_hit', 'memory_hit']);
    expect(await redis.pttl(stateKeys.cache(key))).toBeGreaterThan(23 * 3_600_000);
  });

  it('keeps a refusal for a minute, and none of a request that came through a proxy', async () => {
    const { cache } = cacheOn();
    await cache.putNegative(key, refusal, { url, beganMs: now(), inboundVia: true });
    await cache.putNegative('l'.repeat(43), { ...refusal, upstreamStatus: 429 }, { url, beganMs: now(), inboundVia: false });
    expect(await redis.keys('*')).toEqual([]);
    await cache.putNegative(key, refusal, { url, beganMs: now(), inboundVia: false });
    expect(await other().cache.get(key)).toEqual(refusal);
    const ttl = await redis.pttl(stateKeys.cache(key));
    expect(ttl).toBeGreaterThan(50_000);
    expect(ttl).toBeLessThanOrEqual(60_000);
  });

  it('treats what does not verify as a miss, and removes it', async () => {
    const { cache } = cacheOn();
    await cache.put(key, picture, { url, beganMs: now() });
    const honest = await redis.getBuffer(stateKeys.cache(key));
    if (honest === null) throw new Error('no value');
    const forged = Buffer.from(honest);
    forged.writeUInt8(forged.readUInt8(forged.length - 1) ^ 1, forged.length - 1);
    const moved = 'm'.repeat(43);
    await redis.mset(stateKeys.cache(key), forged, stateKeys.cache(moved), honest);
    const { cache: reader, events } = other();
    expect([await reader.get(key), await reader.get(moved)]).toEqual([undefined, undefined]);
    expect(events).toEqual(['tampered', 'tampered']);
    await redis.ping();
    expect(await redis.exists(stateKeys.cache(key), stateKeys.cache(moved))).toBe(0);
    // Positive control: the honest value is read.
    await redis.set(stateKeys.cache(key), honest);
    expect(await other().cache.get(key)).toEqual(picture);
  });

  it('does not believe a verified entry past its end', async () => {
    const stored = { entry: picture, ...placeOf(url), expiresAtMs: Date.now() - 1 };
    await redis.set(stateKeys.cache(key), encodeEntry(secret, key, stored));
    expect(await other().cache.get(key)).toBeUndefined();
  });

  it('reads a key once for all who wait, each with its own signal', async () => {
    await cacheOn().cache.put(key, picture, { url, beganMs: now() });
    const { cache, events } = other();
    const leaver = new AbortController();
    const waiting = Array.from({ length: 20 }, async (_, at) => await cache.get(key, at === 0 ? leaver.signal : undefined));
    leaver.abort();
    const answers = await Promise.all(waiting);
    expect(answers[0]).toBeUndefined();
    expect(answers.slice(1).every((answer) => answer?.kind === 'picture')).toBe(true);
    expect(events).toEqual(['redis_hit']);
  });

  it('stays within its bytes, oldest use out first', async () => {
    const { cache, events } = cacheOn({ redisBytes: 40_000 });
    for (let at = 0; at < 30; at++) {
      await cache.put(`${at}`.padStart(43, 'k'), bodyOf(2_000), { url: `https://a.origin.example/${at}`, beganMs: now() });
      const values = await Promise.all((await redis.keys(stateKeys.cache('*'))).map(async (name) => await redis.strlen(name)));
      const used = Number(await redis.get(stateKeys.cacheBytes));
      expect(used).toBeLessThanOrEqual(40_000);
      expect(used).toBe(values.reduce((sum, bytes) => sum + bytes + 1_024, 0));
    }
    expect(await redis.exists(stateKeys.cache('29'.padStart(43, 'k')))).toBe(1);
    expect(await redis.exists(stateKeys.cache('0'.padStart(43, 'k')))).toBe(0);
    expect(await redis.zcard(stateKeys.cacheUse)).toBe(await redis.hlen(stateKeys.cacheSizes));
    await cache.put(key, bodyOf(45_000), { url, beganMs: now() });
    expect(events.at(-1)).toBe('no_room');
    // Lists of what is gone are gone too.
    expect(await redis.exists(stateKeys.cacheIndex(placeOf('https://a.origin.example/0').urlHash))).toBe(0);
  });

  it('rather keeps nothing than exceeds its bytes where one call may not evict enough', async () => {
    const { cache, events } = cacheOn({ redisBytes: 500_000 });
    const small = bodyOf(0);
    for (let at = 0; at < 400; at++) await cache.put(`${at}`.padStart(43, 'k'), small, { url: `https://a.origin.example/${at}`, beganMs: now() });
    expect(await cache.put(key, bodyOf(480_000), { url, beganMs: now() })).toBe(false);
    expect(events.at(-1)).toBe('no_room');
    expect(Number(await redis.get(stateKeys.cacheBytes))).toBeLessThanOrEqual(500_000);
    // What was evicted meanwhile makes room for the next attempt.
    expect(await cache.put(key, bodyOf(480_000), { url, beganMs: now() })).toBe(true);
    expect(events.at(-1)).toBe('stored');
    expect(Number(await redis.get(stateKeys.cacheBytes))).toBeLessThanOrEqual(500_000);
  });

  it('counts a replaced entry once and forgets expired ones', async () => {
    const { cache } = cacheOn();
    for (let at = 0; at < 3; at++) await cache.put(key, picture, { url, beganMs: now() });
    const once = Number(await redis.get(stateKeys.cacheBytes));
    expect(once).toBeLessThan(2_000);
    await redis.del(stateKeys.cache(key));
    await redis.zadd(stateKeys.cacheExpiry, 1, key);
    await cache.put('l'.repeat(43), picture, { url, beganMs: now() });
    expect(Number(await redis.get(stateKeys.cacheBytes))).toBe(once);
    expect(await redis.smembers(stateKeys.cacheIndex(placeOf(url).urlHash))).toEqual(['l'.repeat(43)]);
  });
});

describe('purge()', () => {
  const listeners: PurgeListener[] = [];
  const replica = async () => {
    const made = cacheOn({ redis: server.client() });
    const listener = listenForPurges(server.client(), [made.cache]);
    listeners.push(listener);
    await listener.ready;
    return { ...made, began: now() + 1 };
  };
  afterEach(() => {
    for (const listener of listeners.splice(0)) listener.close();
  });
  const modes = ['a', 'b', 'c'].map((letter) => letter.repeat(43));

  async function filled() {
    const [first, second] = [await replica(), await replica()];
    await delay(5);
    for (const mode of modes) await first.cache.put(mode, picture, { url, beganMs: now() });
    await first.cache.put(key, picture, { url: 'https://a.origin.example/y', beganMs: now() });
    await first.cache.put('z'.repeat(43), picture, { url: 'https://b.origin.example/x', beganMs: now() });
    await first.cache.list('s'.repeat(43), url);
    await redis.set(stateKeys.stream('s'.repeat(43)), 'description');
    for (const mode of [...modes, key]) expect(await second.cache.get(mode)).toBeDefined();
    return { first, second };
  }

  it('takes a URL in all modes out of Redis and of two replicas, and nothing else', async () => {
    const { first, second } = await filled();
    const report = await purge(redis, { urls: [url], hosts: [] });
    expect(report).toMatchObject({ entries: 3, streams: 1, gateways: 2 });
    await until(() => modes.every((mode) => first.cache.getLocal(mode) === undefined && second.cache.getLocal(mode) === undefined));
    for (const mode of modes) expect(await second.cache.get(mode)).toBeUndefined();
    expect(second.cache.getLocal(key)).toBeDefined();
    expect(await redis.exists(stateKeys.stream('s'.repeat(43)))).toBe(0);
    expect(await redis.exists(stateKeys.cache(key))).toBe(1);
  });

  it('takes a whole host', async () => {
    const { first, second } = await filled();
    expect(await purge(redis, { urls: [], hosts: ['a.origin.example'] })).toMatchObject({ entries: 4, streams: 1 });
    await until(() => first.cache.getLocal(key) === undefined && second.cache.getLocal(key) === undefined);
    expect(first.cache.getLocal('z'.repeat(43))).toBeDefined();
    expect(Number(await redis.get(stateKeys.cacheBytes))).toBe((await redis.strlen(stateKeys.cache('z'.repeat(43)))) + 1_024);
  });

  it('wins against work that was in flight, in memory and in Redis', async () => {
    const { cache, events, began } = await replica();
    await delay(5);
    await purge(redis, { urls: [url], hosts: [] });
    await until(() => cache.isOvertaken({ url, beganMs: began }));
    // Its own knowledge is enough, should Redis have lost the mark.
    const mark = stateKeys.cachePurged(placeOf(url).urlHash);
    const markedAt = await redis.getdel(mark);
    await cache.put(key, picture, { url, beganMs: began });
    expect(cache.getLocal(key)).toBeUndefined();
    expect(events).toContain('overtaken');
    expect(await redis.exists(stateKeys.cache(key))).toBe(0);
    await redis.set(mark, markedAt ?? '');
    // A replica that has not heard of it is told by Redis.
    const deaf = cacheOn();
    await deaf.cache.put(key, picture, { url, beganMs: now() - 1_000 });
    expect(deaf.cache.getLocal(key)).toBeUndefined();
    expect(deaf.events).toEqual(['overtaken']);
    expect(await redis.exists(stateKeys.cache(key))).toBe(0);
    // Positive control: another URL of the same age is kept.
    await deaf.cache.put(key, picture, { url: `${url}y`, beganMs: now() - 1_000 });
    expect(await redis.exists(stateKeys.cache(key))).toBe(1);
  });

  it('drops everything on a message that is none', async () => {
    const { cache } = await replica();
    await delay(5);
    await cache.put(key, picture, { url, beganMs: now() });
    await redis.publish(stateKeys.purge, '{"v":2}');
    await until(() => cache.getLocal(key) === undefined);
  });
});

describe('ResultCache without Redis', () => {
  it('misses at once, serves its memory, and recovers by itself', async () => {
    const own = await startRedis();
    try {
      const { cache, events } = cacheOn({ redis: own.client({ retryStrategy: () => 50 }) });
      await cache.put(key, picture, { url, beganMs: now() });
      const listener = listenForPurges(own.client({ retryStrategy: () => 50 }), [cache]);
      await listener.ready;
      await delay(5);
      await cache.put(key, picture, { url, beganMs: now() });
      await own.crash();
      expect(cache.getLocal(key)).toEqual(picture);
      const startedAt = now();
      expect(await cache.get('l'.repeat(43))).toBeUndefined();
      await cache.put('m'.repeat(43), picture, { url, beganMs: now() });
      expect(now() - startedAt).toBeLessThan(5_000);
      expect(cache.getLocal('m'.repeat(43))).toEqual(picture);
      await own.restart();
      // The subscription was away: what this process holds could have been purged meanwhile.
      for (let tries = 0; tries < 500 && cache.getLocal(key) !== undefined; tries++) await delay(10);
      expect(cache.getLocal(key)).toBeUndefined();
      events.length = 0;
      for (let tries = 0; tries < 500 && !events.includes('stored'); tries++) {
        await cache.put(key, picture, { url, beganMs: now() });
        await delay(10);
      }
      expect(events).toContain('stored');
      listener.close();
    } finally {
      await own.stop();
    }
  });

  it('waits 250 ms for a server that hangs, not longer', async () => {
    const slow = server.client();
    await slow.ping();
    await redis.call('CLIENT', 'PAUSE', '1500', 'ALL');
    const { cache, events } = cacheOn({ redis: slow });
    const startedAt = now();
    expect(await cache.get(key)).toBeUndefined();
    expect(now() - startedAt).toBeLessThan(1_400);
    expect(events).toEqual(['redis_timeout']);
    await redis.ping();
  });
});
