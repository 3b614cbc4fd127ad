import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { setTimeout as delay } from 'node:timers/promises';
import { BoundLog } from './bound-log.ts';
import { freshBucket, levelOf } from './conformance.ts';
import { Guard } from './guard.ts';
import { MemoryLimiter } from './memory.ts';
import { BatchedMeter, type Hold, type HoldVerdict, type MeterOptions } from './meter.ts';
import { type Debit, DEBIT_MAX_MS, type DebitPort } from './port.ts';

/** Debits go to a limiter in the process, which can be taken away. */
class FlakyPort implements DebitPort {
  readonly inner: MemoryLimiter;
  readonly sizes: number[] = [];
  down = false;
  atOnceMax = 0;
  #atOnce = 0;

  constructor(nowMs: () => number) {
    this.inner = new MemoryLimiter({ nowMs });
  }

  async debit(debits: readonly Debit[]): Promise<readonly number[]> {
    this.sizes.push(debits.length);
    if (this.down) throw new Error('gone');
    this.#atOnce += 1;
    this.atOnceMax = Math.max(this.atOnceMax, this.#atOnce);
    const levels = await this.inner.debit(debits);
    this.#atOnce -= 1;
    return levels;
  }
}

interface Rig {
  readonly port: FlakyPort;
  readonly meter: BatchedMeter;
  readonly another: () => BatchedMeter;
  readonly advance: (ms: number) => void;
}

function setUp(options: Partial<MeterOptions> = {}): Rig {
  let now = 0;
  const nowMs = (): number => now;
  const port = new FlakyPort(nowMs);
  const another = (): BatchedMeter =>
    new BatchedMeter({ port, guard: new Guard({ nowMs, failuresMax: 1 }), local: new MemoryLimiter({ nowMs }), nowMs, flushMs: 60_000, ...options });
  return { port, meter: another(), another, advance: (ms) => { now += ms; } };
}

describe('BatchedMeter', () => {
  it('admits without a round trip and carries the sum in one call', async () => {
    const { meter, port } = setUp();
    const two = [freshBucket(100), freshBucket(200)];
    for (let at = 0; at < 30; at += 1) expect(meter.tick(two, 1)).toEqual({ ok: true });
    expect(port.sizes).toEqual([]);
    await meter.flush();
    expect(port.sizes).toEqual([2]);
    expect(await levelOf(port.inner, two[0]!)).toBe(30);
    await meter.flush();
    expect(await levelOf(port.inner, two[1]!)).toBe(30);
    await meter.close();
  });

  it('refuses in all buckets or none, names the bucket and the wait', async () => {
    const { meter, port } = setUp();
    const two = [freshBucket(100), freshBucket(10)];
    for (let at = 0; at < 10; at += 1) meter.tick(two, 1);
    expect(meter.tick(two, 1)).toMatchObject({ ok: false, bucket: 1, retryAfterMs: 10_000 });
    await meter.close();
    expect(await levelOf(port.inner, two[0]!)).toBe(10);
  });

  it('hears from the answer what others have spent, and of refunds', async () => {
    const { meter, port } = setUp();
    const bucket = freshBucket(100);
    const verdict = await port.inner.charge([bucket], 95);
    expect(meter.tick([bucket], 6)).toEqual({ ok: true });
    await meter.flush();
    expect(meter.tick([bucket], 1)).toMatchObject({ ok: false, bucket: 0 });
    await port.inner.settle(verdict.ok ? verdict.id : '', 0);
    // The refusal asked for the level again.
    await meter.flush();
    expect(meter.tick([bucket], 94)).toEqual({ ok: true });
    await meter.close();
    expect(await levelOf(port.inner, bucket)).toBe(100);
  });

  it('keeps what is counted while a flush is out', async () => {
    const { meter, port } = setUp();
    const bucket = freshBucket(100);
    meter.tick([bucket], 10);
    const flushed = meter.flush();
    meter.tick([bucket], 5);
    await flushed;
    expect(meter.tick([bucket], 86)).toMatchObject({ ok: false });
    expect(meter.tick([bucket], 85)).toEqual({ ok: true });
    await meter.close();
    expect(await levelOf(port.inner, bucket)).toBe(100);
  });

  it('drains in the process as in Redis', async () => {
    const { meter, advance } = setUp();
    const bucket = freshBucket(10, 1_000);
    expect(meter.tick([bucket], 10)).toEqual({ ok: true });
    expect(meter.tick([bucket], 1)).toMatchObject({ ok: false, retryAfterMs: 1 });
    advance(4);
    expect(meter.tick([bucket], 4)).toEqual({ ok: true });
    expect(meter.tick([bucket], 1)).toMatchObject({ ok: false });
    await meter.close();
  });

  it('sends at most 50 keys a call, one call at a time, and 2,000 keys a flush', async () => {
    const { meter, port } = setUp();
    for (let at = 0; at < 2_150; at += 1) meter.tick([freshBucket(10)], 1);
    await meter.close();
    expect(Math.max(...port.sizes)).toBe(50);
    expect(port.atOnceMax).toBe(1);
    expect(port.sizes.reduce((sum, size) => sum + size, 0)).toBe(2_150);
  });

  it('flushes by itself', async () => {
    const { meter, port } = setUp({ flushMs: 5 });
    const bucket = freshBucket(100);
    meter.tick([bucket], 7);
    for (let at = 0; at < 200 && port.sizes.length === 0; at += 1) await delay(5);
    expect(await levelOf(port.inner, bucket)).toBe(7);
    await meter.close();
  });

  it('bounds its keys: refuses new ones while all are live, takes them when they have drained', async () => {
    const { meter, advance } = setUp({ keysMax: 100 });
    for (let at = 0; at < 100; at += 1) expect(meter.tick([freshBucket(10, 1)], 1)).toEqual({ ok: true });
    const late = freshBucket(10, 1);
    expect(meter.tick([late], 1)).toMatchObject({ ok: false, bucket: 0 });
    advance(2_000);
    await meter.flush();
    advance(2_000);
    for (let at = 0; at < 300; at += 1) expect(meter.tick([freshBucket(10, 1)], 1).ok).toBe(at < 100);
    expect(meter.size).toBeLessThanOrEqual(100);
    await meter.close();
  });

  it('gives out an eighth while Redis is away, and comes back by itself', async () => {
    const { meter, port, advance } = setUp();
    const bucket = freshBucket(80);
    port.down = true;
    meter.tick([bucket], 1);
    await meter.flush();
    let admitted = 0;
    for (let at = 0; at < 80; at += 1) admitted += meter.tick([bucket], 1).ok ? 1 : 0;
    expect(admitted).toBe(10);
    port.down = false;
    advance(1_000);
    await meter.flush();
    for (let at = 0; at < 80; at += 1) admitted += meter.tick([bucket], 1).ok ? 1 : 0;
    expect(admitted).toBeGreaterThan(80);
    await meter.close();
  });

  it('takes a changed size of a known bucket', async () => {
    const { meter } = setUp();
    const bucket = freshBucket(10);
    expect(meter.tick([bucket], 10).ok).toBe(true);
    expect(meter.tick([{ ...bucket }], 1).ok).toBe(false);
    expect(meter.tick([{ ...bucket, capacityMs: 11 }], 1).ok).toBe(true);
    await meter.close();
  });

  describe('hold()', () => {
    const held = (verdict: HoldVerdict): Hold => {
      if (!verdict.ok) throw new Error('the hold does not fit');
      return verdict;
    };

    it('holds the price in the process and carries only what was used', async () => {
      const { meter, port } = setUp();
      const two = [freshBucket(100), freshBucket(200)];
      const one = held(meter.hold(two, 60));
      const other = held(meter.hold(two, 40));
      expect(meter.hold(two, 1)).toMatchObject({ ok: false, bucket: 0 });
      expect(meter.tick(two, 1)).toMatchObject({ ok: false, bucket: 0 });
      await meter.flush();
      expect(await levelOf(port.inner, two[0]!)).toBe(0);
      expect(one.settle(5)).toBe('first');
      expect(one.settle(90)).toBe('again');
      expect(other.settle(2.1)).toBe('first');
      await meter.flush();
      for (const bucket of two) expect(await levelOf(port.inner, bucket)).toBe(8);
      expect(meter.tick(two, 92)).toEqual({ ok: true });
      expect(meter.tick(two, 1)).toMatchObject({ ok: false, bucket: 0 });
      await meter.close();
    });

    it('drains nothing of what is held', async () => {
      const { meter, advance } = setUp();
      const bucket = freshBucket(10, 1_000);
      const one = held(meter.hold([bucket], 10));
      advance(1_000);
      expect(meter.tick([bucket], 1)).toMatchObject({ ok: false });
      one.settle(10);
      expect(meter.tick([bucket], 1)).toMatchObject({ ok: false });
      advance(10);
      expect(meter.tick([bucket], 10)).toEqual({ ok: true });
      await meter.close();
    });

    it.each<[string, number, number]>([
      ['the whole price for a number that is none', Number.NaN, 10], ['nothing for less than nothing', -5, 0], ['more than was held, into debt', 15, 15],
      ['at most what a debit may be', 1e9, 10 + DEBIT_MAX_MS],
    ])('pays %s', async (_name, used, paid) => {
      const { meter, port } = setUp();
      const bucket = freshBucket(20);
      held(meter.hold([bucket], 10)).settle(used);
      await meter.close();
      expect(await levelOf(port.inner, bucket)).toBe(paid);
    });

    it('keeps the buckets of open holds when the table is full', async () => {
      const { meter, advance } = setUp({ keysMax: 2 });
      const bucket = freshBucket(10, 1_000);
      const one = held(meter.hold([bucket], 10));
      advance(5_000);
      for (let at = 0; at < 5; at += 1) meter.tick([freshBucket(10, 1)], 1);
      expect(meter.tick([bucket], 1)).toMatchObject({ ok: false });
      one.settle(0);
      expect(meter.tick([bucket], 10)).toEqual({ ok: true });
      await meter.close();
    });

    it('gives back in the process, too, while Redis is away', async () => {
      const { meter, port } = setUp();
      const bucket = freshBucket(80);
      port.down = true;
      meter.tick([bucket], 1);
      await meter.flush();
      const one = held(meter.hold([bucket], 10));
      expect(meter.hold([bucket], 1).ok).toBe(false);
      expect(one.settle(4)).toBe('first');
      expect(one.settle(4)).toBe('again');
      expect(meter.tick([bucket], 6)).toEqual({ ok: true });
      expect(meter.tick([bucket], 1).ok).toBe(false);
      await meter.close();
    });

    it('settles in the process what was held before Redis went away', async () => {
      const { meter, port } = setUp();
      const bucket = freshBucket(100);
      const one = held(meter.hold([bucket], 100));
      port.down = true;
      meter.tick([freshBucket(9)], 1);
      await meter.flush();
      expect(one.settle(1)).toBe('first');
      await meter.close();
    });

    it('keeps the bound in one process, whatever is held and given back', async () => {
      const stepArb = fc.record({ dtMs: fc.integer({ min: 0, max: 300 }), cost: fc.integer({ min: 1, max: 30 }), used: fc.integer({ min: 0, max: 30 }), settles: fc.nat({ max: 5 }), flushes: fc.boolean() });
      await fc.assert(
        fc.asyncProperty(fc.array(stepArb, { minLength: 1, maxLength: 80 }), async (steps) => {
          const { meter, advance } = setUp();
          const bucket = freshBucket(40, 100);
          const log = new BoundLog([{ capacityMs: 40, emissionUs: 10_000 }], { debitMaxMs: 0, ttlUs: Number.MAX_SAFE_INTEGER });
          const open: { readonly id: string; readonly hold: Hold; readonly cost: number }[] = [];
          let nowUs = 0;
          for (const [at, { dtMs, cost, used, settles, flushes }] of steps.entries()) {
            advance(dtMs);
            nowUs += dtMs * 1_000;
            const verdict = meter.hold([bucket], cost);
            if (verdict.ok) {
              open.push({ id: `${at}`, hold: verdict, cost });
              log.admitted(`${at}`, nowUs, cost);
            }
            const [ended] = settles < open.length ? open.splice(settles, 1) : [];
            if (ended !== undefined) {
              ended.hold.settle(Math.min(used, ended.cost));
              log.changed(ended.id, nowUs, Math.max(0, ended.cost - used));
              log.ended(ended.id);
            }
            if (flushes) await meter.flush();
          }
          await meter.close();
        }),
        { numRuns: 500 },
      );
    });
  });

  it('throws for numbers that are none', async () => {
    const { meter } = setUp();
    expect(() => meter.tick([freshBucket(10)], Number.NaN)).toThrow(RangeError);
    expect(() => meter.tick([freshBucket(0)], 1)).toThrow(RangeError);
    await meter.close();
  });

  it('keeps the bound over processes but for what they admit between two flushes', async () => {
    const stepArb = fc.record({ dtMs: fc.integer({ min: 0, max: 30 }), who: fc.nat({ max: 2 }), cost: fc.integer({ min: 1, max: 10 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(stepArb, { minLength: 1, maxLength: 80 }), fc.integer({ min: 1, max: 6 }), async (steps, every) => {
        const rig = setUp();
        const meters = [rig.meter, rig.another(), rig.another()];
        const bucket = freshBucket(40, 100);
        let [elapsedMs, admitted, sinceFlush, overshoot] = [0, 0, 0, 0];
        for (const [at, step] of steps.entries()) {
          rig.advance(step.dtMs);
          elapsedMs += step.dtMs;
          if (meters[step.who]!.tick([bucket], step.cost).ok) {
            admitted += step.cost;
            sinceFlush += step.cost;
          }
          overshoot = Math.max(overshoot, sinceFlush);
          expect(admitted).toBeLessThanOrEqual(40 + elapsedMs / 10 + overshoot * 2 + 0.01);
          if (at % every === 0) {
            for (const meter of meters) await meter.flush();
            // Those that flushed first have not heard of the others yet.
            for (const meter of meters) meter.tick([bucket], 1_000);
            for (const meter of meters) await meter.flush();
            sinceFlush = 0;
          }
        }
        for (const meter of meters) await meter.close();
      }),
      { numRuns: 300 },
    );
  });
});
