import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stateKeys } from '@sekisho/contracts';
import { type TestRedis, startRedis } from '@sekisho/testkit';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { BoundLog } from './bound-log.ts';
import { CONFORMANCE, type MakeSubject, freshBucket, levelOf } from './conformance.ts';
import { MemoryLimiter } from './memory.ts';
import { refundOf } from './port.ts';
import { RedisLimiter } from './redis.ts';

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await startRedis();
  redis = server.client();
});
afterAll(async () => {
  await server.stop();
});

const make: MakeSubject = (options) => ({
  limiter: new RedisLimiter({ redis, ...options }),
  advance: async (ms) => {
    await delay(ms);
  },
});

describe('RedisLimiter', () => {
  it.each(CONFORMANCE.map((row) => [row.name, row] as const))('%s', async (_name, row) => {
    await row.run(make);
  });

  it('sends its scripts again after a server forgot them', async () => {
    const { limiter } = make({ chargeTtlMs: 60_000 });
    const bucket = freshBucket(10);
    await redis.script('FLUSH');
    const verdict = await limiter.charge([bucket], 3);
    await redis.script('FLUSH');
    expect(await limiter.reprice(verdict.ok ? verdict.id : '', 4)).toBe('ok');
    await redis.script('FLUSH');
    expect(await limiter.settle(verdict.ok ? verdict.id : '', 1)).toBe('first');
    expect(await levelOf(limiter, bucket)).toBe(1);
  });

  it('keeps every key under its hash tag and with an end', async () => {
    const own = await startRedis();
    try {
      const client = own.client();
      const limiter = new RedisLimiter({ redis: client });
      const bucket = freshBucket(100, 1_000);
      const verdict = await limiter.charge([bucket, freshBucket(100, 1_000)], 50);
      await limiter.debit([{ bucket: freshBucket(1_000, 1), costMs: 5 }]);
      const keys = await client.keys('*');
      expect(keys).toHaveLength(4);
      for (const key of keys) {
        expect(key.startsWith(`${stateKeys.limiterPrefix}:`)).toBe(true);
        expect(await client.pttl(key)).toBeGreaterThan(0);
        expect(await client.pttl(key)).toBeLessThanOrEqual(120_000);
      }
      await limiter.settle(verdict.ok ? verdict.id : '', 0);
      expect(await client.keys('*')).toHaveLength(1);
    } finally {
      await own.stop();
    }
  });

  it('does not lock a bucket when the clock of Redis goes back', async () => {
    const { limiter } = make({ chargeTtlMs: 1_000 });
    const bucket = freshBucket(10);
    const future = (Date.now() + 3_600_000) * 1000;
    const kept = Buffer.alloc(32);
    for (const [at, number] of [future, Math.floor(future / 1_000_000), 0, 0].entries()) kept.writeDoubleBE(number, at * 8);
    await redis.set(`${stateKeys.limiterPrefix}:b:${bucket.key}`, kept);
    expect(await limiter.charge([bucket], 1)).toMatchObject({ ok: true });
  });

  it('debits without a question and tells the levels in µs', async () => {
    const { limiter } = make({ chargeTtlMs: 60_000 });
    const port = new RedisLimiter({ redis });
    const [a, b] = [freshBucket(10), freshBucket(10)];
    const rows = [{ bucket: a, costMs: 4 }, { bucket: b, costMs: 25 }, { bucket: freshBucket(10), costMs: 0 }];
    const units = (await port.debit(rows)).map((us) => Math.round(us / 10_000_000));
    expect(units).toEqual([4, 25, 0]);
    expect(await port.debit([])).toEqual([]);
    expect(await levelOf(limiter, b)).toBe(25);
    expect(await limiter.charge([b], 1)).toMatchObject({ ok: false, bucket: 0 });
    await expect(port.debit(Array.from({ length: 201 }, () => rows[0]!))).rejects.toThrow(RangeError);
  });
});

const stepArb = fc.record({
  op: fc.constantFrom('charge', 'charge', 'reprice', 'settle', 'debit'),
  from: fc.nat({ max: 3 }),
  count: fc.integer({ min: 1, max: 4 }),
  cost: fc.integer({ min: 1, max: 60 }),
  used: fc.oneof(fc.integer({ min: -5, max: 120 }), fc.constant(Number.NaN), fc.constant(Number.POSITIVE_INFINITY)),
  which: fc.nat({ max: 10 }),
});

