import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '@sekisho/testkit/clock';
import { createFetchBudget } from './fetch-budget.ts';

const spend = (take: () => boolean, times: number): number => Array.from({ length: times }, take).filter(Boolean).length;

describe('createFetchBudget()', () => {
  it('gives one client so many fetches for one host, more over all, and more with time', async () => {
    const clock = new FakeClock();
    const budget = createFetchBudget(clock);
    expect(spend(() => budget.take('c', 'a.example'), 500)).toBe(120);
    expect(spend(() => budget.take('c', 'b.example'), 500)).toBe(80);
    await clock.advance(1_000);
    expect(spend(() => budget.take('c', 'c.example'), 500)).toBe(5);
    expect(spend(() => budget.take('c', 'a.example'), 500)).toBe(0);
  });

  it('lets nobody spend what others have', () => {
    const budget = createFetchBudget(new FakeClock());
    expect(spend(() => budget.take('attacker', 'victim.example'), 1_000)).toBe(120);
    expect(budget.take('somebody', 'victim.example')).toBe(true);
  });

  it('refuses the unknown while its table is full, and forgets who is full again', async () => {
    const clock = new FakeClock();
    const budget = createFetchBudget(clock, 4);
    expect(budget.take('a', 'x') && budget.take('b', 'x')).toBe(true);
    expect(budget.take('c', 'x')).toBe(false);
    expect(budget.take('a', 'x')).toBe(true);
    await clock.advance(10_000);
    expect(budget.take('c', 'x')).toBe(true);
  });
});
