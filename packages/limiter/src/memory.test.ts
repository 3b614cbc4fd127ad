import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BoundLog } from './bound-log.ts';
import { CONFORMANCE, type MakeSubject, freshBucket, levelOf } from './conformance.ts';
import { MemoryLimiter } from './memory.ts';
import { refundOf } from './port.ts';

const make: MakeSubject = (options) => {
  let nowMs = 1_000;
  const limiter = new MemoryLimiter({ ...options, nowMs: () => nowMs });
  return {
    limiter,
    advance: async (ms) => {
      nowMs += ms;
    },
  };
};

describe('MemoryLimiter', () => {
  it.each(CONFORMANCE.map((row) => [row.name, row] as const))('%s', async (_name, row) => {
    await row.run(make);
  });
});

const TTL_MS = 100;
const DEBIT_MAX_MS = 40;
const bucketArb = fc.record({ capacityMs: fc.integer({ min: 60, max: 200 }), emissionUs: fc.integer({ min: 100, max: 3_000 }) });
const stepArb = fc.record({
  dtUs: fc.oneof(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 0, max: 250_000 })),
  op: fc.constantFrom('charge', 'charge', 'reprice', 'settle', 'settle', 'abandon'),
  cost: fc.integer({ min: 1, max: 80 }),
  used: fc.oneof(fc.integer({ min: -5, max: 150 }), fc.constant(Number.NaN)),
  which: fc.nat({ max: 20 }),
});

describe('bound', () => {
  it('holds for every window with refunds, new prices, debts and abandoned charges', async () => {
    let settledLate = 0;
    let debts = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(bucketArb, { minLength: 1, maxLength: 4 }),
        fc.array(stepArb, { minLength: 1, maxLength: 60 }),
        async (shapes, steps) => {
          let nowUs = 1_000_000;
          const limiter = new MemoryLimiter({ nowMs: () => (nowUs + 0.5) / 1000, chargeTtlMs: TTL_MS, debitMaxMs: DEBIT_MAX_MS });
          const specs = shapes.map(({ capacityMs, emissionUs }, at) => ({
            key: String(at), capacityMs, refillMsPerSecond: 1_000_000 / (emissionUs - 0.5),
          }));
          const log = new BoundLog(shapes, { debitMaxMs: DEBIT_MAX_MS, ttlUs: TTL_MS * 1000 });
          const open: string[] = [];
          for (const step of steps) {
            nowUs += step.dtUs;
            if (step.op === 'charge') {
              const verdict = await limiter.charge(specs, step.cost);
              if (!verdict.ok) continue;
              open.push(verdict.id);
              log.admitted(verdict.id, nowUs, step.cost);
              continue;
            }
            const id = open[step.which % Math.max(1, open.length)];
            if (id === undefined) continue;
            if (step.op === 'reprice') {
              const before = log.cost(id);
              if ((await limiter.reprice(id, step.cost)) !== 'ok') continue;
              if (step.cost > before) log.admitted(id, nowUs, step.cost - before);
              else log.changed(id, nowUs, before - step.cost);
              continue;
            }
            open.splice(open.indexOf(id), 1);
            if (step.op === 'settle') {
              const refund = refundOf(log.cost(id), step.used, DEBIT_MAX_MS);
              const first = (await limiter.settle(id, step.used)) === 'first';
              if (first) log.changed(id, nowUs, refund);
              settledLate += first ? 0 : 1;
              debts += first && refund < 0 ? 1 : 0;
            }
            log.ended(id);
          }
        },
      ),
      { numRuns: 3_000 },
    );
    // The run is only worth something when it met what it is about.
    expect(debts).toBeGreaterThan(100);
    expect(settledLate).toBeGreaterThan(100);
  });
});

describe('table', () => {
  const tiny = (keysMax: number): { limiter: MemoryLimiter; advance: (ms: number) => void } => {
    let nowMs = 0;
    const limiter = new MemoryLimiter({ keysMax, nowMs: () => nowMs });
    return { limiter, advance: (ms) => { nowMs += ms; } };
  };

  it('refuses new keys when it is full of live ones, serves the known ones, and takes new ones when they have drained', () => {
    const { limiter, advance } = tiny(100);
    const specs = Array.from({ length: 100 }, () => freshBucket(10, 1));
    for (const spec of specs) expect(limiter.take([spec], 2)).toEqual({ ok: true });
    const fresh = freshBucket(10, 1);
    expect(limiter.take([fresh], 1)).toMatchObject({ ok: false, bucket: 0 });
    expect(limiter.take([specs[50]!], 1)).toEqual({ ok: true });
    expect(limiter.size).toBe(100);
    advance(2_000);
    expect(limiter.take([fresh], 1)).toEqual({ ok: true });
    expect(limiter.size).toBeLessThanOrEqual(100);
  });

  it('leaves no half charge behind when only some of the keys fit', async () => {
    const { limiter } = tiny(3);
    limiter.take([freshBucket(10)], 5);
    limiter.take([freshBucket(10)], 5);
    const [known, other] = [freshBucket(10), freshBucket(10)];
    expect(await limiter.charge([known, other], 5)).toMatchObject({ ok: false });
    expect(await levelOf(limiter, known)).toBe(0);
    expect(await limiter.charge([known], 5)).toMatchObject({ ok: true });
  });

  it('bounds the open charges', async () => {
    const { limiter, advance } = tiny(10);
    const spec = freshBucket(1_000);
    for (let at = 0; at < 10; at += 1) expect(await limiter.charge([spec], 1)).toMatchObject({ ok: true });
    expect(await limiter.charge([spec], 1)).toMatchObject({ ok: false });
    advance(60_001);
    expect(await limiter.charge([spec], 1)).toMatchObject({ ok: true });
  });

  it('drops a bucket at its end: nothing is kept for those who are gone', () => {
    const { limiter } = tiny(10);
    expect(limiter.size).toBe(0);
    limiter.take([freshBucket(10)], 1);
    expect(limiter.size).toBe(1);
  });
});
