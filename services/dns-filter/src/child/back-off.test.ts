import { describe, expect, it } from '@jest/globals';
import { CLEAN, nextStart, RESTARTS_MAX, STABLE_MS } from './back-off.ts';

describe('nextStart()', () => {
  it('waits longer each time, then gives up', () => {
    const waits: number[] = [];
    let record = CLEAN;
    for (;;) {
      const next = nextStart(record, 100);
      if (next === 'give up') break;
      waits.push(next.waitMs);
      record = next.record;
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000]);
    expect(waits).toHaveLength(RESTARTS_MAX);
  });

  it('forgets the falls before a long run', () => {
    expect(nextStart({ falls: RESTARTS_MAX }, STABLE_MS)).toEqual({ record: { falls: 1 }, waitMs: 250 });
    expect(nextStart({ falls: RESTARTS_MAX }, STABLE_MS - 1)).toBe('give up');
  });
});
