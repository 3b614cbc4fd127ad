import { describe, expect, it } from '@jest/globals';
import { type SlowBody, SlowBodies } from './slow-bodies.ts';

interface Named extends SlowBody {
  readonly name: string;
}

/** `a1` is the first body of the network `a`. */
function held(...names: readonly string[]) {
  const bodies = new SlowBodies();
  const displaced: string[] = [];
  const all = names.map((name): Named => ({ name, net: name.slice(0, 1), displace: () => void displaced.push(name) }));
  for (const body of all) bodies.add(body);
  return { bodies, displaced, body: (name: string): SlowBody => all.find((one) => one.name === name) ?? all[0]! };
}

describe('SlowBodies', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ['nobody', [], []],
    ['the only one', ['a1'], ['a1']],
    ['the oldest where each network has one', ['a1', 'b1', 'c1'], ['a1', 'b1', 'c1']],
    ['the oldest of the network with the most, not the oldest of all', ['b1', 'a1', 'a2'], ['a1', 'b1', 'a2']],
    ['the oldest where two networks have as many', ['b1', 'a1', 'a2', 'b2'], ['b1', 'a1', 'a2', 'b2']],
    ['a single one only after all others are down to one', ['c1', 'a1', 'a2', 'b1', 'a3', 'b2'], ['a1', 'a2', 'b1', 'c1', 'a3', 'b2']],
  ])('displaces %s', (_name, names, order) => {
    const { bodies, displaced } = held(...names);
    while (bodies.displace());
    expect(displaced).toEqual(order);
    expect(bodies.size).toBe(0);
  });

  it('counts what left by itself for nobody, and leaves it alone', () => {
    const { bodies, displaced, body } = held('b1', 'a1', 'a2');
    bodies.remove(body('a1'));
    bodies.remove(body('a1'));
    expect(bodies.size).toBe(2);
    while (bodies.displace());
    expect(displaced).toEqual(['b1', 'a2']);
  });

  it('spares one slow sender among many fast openers of a few networks', () => {
    const { bodies, displaced } = held('x1', ...Array.from({ length: 64 }, (_, at) => `${at % 2 === 0 ? 'a' : 'b'}${at}`));
    for (let round = 0; round < 1_000; round++) {
      bodies.add({ net: round % 2 === 0 ? 'a' : 'b', displace: () => undefined });
      bodies.displace();
    }
    expect(displaced).not.toContain('x1');
    expect(bodies.size).toBe(65);
  });

  it('is out of the list before it hears of it', () => {
    const bodies = new SlowBodies();
    const seen: number[] = [];
    bodies.add({ net: 'a', displace: () => void seen.push(bodies.size) });
    bodies.displace();
    expect(seen).toEqual([0]);
  });
});
