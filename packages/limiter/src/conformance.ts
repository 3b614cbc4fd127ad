// What every form of the limiter holds, as cases that a test file runs against its own form: the process with a clock of
// the test's, Redis with its own. For tests only.

import assert from 'node:assert/strict';
import type { BucketSpec, ChargeVerdict, RefundLimiter } from './port.ts';
import { TRANSFORM_ENTRY_MS, transformPrice } from './prices.ts';

export interface ConformanceSubject {
  readonly limiter: RefundLimiter;
  /** Lets time pass. */
  advance(ms: number): Promise<void>;
}

export interface ConformanceOptions {
  readonly chargeTtlMs: number;
  readonly debitMaxMs?: number;
}

export type MakeSubject = (options: ConformanceOptions) => ConformanceSubject;

export interface ConformanceCase {
  readonly name: string;
  run(make: MakeSubject): Promise<void>;
}

let buckets = 0;
/** A bucket nobody used before; by default a unit takes 10 s to come back, so that nothing drains during a case. */
export function freshBucket(capacityMs: number, refillMsPerSecond = 0.1): BucketSpec {
  buckets += 1;
  return { key: `case:${process.pid}:${buckets}`, capacityMs, refillMsPerSecond };
}

/** Level of a slow fresh bucket in units: what never fits is refused with the wait until it would. */
export async function levelOf(limiter: RefundLimiter, bucket: BucketSpec): Promise<number> {
  const verdict = await limiter.charge([bucket], bucket.capacityMs + 1);
  assert.ok(!verdict.ok);
  return Math.round((verdict.retryAfterMs * bucket.refillMsPerSecond) / 1000) - 1;
}

async function charged(limiter: RefundLimiter, specs: readonly BucketSpec[], costMs: number): Promise<string> {
  const verdict = await limiter.charge(specs, costMs);
  assert.ok(verdict.ok, 'the charge fits');
  return verdict.id;
}

const refused = (verdict: ChargeVerdict, bucket: number): void => {
  assert.ok(!verdict.ok, 'the charge does not fit');
  assert.equal(verdict.bucket, bucket);
  assert.ok(verdict.retryAfterMs >= 1 && Number.isSafeInteger(verdict.retryAfterMs));
};

const LONG = { chargeTtlMs: 60_000 };

