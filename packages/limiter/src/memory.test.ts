import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BoundLog } from './bound-log.ts';
import { CONFORMANCE, type MakeSubject, freshBucket, levelOf } from './conformance.ts';
import { MemoryLimiter } from './memory.ts';
import { type BucketSpec, refundOf } from './port.ts';

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

type Shape = { readonly capacityMs: number; readonly emissionUs: number };
type Step = { readonly dtUs: number; readonly op: string; readonly cost: number; readonly used: number; readonly which: number };

/** One limiter, driven step by step beside the bookkeeping of the bound. */
class BoundRun {
  readonly seen = { debts: 0, late: 0, repriced: 0 };
  readonly #open: string[] = [];
  readonly #limiter = new MemoryLimiter({ nowMs: () => (this.#nowUs + 0.5) / 1000, chargeTtlMs: TTL_MS, debitMaxMs: DEBIT_MAX_MS });
  readonly #specs: readonly BucketSpec[];
  readonly #log: BoundLog;
  #nowUs = 1_000_000;

  constructor(shapes: readonly Shape[]) {
    this.#specs = shapes.map(({ capacityMs, emissionUs }, at) => ({
      key: String(at), capacityMs, refillMsPerSecond: 1_000_000 / (emissionUs - 0.5),
    }));
    this.#log = new BoundLog(shapes, { debitMaxMs: DEBIT_MAX_MS, ttlUs: TTL_MS * 1000 });
  }

  async step(step: Step): Promise<void> {
    this.#nowUs += step.dtUs;
    if (step.op === 'charge') return await this.#charge(step.cost);
    const id = this.#open[step.which % Math.max(1, this.#open.length)];
    if (id === undefined) return;
    if (step.op === 'reprice') return await this.#reprice(id, step.cost);
    this.#open.splice(this.#open.indexOf(id), 1);
    if (step.op === 'settle') await this.#settle(id, step.used);
    this.#log.ended(id);
  }

  async #charge(cost: number): Promise<void> {
    const verdict = await this.#limiter.charge(this.#specs, cost);
    if (!verdict.ok) return;
    this.#open.push(verdict.id);
    this.#log.admitted(verdict.id, this.#nowUs, cost);
  }

  async #reprice(id: string, cost: number): Promise<void> {
    const before = this.#log.cost(id);
    if ((await this.#limiter.reprice(id, cost)) !== 'ok') return;
    this.seen.repriced += 1;
    if (cost > before) this.#log.admitted(id, this.#nowUs, cost - before);
    else this.#log.changed(id, this.#nowUs, before - cost);
  }

  async #settle(id: string, used: number): Promise<void> {
    const refund = refundOf(this.#log.cost(id), used, DEBIT_MAX_MS);
    if ((await this.#limiter.settle(id, used)) === 'again') {
      this.seen.late += 1;
      return;
    }
    if (refund < 0) this.seen.debts += 1;
    this.#log.changed(id, this.#nowUs, refund);
  }
}

describe('bound', () => {
  it('holds for every window with refunds, new prices, debts and abandoned charges', async () => {
    const seen = { debts: 0, late: 0, repriced: 0 };
    const shapesArb = fc.array(bucketArb, { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(shapesArb, fc.array(stepArb, { minLength: 1, maxLength: 60 }), async (shapes, steps) => {
        const run = new BoundRun(shapes);
        for (const step of steps) await run.step(step);
        seen.debts += run.seen.debts;
        seen.late += run.seen.late;
        seen.repriced += run.seen.repriced;
      }),
      { numRuns: 3_000 },
    );
    // The runs are only worth something when they met what they are about.
    expect(Math.min(seen.debts, seen.late, seen.repriced)).toBeGreaterThan(100);
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