describe('Redis and process', () => {
  it('decide alike, step by step', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(stepArb, { minLength: 1, maxLength: 40 }), async (steps) => {
        const options = { chargeTtlMs: 60_000, debitMaxMs: 30 };
        const forms = [new RedisLimiter({ redis, ...options }), new MemoryLimiter({ ...options, nowMs: () => 1 })] as const;
        const specs = [100, 150, 80, 200].map((capacityMs) => freshBucket(capacityMs));
        const open: (readonly [string, string])[] = [];
        for (const step of steps) {
          const some = specs.slice(step.from, step.from + step.count);
          const pair = open[step.which % Math.max(1, open.length)];
          if (step.op === 'charge') {
            const [left, right] = [await forms[0].charge(some, step.cost), await forms[1].charge(some, step.cost)];
            expect(left.ok).toBe(right.ok);
            if (!left.ok && !right.ok) expect(left.bucket).toBe(right.bucket);
            if (left.ok && right.ok) open.push([left.id, right.id]);
          } else if (step.op === 'debit') {
            const debits = some.map((bucket) => ({ bucket, costMs: step.cost % 5 }));
            const [left, right] = [await forms[0].debit(debits), await forms[1].debit(debits)];
            expect(left.map((us) => Math.round(us / 10_000_000))).toEqual(right.map((us) => Math.round(us / 10_000_000)));
          } else if (pair !== undefined && step.op === 'reprice') {
            expect(await forms[0].reprice(pair[0], step.cost)).toBe(await forms[1].reprice(pair[1], step.cost));
          } else if (pair !== undefined) {
            expect(await forms[0].settle(pair[0], step.used)).toBe(await forms[1].settle(pair[1], step.used));
          }
        }
        for (const spec of specs) expect(await levelOf(forms[0], spec)).toBe(await levelOf(forms[1], spec));
      }),
      { numRuns: 60 },
    );
  });
});

describe('bound', () => {
  it('holds on Redis and its own clock with many charges at once', async () => {
    const shapeArb = fc.record({ capacityMs: fc.integer({ min: 60, max: 200 }), emissionUs: fc.integer({ min: 50, max: 3_000 }) });
    const workArb = fc.record({ cost: fc.integer({ min: 1, max: 60 }), next: fc.integer({ min: 1, max: 90 }), used: fc.integer({ min: -5, max: 120 }), holdMs: fc.integer({ min: 0, max: 15 }) });
    const debitMaxMs = 40;
    await fc.assert(
      fc.asyncProperty(
        fc.array(shapeArb, { minLength: 1, maxLength: 4 }),
        fc.array(workArb, { minLength: 1, maxLength: 40 }),
        async (shapes, works) => {
          const limiter = new RedisLimiter({ redis, chargeTtlMs: 20_000, debitMaxMs });
          const specs = shapes.map(({ capacityMs, emissionUs }) => freshBucket(capacityMs, 1_000_000 / (emissionUs - 0.5)));
          const beganMs = performance.now();
          let paid = 0;
          await Promise.all(works.map(async (work) => {
            const verdict = await limiter.charge(specs, work.cost);
            if (!verdict.ok) return;
            const repriced = await limiter.reprice(verdict.id, work.next);
            if (work.holdMs > 10) await delay(work.holdMs);
            const price = repriced === 'ok' ? work.next : work.cost;
            const ends = [await limiter.settle(verdict.id, work.used), await limiter.settle(verdict.id, 0)];
            expect(ends).toEqual(['first', 'again']);
            // Debts are no admission: what is over the price is left out here and bounded apart.
            paid += Math.min(price, price - refundOf(price, work.used, debitMaxMs));
          }));
          const tookUs = (performance.now() - beganMs) * 1000;
          for (const { capacityMs, emissionUs } of shapes) expect(paid).toBeLessThanOrEqual(capacityMs + tookUs / emissionUs + 1);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('is a check that can fail', () => {
    const log = new BoundLog([{ capacityMs: 10, emissionUs: 1_000 }], { debitMaxMs: 0, ttlUs: 1_000_000 });
    log.admitted('a', 0, 10);
    log.changed('a', 0, 10);
    log.ended('a');
    log.admitted('b', 5, 10);
    expect(() => log.admitted('c', 10, 1)).toThrow();
  });
});
