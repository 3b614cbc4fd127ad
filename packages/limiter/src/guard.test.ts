import { describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { type BreakerState, Guard } from './guard.ts';

const fails = { call: async (): Promise<string> => { throw new Error('gone'); } };
const works = { call: async (): Promise<string> => 'value' };

function setUp(): { guard: Guard; states: BreakerState[]; advance: (ms: number) => void } {
  let nowMs = 0;
  const states: BreakerState[] = [];
  const guard = new Guard({ deadlineMs: 20, failuresMax: 3, openMs: 1_000, nowMs: () => nowMs, onState: (state) => states.push(state) });
  return { guard, states, advance: (ms) => { nowMs += ms; } };
}

describe('Guard', () => {
  it('passes values and faults on while it is closed', async () => {
    const { guard, states } = setUp();
    expect(await guard.run(works)).toEqual({ ok: true, value: 'value' });
    expect(await guard.run(fails)).toEqual({ ok: false });
    expect(await guard.run(fails)).toEqual({ ok: false });
    expect(await guard.run(works)).toMatchObject({ ok: true });
    expect(await guard.run(fails)).toEqual({ ok: false });
    expect(await guard.run(fails)).toEqual({ ok: false });
    expect(states).toEqual([]);
  });

  it('opens after three failures in a row, asks nobody then, and probes with one call', async () => {
    const { guard, states, advance } = setUp();
    for (let at = 0; at < 3; at += 1) await guard.run(fails);
    expect(guard.state).toBe('open');
    let calls = 0;
    const counted = { call: async () => { calls += 1; return 1; } };
    expect(await guard.run(counted)).toEqual({ ok: false });
    advance(999);
    expect(await guard.run(counted)).toEqual({ ok: false });
    expect(calls).toBe(0);
    advance(1);
    const both = await Promise.all([guard.run(counted), guard.run(counted)]);
    expect(both.map(({ ok }) => ok)).toEqual([true, false]);
    expect(calls).toBe(1);
    expect(states).toEqual(['open', 'half-open', 'closed']);
  });

  it('opens again when the probe fails', async () => {
    const { guard, advance } = setUp();
    for (let at = 0; at < 3; at += 1) await guard.run(fails);
    advance(1_000);
    await guard.run(fails);
    expect(guard.state).toBe('open');
    advance(999);
    expect(await guard.run(works)).toEqual({ ok: false });
    advance(1);
    expect(await guard.run(works)).toMatchObject({ ok: true });
  });

  it('counts a call that hangs as failed and hands a late answer on', async () => {
    const { guard } = setUp();
    const late: string[] = [];
    const slow = { call: async () => { await delay(60); return 'late'; }, onLate: (value: string) => late.push(value) };
    expect(await guard.run(slow)).toEqual({ ok: false });
    await delay(120);
    expect(late).toEqual(['late']);
  });

  it('throws what the caller did wrong and does not blame Redis for it', async () => {
    const { guard } = setUp();
    const wrong = { call: async () => { throw new RangeError('no price'); } };
    for (let at = 0; at < 5; at += 1) await expect(guard.run(wrong)).rejects.toThrow(RangeError);
    expect(guard.state).toBe('closed');
  });
});