export const CONFORMANCE: readonly ConformanceCase[] = [
  {
    name: 'charges up to the capacity, not above',
    run: async (make) => {
      const { limiter } = make(LONG);
      const bucket = freshBucket(10);
      await charged(limiter, [bucket], 4);
      refused(await limiter.charge([bucket], 7), 0);
      await charged(limiter, [bucket], 6);
      refused(await limiter.charge([bucket], 1), 0);
    },
  },
  {
    name: 'holds in all buckets or in none, and names the one without room',
    run: async (make) => {
      const { limiter } = make(LONG);
      const four = [freshBucket(40), freshBucket(30), freshBucket(10), freshBucket(20)];
      await charged(limiter, four, 8);
      refused(await limiter.charge(four, 3), 2);
      for (const bucket of four) assert.equal(await levelOf(limiter, bucket), 8);
      await charged(limiter, four, 2);
    },
  },
  {
    name: 'rounds a cost up, to 1 at least',
    run: async (make) => {
      const { limiter } = make(LONG);
      const bucket = freshBucket(10);
      await charged(limiter, [bucket], 0);
      await charged(limiter, [bucket], 1.1);
      assert.equal(await levelOf(limiter, bucket), 3);
    },
  },
  {
    name: 'settles once: what was not used comes back, in all buckets',
    run: async (make) => {
      const { limiter } = make(LONG);
      const two = [freshBucket(20), freshBucket(30)];
      const other = await charged(limiter, two, 2);
      const id = await charged(limiter, two, 10);
      assert.equal(await limiter.settle(id, 3), 'first');
      assert.equal(await limiter.settle(id, 0), 'again');
      for (const bucket of two) assert.equal(await levelOf(limiter, bucket), 5);
      assert.equal(await limiter.settle(other, 2), 'first');
    },
  },
  {
    name: 'settles once under a race',
    run: async (make) => {
      const { limiter } = make(LONG);
      const bucket = freshBucket(20);
      await charged(limiter, [bucket], 5);
      const id = await charged(limiter, [bucket], 5);
      const ends = await Promise.all([0, 0, 0, 0].map((used) => limiter.settle(id, used)));
      assert.equal(ends.filter((end) => end === 'first').length, 1);
      assert.equal(await levelOf(limiter, bucket), 5);
    },
  },
  {
    name: 'takes any number as used',
    run: async (make) => {
      const { limiter } = make({ ...LONG, debitMaxMs: 7 });
      const rows: readonly (readonly [used: number, level: number])[] = [
        [Number.NaN, 5], [Number.NEGATIVE_INFINITY, 5], [-100, 0], [-0, 0], [0.2, 1], [5, 5], [6, 6],
        [12, 12], [13, 12], [Number.POSITIVE_INFINITY, 12], [Number.MAX_VALUE, 12],
      ];
      for (const [used, level] of rows) {
        const bucket = freshBucket(20);
        const first = await charged(limiter, [bucket], 3);
        const id = await charged(limiter, [bucket], 5);
        assert.equal(await limiter.settle(id, used), 'first');
        assert.equal(await levelOf(limiter, bucket), level + 3, `used ${used}`);
        assert.equal(await limiter.settle(first, 3), 'first');
      }
    },
  },
  {
    name: 'debits into debt, which is paid before anything else',
    run: async (make) => {
      const { limiter } = make(LONG);
      const bucket = freshBucket(10);
      const id = await charged(limiter, [bucket], 10);
      assert.equal(await limiter.settle(id, 25), 'first');
      assert.equal(await levelOf(limiter, bucket), 25);
      refused(await limiter.charge([bucket], 1), 0);
    },
  },
  {
    name: 'reprices up and down',
    run: async (make) => {
      const { limiter } = make(LONG);
      const two = [freshBucket(20), freshBucket(40)];
      const id = await charged(limiter, two, 5);
      assert.equal(await limiter.reprice(id, 20), 'ok');
      for (const bucket of two) assert.equal(await levelOf(limiter, bucket), 20);
      assert.equal(await limiter.reprice(id, 2), 'ok');
      for (const bucket of two) assert.equal(await levelOf(limiter, bucket), 2);
      assert.equal(await limiter.reprice(id, 9), 'ok');
      assert.equal(await limiter.settle(id, 1), 'first');
      for (const bucket of two) assert.equal(await levelOf(limiter, bucket), 1);
    },
  },
  {
    name: 'refuses to reprice above the room of any bucket and changes nothing then',
    run: async (make) => {
      const { limiter } = make(LONG);
      const two = [freshBucket(40), freshBucket(20)];
      await charged(limiter, two, 10);
      const id = await charged(limiter, two, 5);
      assert.equal(await limiter.reprice(id, 11), 'refused');
      for (const bucket of two) assert.equal(await levelOf(limiter, bucket), 15);
      assert.equal(await limiter.reprice(id, 10), 'ok');
      assert.equal(await limiter.settle(id, 0), 'first');
      for (const bucket of two) assert.equal(await levelOf(limiter, bucket), 10);
    },
  },
  {
    name: 'reprices down even in debt, up never',
    run: async (make) => {
      const { limiter } = make(LONG);
      const bucket = freshBucket(10);
      const debtor = await charged(limiter, [bucket], 4);
      const id = await charged(limiter, [bucket], 6);
      await limiter.settle(debtor, 30);
      assert.equal(await limiter.reprice(id, 7), 'refused');
      assert.equal(await limiter.reprice(id, 1), 'ok');
      assert.equal(await levelOf(limiter, bucket), 31);
    },
  },
  {
    name: 'knows neither a settled charge nor an id of others',
    run: async (make) => {
      const { limiter } = make(LONG);
      const id = await charged(limiter, [freshBucket(10)], 5);
      assert.match(id, /^[\w-]{22}$/);
      await limiter.settle(id, 5);
      for (const unknown of [id, 'A'.repeat(22), '', 'x y', '*'.repeat(500)]) {
        assert.equal(await limiter.reprice(unknown, 1), 'gone');
        assert.equal(await limiter.settle(unknown, 0), 'again');
      }
    },
  },
  {
    name: 'throws for arguments that are none',
    run: async (make) => {
      const { limiter } = make(LONG);
      const bucket = freshBucket(10);
      const five = [0, 1, 2, 3, 4].map(() => freshBucket(10));
      const rows: readonly (readonly [readonly BucketSpec[], number])[] = [
        [[], 1], [five, 1], [[bucket, bucket], 1],
        [[{ ...bucket, key: '' }], 1], [[{ ...bucket, key: 'a b' }], 1], [[{ ...bucket, key: 'a\nb' }], 1],
        [[{ ...bucket, key: 'k'.repeat(201) }], 1], [[{ ...bucket, capacityMs: 0 }], 1],
        [[{ ...bucket, capacityMs: Number.NaN }], 1], [[{ ...bucket, refillMsPerSecond: 0 }], 1],
        [[{ ...bucket, refillMsPerSecond: -1 }], 1], [[{ ...bucket, refillMsPerSecond: Number.NaN }], 1],
        [[bucket], Number.NaN], [[bucket], -1], [[bucket], Number.POSITIVE_INFINITY], [[bucket], 1_000_001],
      ];
      for (const [specs, cost] of rows) await assert.rejects(() => limiter.charge(specs, cost), RangeError);
      await charged(limiter, five.slice(0, 4), 1);
      await assert.rejects(() => limiter.reprice('A'.repeat(22), Number.NaN), RangeError);
    },
  },
  {
    name: 'drains at the refill, and the wait it names is enough',
    run: async (make) => {
      const { limiter, advance } = make(LONG);
      const bucket = freshBucket(100, 500);
      await limiter.settle(await charged(limiter, [bucket], 100), 100);
      const verdict = await limiter.charge([bucket], 60);
      refused(verdict, 0);
      assert.ok(!verdict.ok && verdict.retryAfterMs <= 120);
      await advance(verdict.ok ? 0 : verdict.retryAfterMs + 1);
      await charged(limiter, [bucket], 60);
    },
  },
  {
    name: 'never drains below what is open',
    run: async (make) => {
      const { limiter, advance } = make({ chargeTtlMs: 5_000 });
      const bucket = freshBucket(100, 1_000);
      const id = await charged(limiter, [bucket], 100);
      await advance(250);
      refused(await limiter.charge([bucket], 1), 0);
      assert.equal(await limiter.settle(id, 100), 'first');
      refused(await limiter.charge([bucket], 100), 0);
      await advance(101);
      await charged(limiter, [bucket], 100);
    },
  },
  {
    name: 'lets an abandoned charge keep its price, then drain',
    run: async (make) => {
      const { limiter, advance } = make({ chargeTtlMs: 1_000 });
      const bucket = freshBucket(100, 1_000);
      const id = await charged(limiter, [bucket], 100);
      await advance(400);
      refused(await limiter.charge([bucket], 1), 0);
      await advance(1_700);
      assert.equal(await limiter.settle(id, 0), 'again');
      assert.equal(await limiter.reprice(id, 1), 'gone');
      const next = await limiter.charge([bucket], 100);
      assert.ok(next.ok, 'the lost charge has drained');
    },
  },
  {
    name: 'forgets an abandoned charge of a bucket that stays in use',
    run: async (make) => {
      const { limiter, advance } = make({ chargeTtlMs: 300 });
      const bucket = freshBucket(100, 1_000);
      await charged(limiter, [bucket], 90);
      for (let turn = 0; turn < 12; turn += 1) {
        const id = await charged(limiter, [bucket], 5);
        await advance(100);
        assert.equal(await limiter.settle(id, 1), 'first');
      }
      await charged(limiter, [bucket], 95);
    },
  },
  {
    name: 'drains an abandoned charge that nobody touched for longer than two lives',
    run: async (make) => {
      const { limiter, advance } = make({ chargeTtlMs: 100 });
      const bucket = freshBucket(100, 50);
      await charged(limiter, [bucket], 60);
      await advance(800);
      await charged(limiter, [bucket], 70);
    },
  },
  {
    name: 'gives nothing back for a settle after the end of a charge',
    run: async (make) => {
      const { limiter, advance } = make({ chargeTtlMs: 300 });
      const bucket = freshBucket(10);
      const id = await charged(limiter, [bucket], 10);
      await advance(400);
      assert.equal(await limiter.settle(id, 0), 'again');
      assert.equal(await levelOf(limiter, bucket), 10);
    },
  },
  {
    name: 'starts the life of a charge anew with a new price',
    run: async (make) => {
      const { limiter, advance } = make({ chargeTtlMs: 1_500 });
      const bucket = freshBucket(10);
      const id = await charged(limiter, [bucket], 5);
      await advance(900);
      assert.equal(await limiter.reprice(id, 6), 'ok');
      await advance(900);
      assert.equal(await limiter.settle(id, 0), 'first');
      assert.equal(await levelOf(limiter, bucket), 0);
    },
  },
  {
    name: 'admits a page of 200 different emoji at once, and refuses most of 40 bombs',
    run: async (make) => {
      const { limiter } = make(LONG);
      const emoji = { ...freshBucket(60_000), refillMsPerSecond: 500 };
      const page = await Promise.all(Array.from({ length: 200 }, () => limiter.charge([emoji], TRANSFORM_ENTRY_MS)));
      assert.equal(page.filter((verdict) => verdict.ok).length, 200);
      const bombs = { ...freshBucket(60_000), refillMsPerSecond: 500 };
      const price = transformPrice({ class: 'animation', pixels: 100_000_000 });
      let passed = 0;
      for (let bomb = 0; bomb < 40; bomb += 1) {
        const verdict = await limiter.charge([bombs], TRANSFORM_ENTRY_MS);
        if (verdict.ok && (await limiter.reprice(verdict.id, price)) === 'ok') passed += 1;
      }
      assert.equal(price, 8_000);
      assert.ok(passed >= 1 && passed <= 8, `${passed} bombs passed`);
    },
  },
];
