import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseCpuMs, readCpuMs } from './proc-stat.ts';

const stat = (name: string, utime: string, stime: string): string =>
  `42 (${name}) S 1 42 42 0 -1 4194304 100 0 0 0 ${utime} ${stime} 0 0 30 10 7 0 100 1000000 2000 18446744073709551615 1 1`;

describe('parseCpuMs()', () => {
  it('adds user and system time', () => {
    expect(parseCpuMs(stat('node', '150', '25'))).toBe(1_750);
  });

  it('is not led astray by any process name', () => {
    fc.assert(fc.property(fc.string({ maxLength: 15 }), fc.nat(), fc.nat(), (name, utime, stime) => {
      expect(parseCpuMs(stat(name, String(utime), String(stime)))).toBe((utime + stime) * 10);
    }));
  });

  it('is not led astray by a name that looks like the rest of the line', () => {
    expect(parseCpuMs(stat('x) S 1 1 1 0 -1 0 0 0 0 0 999 999', '1', '2'))).toBe(30);
  });

  it.each(['', '42', '42 (node', '42 (node) S 1', stat('node', '-1', '0'), stat('node', 'x', '0'), stat('node', '1.5', '0')])('refuses %j', (text) => {
    expect(parseCpuMs(text)).toBeUndefined();
  });
});

describe('readCpuMs()', () => {
  it('reads this process', () => {
    expect(readCpuMs(process.pid)).toBeGreaterThan(0);
  });

  it('knows nothing of a process that is not there', () => {
    expect(readCpuMs(2 ** 31 - 1)).toBeUndefined();
  });
});
