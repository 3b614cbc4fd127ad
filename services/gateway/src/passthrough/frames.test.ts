import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FrameBounds } from './frames.ts';

function frame(bytes: number, masked: boolean): Buffer {
  const mask = masked ? 0x80 : 0;
  let head = Buffer.from([0x82, mask | bytes]);
  if (bytes > 65_535) {
    head = Buffer.alloc(10);
    head.writeUInt16BE(0x8200 | mask | 127);
    head.writeBigUInt64BE(BigInt(bytes), 2);
  } else if (bytes > 125) {
    head = Buffer.alloc(4);
    head.writeUInt16BE(0x8200 | mask | 126);
    head.writeUInt16BE(bytes, 2);
  }
  return Buffer.concat([head, Buffer.alloc(masked ? 4 : 0), Buffer.alloc(bytes, 0x81)]);
}

describe('FrameBounds', () => {
  it.each([0, 1, 125, 126, 127, 65_535, 65_536])('finds the end of a frame of %d bytes', (bytes) => {
    for (const masked of [false, true]) {
      const whole = frame(bytes, masked);
      const bounds = new FrameBounds();
      expect(bounds.push(whole.subarray(0, -1))).toBe(0);
      expect(bounds.atBoundary).toBe(false);
      expect(bounds.push(Buffer.concat([whole.subarray(-1), whole.subarray(0, 1)]))).toBe(1);
      expect(bounds.atBoundary).toBe(false);
    }
  });

  it('finds the same ends however the bytes are cut', () => {
    const sizes = fc.array(fc.tuple(fc.constantFrom(0, 3, 125, 126, 200, 66_000), fc.boolean()), { minLength: 1, maxLength: 6 });
    fc.assert(fc.property(sizes, fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 20 }), (frames, cuts) => {
      const parts = frames.map(([bytes, masked]) => frame(bytes, masked));
      const ends = new Set<number>();
      let at = 0;
      for (const part of parts) ends.add((at += part.length));
      const all = Buffer.concat(parts);
      const bounds = new FrameBounds();
      let turn = 0;
      for (let from = 0; from < all.length; turn += 1) {
        const chunk = all.subarray(from, from + (cuts[turn % cuts.length] ?? 1));
        const boundary = bounds.push(chunk);
        if (boundary > 0) expect(ends.has(from + boundary)).toBe(true);
        from += chunk.length;
        expect(bounds.atBoundary).toBe(ends.has(from));
      }
    }), { numRuns: 50 });
  });
});
