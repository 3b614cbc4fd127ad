import { describe, expect, it } from '@jest/globals';
import { LIMITS } from '@sekisho/contracts';
import type { HostSlot } from '@sekisho/netguard';
import { FakeClock } from '@sekisho/testkit/clock';
import fc from 'fast-check';
import { createHostGate, type HostGate } from './host-gate.ts';
import { admit, afterFault, afterPause, afterRelease, afterSuccess, type HostState, isForgettable, newHost } from './policy.ts';

const never = new AbortController().signal;
const settled = async (slot: Promise<HostSlot>): Promise<HostSlot | 'waits'> =>
  await Promise.race([slot, new Promise<'waits'>((resolve) => setTimeout(() => resolve('waits'), 20))]);
const take = async (gate: HostGate, host: string): Promise<HostSlot & { ok: true }> => {
  const slot = await gate.acquire(host, never);
  if (!slot.ok) throw new Error(slot.code);
  return slot;
};

describe('policy', () => {
  it('never exceeds connections, nor burst + rate × time', () => {
    const steps = fc.array(fc.oneof(fc.record({ wait: fc.nat(500) }), fc.constant('take'), fc.constant('give')), { maxLength: 800 });
    fc.assert(fc.property(steps, (list) => {
      let state: HostState = newHost(0);
      let now = 0;
      let taken = 0;
      for (const step of list) {
        if (typeof step === 'object') now += step.wait;
        else if (step === 'give') state = afterRelease(state);
        else {
          const admission = admit(state, now);
          if (admission.kind === 'go') {
            state = admission.state;
            taken += 1;
          }
        }
        if (state.active > LIMITS.hostConnectionsMax || taken > LIMITS.hostFetchesBurst + (now / 1_000) * LIMITS.hostFetchesPerSecond + 1e-6) return false;
      }
      return true;
    }), { numRuns: 100 });
  });

  it('pauses at the tenth fault in a row and not before, for 30 s', () => {
    let state = newHost(0);
    for (let fault = 1; fault < LIMITS.hostFaultsToPause; fault += 1) state = afterFault(state, 0);
    expect(admit(state, 0).kind).toBe('go');
    expect(admit(afterFault(afterSuccess(state), 0), 0).kind).toBe('go');
    const paused = afterFault(state, 0);
    expect(admit(paused, 0)).toEqual({ kind: 'paused', retryAfterS: 30 });
    expect(admit(paused, LIMITS.hostPauseMs - 1)).toEqual({ kind: 'paused', retryAfterS: 1 });
    expect(admit(paused, LIMITS.hostPauseMs).kind).toBe('go');
  });

  it('takes an asked pause up to its limit and shortens none', () => {
    const long = afterPause(newHost(0), 0, 1e9);
    expect(admit(long, 0)).toEqual({ kind: 'paused', retryAfterS: LIMITS.hostRetryAfterMaxS });
    expect(afterPause(long, 0, 1).pausedUntilMs).toBe(long.pausedUntilMs);
  });

  it('forgets only what is like new', () => {
    expect(isForgettable(newHost(0), 0)).toBe(true);
    expect(isForgettable(afterPause(newHost(0), 0, 5), 4_999)).toBe(false);
    const admission = admit(newHost(0), 0);
    const used = admission.kind === 'go' ? afterRelease(admission.state) : newHost(0);
    expect(isForgettable(used, 0)).toBe(false);
    expect(isForgettable(used, 100)).toBe(true);
  });
});

describe('createHostGate()', () => {
  it('lets eight through, the others wait in order, and a release is counted once', async () => {
    const gate = createHostGate({ clock: new FakeClock() });
    const slots = await Promise.all(Array.from({ length: 8 }, () => take(gate, 'a')));
    const order: number[] = [];
    const ninth = take(gate, 'a').then((slot) => (order.push(9), slot));
    const tenth = take(gate, 'a').then((slot) => (order.push(10), slot));
    expect(await settled(ninth)).toBe('waits');
    expect((await settled(gate.acquire('b', never)))).toMatchObject({ ok: true });
    slots[0]!.release();
    slots[0]!.release();
    await ninth;
    expect(await settled(tenth)).toBe('waits');
    slots[1]!.release();
    await tenth;
    expect(order).toEqual([9, 10]);
    expect(gate.counts.active).toBe(9);
  });

  it('refuses beyond its queue, and who leaves frees a place', async () => {
    const gate = createHostGate({ clock: new FakeClock(), queueMax: 1 });
    await Promise.all(Array.from({ length: 8 }, () => take(gate, 'a')));
    const leave = new AbortController();
    const waiting = gate.acquire('a', leave.signal);
    expect(await gate.acquire('a', never)).toEqual({ ok: false, code: 'SEKISHO_UPSTREAM_PAUSED', retryAfterS: 5 });
    leave.abort();
    expect(await waiting).toMatchObject({ ok: false, code: 'SEKISHO_ABORTED' });
    expect(await settled(gate.acquire('a', never))).toBe('waits');
    expect(await gate.acquire('a', AbortSignal.abort())).toMatchObject({ ok: false });
  });

  it('sends the waiting away when the host is paused', async () => {
    const gate = createHostGate({ clock: new FakeClock() });
    await Promise.all(Array.from({ length: 8 }, () => take(gate, 'a')));
    const waiting = gate.acquire('a', never);
    gate.pause('a', 7);
    expect(await waiting).toEqual({ ok: false, code: 'SEKISHO_UPSTREAM_PAUSED', retryAfterS: 7 });
    expect(gate.counts.paused).toBe(1);
  });

  it('waits for its rate when the burst is spent', async () => {
    const clock = new FakeClock();
    const gate = createHostGate({ clock });
    for (let at = 0; at < LIMITS.hostFetchesBurst; at += 1) (await take(gate, 'a')).release();
    const next = gate.acquire('a', never);
    await clock.advance(40);
    expect(await next).toMatchObject({ ok: true });
  });

  it('holds a bounded table: forgets idle hosts, keeps paused and busy ones, refuses when all are', async () => {
    const clock = new FakeClock();
    const gate = createHostGate({ clock, hostsMax: 2 });
    (await take(gate, 'paused')).release();
    gate.pause('paused', 30);
    (await take(gate, 'idle')).release();
    await clock.advance(1_000);
    const busy = await take(gate, 'busy');
    expect(gate.counts.hosts).toBe(2);
    expect(await gate.acquire('more', never)).toMatchObject({ ok: false, code: 'SEKISHO_LIMIT_FETCHES' });
    expect(await gate.acquire('paused', never)).toMatchObject({ ok: false, code: 'SEKISHO_UPSTREAM_PAUSED' });
    busy.release();
    await clock.advance(1_000);
    expect(await gate.acquire('more', never)).toMatchObject({ ok: true });
  });
});
