import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createTunnelSlots } from './tunnel-slots.ts';

describe('createTunnelSlots()', () => {
  it('counts in all and per host, and forgets hosts without tunnels', () => {
    const slots = createTunnelSlots({ tunnelsMax: 3, hostTunnelsMax: 2 });
    const first = slots.acquire('a');
    slots.acquire('a');
    expect(slots.acquire('a')).toEqual({ ok: false, code: 'SEKISHO_EGRESS_HOST_LIMIT' });
    const other = slots.acquire('b');
    expect(slots.acquire('c')).toEqual({ ok: false, code: 'SEKISHO_EGRESS_LIMIT' });
    expect([slots.open, slots.hosts]).toEqual([3, 2]);
    for (const slot of [first, first, other]) if (slot.ok) slot.release();
    expect([slots.open, slots.hosts]).toEqual([1, 1]);
  });

  it('never goes over its limits and comes back to nothing, in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ host: fc.constantFrom('a', 'b', 'c'), drop: fc.boolean() }), { maxLength: 60 }), (steps) => {
        const slots = createTunnelSlots({ tunnelsMax: 5, hostTunnelsMax: 2 });
        const held: (() => void)[] = [];
        for (const { host, drop } of steps) {
          const slot = drop ? undefined : slots.acquire(host);
          if (slot?.ok === true) held.push(slot.release);
          else if (drop) held.shift()?.();
          expect(slots.open).toBe(held.length);
          expect(slots.open).toBeLessThanOrEqual(5);
        }
        for (const release of held) release();
        expect([slots.open, slots.hosts]).toEqual([0, 0]);
      }),
    );
  });
});
