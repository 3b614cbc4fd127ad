import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { inTime } from './in-time.ts';

const never = new Promise<string>(() => undefined);

describe('inTime()', () => {
  it('gives the outcome of work that ends, good or bad, and leaves no timer', async () => {
    const late = jest.fn(() => 'late');
    expect(await inTime(Promise.resolve('done'), 20, late)).toBe('done');
    await expect(inTime(Promise.reject(new Error('broken')), 20, late)).rejects.toThrow('broken');
    await delay(40);
    expect(late).not.toHaveBeenCalled();
  });

  it('gives or throws what is said for late work', async () => {
    expect(await inTime(never, 1, () => 'late')).toBe('late');
    await expect(inTime(never, 1, () => { throw new Error('late'); })).rejects.toThrow('late');
  });

  it('swallows the rejection of work that was late', async () => {
    const work = delay(20).then(() => { throw new Error('too late'); });
    expect(await inTime(work, 1, () => 'late')).toBe('late');
    await delay(40);
  });
});
