// Redis killed and started again under the limiter.
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type TestRedis, startRedis } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { freshBucket } from './conformance.ts';
import { createFallbackLimiter } from './fallback.ts';
import { Guard } from './guard.ts';
import { MemoryLimiter } from './memory.ts';
import { BatchedMeter } from './meter.ts';
import { RedisLimiter } from './redis.ts';

let server: TestRedis;
beforeEach(async () => {
  server = await startRedis();
});
afterEach(async () => {
  await server.stop();
});

// With and without an offline queue: an outage is a fault at once, or a call that hangs.
describe.each([true, false])('outage with enableOfflineQueue %s', (enableOfflineQueue) => {
  const setUp = async () => {
    const client = server.client({ enableOfflineQueue, maxRetriesPerRequest: enableOfflineQueue ? null : 0 });
    await until(() => client.status === 'ready');
    const redis = new RedisLimiter({ redis: client });
    const guard = new Guard({ deadlineMs: 150, openMs: 100 });
    const local = new MemoryLimiter();
    const meter = new BatchedMeter({ port: redis, guard, local, flushMs: 20 });
    return { guard, meter, limiter: createFallbackLimiter({ redis, local, guard }) };
  };

  it('closes dear work, serves cheap work from an eighth, and recovers by itself', async () => {
    const { guard, limiter, meter } = await setUp();
    const bucket = freshBucket(80);
    // On a busy machine a Redis that is up can miss the guard's deadline; what is tested begins with one that does not.
    const charge = async (): ReturnType<typeof limiter.charge> => await limiter.charge([bucket], 5, { whenDown: 'closed' });
    let held = await charge();
    await until(async () => {
      if (!held.ok) held = await charge();
      return held.ok && !held.degraded;
    });
    await server.crash();

    const beganMs = performance.now();
    for (let at = 0; at < 20; at += 1) {
      expect(await limiter.charge([bucket], 1, { whenDown: 'closed' })).toMatchObject({ ok: false, bucket: -1, degraded: true });
    }
    expect(performance.now() - beganMs).toBeLessThan(2_000);
    expect(await limiter.settle(held.ok ? held.id : '', 0)).toBe('again');
    expect(await limiter.charge([bucket], 5, { whenDown: 'local' })).toMatchObject({ ok: true, degraded: true });
    // The meter and the limiter share the eighth.
    if (guard.state !== 'closed') expect(meter.tick([bucket], 6)).toMatchObject({ ok: false });

    await server.restart();
    await until(async () => {
      const verdict = await limiter.charge([freshBucket(80)], 1, { whenDown: 'closed' });
      return verdict.ok && !verdict.degraded;
    });
    expect(guard.state).toBe('closed');
    // The charge went with the old Redis: it cannot be settled into the new one.
    expect(await limiter.reprice(held.ok ? held.id : '', 9)).toBe('gone');
    expect(await limiter.settle(held.ok ? held.id : '', 0)).toBe('again');
    await meter.close();
  });

  it('counts on while only cheap outcomes come in, and finds Redis again', async () => {
    const { guard, meter } = await setUp();
    const bucket = freshBucket(80_000, 1_000);
    expect(meter.tick([bucket], 1)).toEqual({ ok: true });
    await server.crash();
    await until(() => {
      meter.tick([bucket], 1);
      return guard.state === 'open';
    });
    expect(meter.tick([bucket], 1)).toEqual({ ok: true });
    await server.restart();
    await until(() => {
      meter.tick([bucket], 1);
      return guard.state === 'closed';
    });
    await meter.close();
  });
});

it('a Redis that hangs costs one deadline a few times, not every request', async () => {
  const admin = server.client();
  const redis = new RedisLimiter({ redis: server.client() });
  const limiter = createFallbackLimiter({ redis, local: new MemoryLimiter(), guard: new Guard({ deadlineMs: 100, openMs: 60_000 }) });
  const bucket = freshBucket(1_000);
  expect(await limiter.charge([bucket], 1, { whenDown: 'closed' })).toMatchObject({ ok: true });
  const pause = admin.call('CLIENT', 'PAUSE', '3000', 'ALL');
  await pause;
  const beganMs = performance.now();
  for (let at = 0; at < 100; at += 1) {
    expect(await limiter.charge([bucket], 1, { whenDown: 'closed' })).toMatchObject({ ok: false, degraded: true });
  }
  expect(performance.now() - beganMs).toBeLessThan(2_500);
});

it('a busy moment of this process is not taken for a Redis that hangs', async () => {
  const redis = new RedisLimiter({ redis: server.client() });
  const guard = new Guard({ deadlineMs: 100, failuresMax: 1, openMs: 60_000 });
  const limiter = createFallbackLimiter({ redis, local: new MemoryLimiter(), guard });
  const bucket = freshBucket(1_000);
  await redis.charge([bucket], 1);
  const charged = limiter.charge([bucket], 1, { whenDown: 'closed' });
  // The command is written before the loop is held up.
  await new Promise(setImmediate);
  const untilMs = performance.now() + 300;
  while (performance.now() < untilMs);
  expect(await charged).toMatchObject({ ok: true, degraded: false });
});

it('a killed holder of charges costs its price, not the bucket', async () => {
  const client = server.client();
  const limiter = new RedisLimiter({ redis: client, chargeTtlMs: 500 });
  const bucket = freshBucket(100, 1_000);
  for (let at = 0; at < 4; at += 1) expect(await limiter.charge([bucket], 25)).toMatchObject({ ok: true });
  expect(await limiter.charge([bucket], 1)).toMatchObject({ ok: false });
  // The holder is gone: nobody settles. Two lives of a charge later all of it has drained.
  await delay(1_300);
  expect(await limiter.charge([bucket], 100)).toMatchObject({ ok: true });
});
