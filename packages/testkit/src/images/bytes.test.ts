import { createHash } from 'node:crypto';
import { gunzipSync, inflateSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { deflateConstant, gzipConstant, randomNumbers, zlibConstant } from './bytes.ts';

const MiB = 1024 * 1024;

describe('zlibConstant()', () => {
  it.each([0, 1, MiB - 1, MiB, MiB + 1, 3 * MiB + 17])('inflates to %i bytes', (count) => {
    for (const byte of [0, 0x41, 0xff]) {
      // inflateSync checks the checksum.
      const bytes = inflateSync(zlibConstant(byte, count));
      expect(bytes.length).toBe(count);
      expect(bytes.equals(Buffer.alloc(count, byte))).toBe(true);
    }
  });

  it('costs its own compressed length only', () => {
    expect(deflateConstant(0, 1024 * MiB).length).toBeLessThan(1.1 * MiB);
  });
});

describe('gzipConstant()', () => {
  it('puts whole MiB between head and tail', () => {
    const bytes = gunzipSync(gzipConstant(0x20, 2 * MiB - 5, { head: Buffer.from('<svg/>'), tail: Buffer.from('end') }));
    expect(bytes.length).toBe(6 + 2 * MiB + 3);
    expect(bytes.toString('latin1').trim().startsWith('<svg/>')).toBe(true);
    expect(bytes.subarray(-3).toString()).toBe('end');
  });
});

describe('randomNumbers()', () => {
  it('gives the same numbers for the same seed and other ones for another', () => {
    const draw = (seed: number): string => {
      const next = randomNumbers(seed);
      return createHash('sha256').update(Array.from({ length: 100 }, next).join(' ')).digest('hex');
    };
    expect(draw(7)).toBe(draw(7));
    expect(draw(7)).not.toBe(draw(8));
  });
});
