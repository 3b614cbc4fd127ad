import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Entry, Gate } from './gate.ts';

const entry = (clientKey: string, started: string[] = []): Entry => ({ clientKey, start: () => void started.push(clientKey) });

describe('Gate', () => {
  it('starts up to its places, lets the rest wait in order, then refuses', () => {
    const gate = new Gate({ runningMax: 1, waitingMax: 2, perClientMax: 9 });
    const started: string[] = [];
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((key) => entry(key, started)) as [Entry, Entry, Entry, Entry];
    expect([a, b, c, d].map((one) => gate.enter(one))).toEqual(['running', 'waiting', 'waiting', 'full']);
    gate.leave(b);
    gate.leave(a);
    gate.leave(a);
    expect(started).toEqual(['a', 'c']);
    expect([gate.running, gate.waiting]).toEqual([1, 0]);
  });

  it('gives one client only its part', () => {
    const gate = new Gate({ runningMax: 9, waitingMax: 9, perClientMax: 2 });
    const first = entry('a');
    expect([gate.enter(first), gate.enter(entry('a')), gate.enter(entry('a')), gate.enter(entry('b'))]).toEqual(['running', 'running', 'client-full', 'running']);
    gate.leave(first);
    expect(gate.enter(entry('a'))).toBe('running');
  });

  it('counts on who is inside while it forgets thousands who are not', () => {
    const gate = new Gate({ runningMax: 9, waitingMax: 9, perClientMax: 1 });
    const stays = entry('stays');
    gate.enter(stays);
    for (let at = 0; at < 10_000; at += 1) {
      const one = entry(`client ${at}`);
      expect(gate.enter(one)).toBe('running');
      gate.leave(one);
    }
    expect(gate.enter(entry('stays'))).toBe('client-full');
    gate.leave(stays);
    expect(gate.enter(entry('stays'))).toBe('running');
    expect(gate.enter(entry('client 9999'))).toBe('running');
  });

  it('never holds more than it may, and forgets who left', () => {
    const steps = fc.array(fc.record({ client: fc.constantFrom('a', 'b', 'c'), leave: fc.nat(20) }), { maxLength: 80 });
    fc.assert(fc.property(steps, (list) => {
      const gate = new Gate({ runningMax: 2, waitingMax: 3, perClientMax: 3 });
      const inside: Entry[] = [];
      for (const { client, leave } of list) {
        const one = entry(client);
        if (['running', 'waiting'].includes(gate.enter(one))) inside.push(one);
        const [left] = inside.splice(leave % 3, 1);
        if (left !== undefined) gate.leave(left);
        expect(gate.running).toBeLessThanOrEqual(2);
        expect(gate.waiting).toBeLessThanOrEqual(3);
        expect(gate.running + gate.waiting).toBe(inside.length);
        if (gate.waiting > 0) expect(gate.running).toBe(2);
      }
      for (const one of inside) gate.leave(one);
      expect(gate.enter(entry('a'))).toBe('running');
    }));
  });
});
