import { randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { Collected } from './collected.ts';

const MAX = 65_536;

describe('Collected', () => {
  it.each([1, 7, 4_095, 4_096, 4_097, 30_000, MAX])('gives back what came in pieces of %i', (piece) => {
    const body = randomBytes(MAX);
    const collected = new Collected(MAX);
    for (let at = 0; at < MAX; at += piece) expect(collected.add(body.subarray(at, at + piece))).toBe(true);
    expect(collected.length).toBe(MAX);
    expect(collected.bytes.equals(body)).toBe(true);
  });

  it('takes exactly as much as there may be', () => {
    const collected = new Collected(10);
    expect([collected.add(Buffer.alloc(11)), collected.length]).toEqual([false, 0]);
    expect([collected.add(Buffer.alloc(6, 'a')), collected.add(Buffer.alloc(5, 'b')), collected.add(Buffer.alloc(4, 'c')), collected.add(Buffer.alloc(1))]).toEqual([true, false, true, false]);
    expect(collected.bytes.toString()).toBe('aaaaaacccc');
    expect(new Collected(10).bytes).toHaveLength(0);
  });

  it('holds no piece', () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const held = (keep: (piece: Buffer) => void): number => {
      gc();
      const before = process.memoryUsage();
      for (let at = 0; at < MAX; at++) keep(Buffer.from(new ArrayBuffer(1)));
      gc();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external - before.heapUsed - before.external;
    };
    const collected = new Collected(MAX);
    expect(held((piece) => void collected.add(piece))).toBeLessThan(16 * MAX);
    expect(collected.length).toBe(MAX);
    // As it would be with a list of them.
    const pieces: Buffer[] = [];
    expect(held((piece) => void pieces.push(piece))).toBeGreaterThan(100 * MAX);
    expect(pieces).toHaveLength(MAX);
  });
});
