import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AREAS, BUDGET_SHAPE, WORK_CLASSES, bucketsOf } from './buckets.ts';
import { checkBuckets } from './port.ts';
import { PRICE_MAX_MS, TICK_MS, TRANSFORM_ENTRY_MS, fetchPrice, inboxPrice, streamPrice, transformPrice } from './prices.ts';

const MiB = 1024 * 1024;

describe('prices', () => {
  it.each([
    ['stream of nothing', streamPrice(0), 5],
    ['stream of a byte', streamPrice(1), 6],
    ['stream of a MiB', streamPrice(MiB), 6],
    ['stream of a MiB and a byte', streamPrice(MiB + 1), 7],
    ['largest stream', streamPrice(250 * MiB), 255],
    ['fetch of nothing', fetchPrice(0), 5],
    ['fetch of 256 KiB', fetchPrice(256 * 1024), 6],
    ['fetch of 256 KiB and a byte', fetchPrice(256 * 1024 + 1), 7],
    ['largest fetch', fetchPrice(20 * MiB), 85],
    ['activity of a byte', inboxPrice(1), 3],
    ['activity of 16 KiB', inboxPrice(16 * 1024), 3],
    ['activity of 16 KiB and a byte', inboxPrice(16 * 1024 + 1), 4],
    ['largest activity', inboxPrice(64 * 1024), 6],
    ['still of a pixel', transformPrice({ class: 'raster', pixels: 1 }), 61],
    ['still of 1 MP', transformPrice({ class: 'raster', pixels: 1_000_000 }), 160],
    ['still of 50 MP', transformPrice({ class: 'raster', pixels: 50_000_000 }), 5_060],
    ['animation of 1 MP', transformPrice({ class: 'animation', pixels: 1_000_000 }), 360],
    ['animation just below the cap', transformPrice({ class: 'animation', pixels: 26_460_000 }), 7_998],
    ['animation above the cap', transformPrice({ class: 'animation', pixels: 26_470_000 }), 8_000],
    ['SVG', transformPrice({ class: 'svg', pixels: 1 }), 2_000],
    ['no number', streamPrice(Number.NaN), 8_000],
    ['negative size', fetchPrice(-10 * MiB), 8_000],
    ['endless size', transformPrice({ class: 'raster', pixels: Number.POSITIVE_INFINITY }), 8_000],
  ])('%s', (_name, price, expected) => {
    expect(price).toBe(expected);
  });

  it('are whole, at least 1 and capped, whatever the header says', () => {
    fc.assert(fc.property(fc.double(), fc.constantFrom('raster' as const, 'animation' as const, 'svg' as const), (number, kind) => {
      for (const price of [streamPrice(number), fetchPrice(number), inboxPrice(number), transformPrice({ class: kind, pixels: number })]) {
        if (!Number.isInteger(price) || price < 1 || price > PRICE_MAX_MS) return false;
      }
      return true;
    }));
    expect([TICK_MS, TRANSFORM_ENTRY_MS]).toEqual([1, 250]);
  });
});

describe('bucketsOf()', () => {
  const payer = { clientKey: '203.0.113.7', netKey: '203.0.113.0/24', area: 'media' } as const;

  it('names client, network and class, in this order', () => {
    expect(bucketsOf({ ...payer, class: 'transform' })).toEqual([
      { key: 'media:ip:203.0.113.7', capacityMs: 60_000, refillMsPerSecond: 500 },
      { key: 'media:net:203.0.113.0/24', capacityMs: 240_000, refillMsPerSecond: 2_000 },
      { key: 'all:transform', capacityMs: 480_000, refillMsPerSecond: 4_000 },
    ]);
    expect(bucketsOf(payer)).toHaveLength(2);
  });

  it('gives one page of 200 emoji room in every bucket', () => {
    for (const { capacityMs } of bucketsOf({ ...payer, class: 'transform' })) {
      expect(capacityMs).toBeGreaterThanOrEqual(200 * TRANSFORM_ENTRY_MS);
    }
    expect(40 * PRICE_MAX_MS).toBeGreaterThan(4 * BUDGET_SHAPE.capacityMs);
  });

  it('makes usable, distinct names of any text', () => {
    const keyArb = fc.oneof(fc.string({ unit: 'binary' }), fc.ipV4(), fc.constantFrom('2001:db8:1:2::/64', 'unknown', '', 'x'.repeat(500), 'a b', '1.2.3.4\n'));
    fc.assert(fc.property(keyArb, keyArb, fc.constantFrom(...AREAS), fc.constantFrom(...WORK_CLASSES, undefined), (a, b, area, kind) => {
      const made = [a, b].map((clientKey) => bucketsOf({ clientKey, netKey: 'n', area, ...(kind === undefined ? {} : { class: kind }) }));
      for (const buckets of made) checkBuckets(buckets);
      expect(made[0]![0]!.key === made[1]![0]!.key).toBe(a === b);
    }));
  });

  it('keeps areas apart', () => {
    expect(new Set(AREAS.flatMap((area) => bucketsOf({ ...payer, area }).map(({ key }) => key))).size).toBe(6);
  });
});
