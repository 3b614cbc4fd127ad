import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FakeClock } from './clock.ts';

describe('FakeClock', () => {
  it('stands still by itself and advances both times alike', async () => {
    const clock = new FakeClock(1_000);
    expect([clock.now(), clock.monotonicMs()]).toEqual([1_000, 0]);
    await clock.advance(0);
    await clock.advance(250);
    expect([clock.now(), clock.monotonicMs()]).toEqual([1_250, 250]);
    await expect(clock.advance(-1)).rejects.toThrow(RangeError);
    await expect(clock.advance(Number.NaN)).rejects.toThrow(RangeError);
  });

  it('wakes sleepers that are due, in order and at their own time, ties by arrival', async () => {
    const clock = new FakeClock();
    const woken: string[] = [];
    const sleep = (name: string, ms: number): void => void clock.sleep(ms).then(() => woken.push(`${name}@${clock.monotonicMs()}`));
    sleep('late', 100);
    sleep('first', 10);
    sleep('second', 10);
    sleep('next', 11);
    expect(clock.sleepers).toBe(4);
    await clock.advance(10);
    expect(woken).toEqual(['first@10', 'second@10']);
    await clock.advance(89);
    expect(woken).toEqual(['first@10', 'second@10', 'next@11']);
    await clock.advance(1);
    expect([woken.at(-1), clock.sleepers]).toEqual(['late@100', 0]);
  });

  it('runs what sleeps again within one advance', async () => {
    const clock = new FakeClock();
    const beats: number[] = [];
    const beat = async (): Promise<void> => {
      for (let turn = 0; turn < 3; turn += 1) {
        await clock.sleep(100);
        beats.push(clock.monotonicMs());
      }
    };
    const ended = beat();
    await clock.advance(1_000);
    await ended;
    expect(beats).toEqual([100, 200, 300]);
  });

  it('does not wait for nothing, and rejects when its signal aborts before or while it sleeps', async () => {
    const clock = new FakeClock();
    await clock.sleep(0);
    const abort = new AbortController();
    const asleep = clock.sleep(10, abort.signal);
    abort.abort(new Error('left'));
    await expect(asleep).rejects.toThrow('left');
    await expect(clock.sleep(10, abort.signal)).rejects.toThrow('left');
    expect(clock.sleepers).toBe(0);
    await clock.advance(20);
  });

  it('wakes by time whatever the steps are', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 12 }), fc.array(fc.nat(40), { maxLength: 8 }), async (sleeps, steps) => {
      const clock = new FakeClock();
      const woken: number[] = [];
      for (const ms of sleeps) void clock.sleep(ms).then(() => woken.push(ms));
      for (const ms of steps) await clock.advance(ms);
      const total = steps.reduce((sum, ms) => sum + ms, 0);
      expect(woken).toEqual(sleeps.filter((ms) => ms <= total).toSorted((a, b) => a - b));
    }), { numRuns: 50 });
  });
});
