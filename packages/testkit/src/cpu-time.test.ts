import { describe, expect, it } from '@jest/globals';
import { cpuMsOf, growthOf } from './cpu-time.ts';

let sum = 0;
const turns = (count: number): void => {
  for (let turn = 0; turn < count; turn += 1) sum = (sum * 31 + turn) % 65_521;
};
const stop = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

describe('cpuMsOf()', () => {
  it('counts work, and not a pause', () => {
    expect(cpuMsOf(() => stop(200))).toBeLessThan(100);
    expect(cpuMsOf(() => turns(2_000_000))).toBeGreaterThan(1);
  });
});

describe('growthOf()', () => {
  const linear = (size: number): void => turns(size * 200);
  const quadratic = (size: number): void => turns(size * size);

  it('tells linear from quadratic work', () => {
    expect(growthOf(linear, { small: 1_000, times: 8, enough: 24 })).toBeLessThan(24);
    expect(growthOf(quadratic, { small: 400, times: 8, enough: 24 })).toBeGreaterThan(24);
  });

  it('is not moved by pauses, in whichever of the two they fall', () => {
    const paused = (work: (size: number) => void, at: number) => (size: number): void => {
      work(size);
      if (size === at) stop(40);
    };
    expect(growthOf(paused(linear, 8_000), { small: 1_000, times: 8, enough: 24 })).toBeLessThan(24);
    expect(growthOf(paused(quadratic, 400), { small: 400, times: 8, enough: 24 })).toBeGreaterThan(24);
  });

  it('ends as soon as the bound holds, and after nine rounds at the latest', () => {
    const sizes: number[] = [];
    growthOf((size) => void sizes.push(size), { small: 1, times: 8, enough: Infinity });
    expect(sizes).toEqual([1, 8, 1, 8]);
    sizes.length = 0;
    growthOf((size) => void sizes.push(size), { small: 1, times: 8, enough: 0 });
    expect(sizes.length).toBe(18);
  });
});
