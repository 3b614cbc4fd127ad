import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type TestRedis, startRedis } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import type { Redis } from 'ioredis';
import { createCappedStream } from './capped-stream.ts';

let server: TestRedis;
let redis: Redis;
let lost = 0;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  await server.restart();
  redis = server.client({ enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 500 });
  await until(() => redis.status === 'ready');
  lost = 0;
});
const open = (entriesMax = 1_000, waitingMax = 100) => createCappedStream({ redis, key: 's', entriesMax, waitingMax, onLost: (entries) => { lost += entries; } });

describe('createCappedStream()', () => {
  it('writes in batches, in order', async () => {
    const stream = open();
    for (let at = 0; at < 50; at += 1) stream.add(['n', String(at)]);
    await until(async () => (await redis.xlen('s')) === 50);
    expect((await redis.xrange('s', '-', '+')).map(([, fields]) => fields[1])).toEqual(Array.from({ length: 50 }, (_, at) => String(at)));
  });

  it('goes on after it had nothing left to write', async () => {
    const stream = open();
    for (let turn = 1; turn <= 3; turn += 1) {
      for (let at = 0; at < 17; at += 1) stream.add(['n', '1']);
      await until(async () => (await redis.xlen('s')) === 17 * turn);
      // The timer of the seventeenth comes when there is nothing to write any more.
      await delay(250);
    }
  });

  it('keeps about so many entries', async () => {
    const stream = open(200, 5_000);
    for (let at = 0; at < 2_000; at += 1) stream.add(['n', 'x'.repeat(100)]);
    await stream.close();
    expect(await redis.xlen('s')).toBeLessThan(400);
    expect(await redis.xlen('s')).toBeGreaterThanOrEqual(200);
  });

  it('counts what there is no room for in the process', async () => {
    const stream = open(1_000, 10);
    for (let at = 0; at < 25; at += 1) stream.add(['n', '1']);
    await stream.close();
    expect([await redis.xlen('s'), lost]).toEqual([10, 15]);
  });

  it('counts what Redis did not take, and goes on when it is back', async () => {
    const stream = open();
    await server.crash();
    stream.add(['n', '1']);
    await until(() => lost === 1);
    await server.restart();
    await until(() => redis.status === 'ready');
    stream.add(['n', '2']);
    await until(async () => (await redis.xlen('s').catch(() => 0)) === 1);
  });

  it('writes the rest when it closes', async () => {
    const stream = open();
    stream.add(['n', '1']);
    await stream.close();
    expect(await redis.xlen('s')).toBe(1);
  });
});
