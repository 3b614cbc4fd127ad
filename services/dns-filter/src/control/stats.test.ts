import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { increase, parseStats, sumOf } from './stats.ts';
import { loadedSerial } from './zone-serial.ts';

describe('parseStats()', () => {
  it('reads key=value', () => {
    const stats = parseStats('total.num.queries=26\ntotal.requestlist.avg=0.5\nnum.query.type.HTTPS=1\nhistogram.000000.000000.to.000000.000001=0\n');
    expect([...stats]).toEqual([['total.num.queries', 26], ['total.requestlist.avg', 0.5], ['num.query.type.HTTPS', 1], ['histogram.000000.000000.to.000000.000001', 0]]);
  });

  it.each(['', 'error unknown command', 'a=-1', 'a=1e9', 'a=0x1', 'a=', '=1', 'a b=1', 'a=1 ', `a=${'9'.repeat(20)}`, `${'a'.repeat(90)}=1`])('leaves out %j', (text) => {
    expect(parseStats(text).size).toBe(0);
  });

  it('stops at 1,000 lines', () => {
    expect(parseStats(Array.from({ length: 5_000 }, (_, at) => `k${at}=1`).join('\n')).size).toBe(1_000);
  });

  it('never throws and has only numbers', () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.string(), fc.tuple(fc.string(), fc.string()).map((pair) => pair.join('=')))), (lines) => {
      for (const value of parseStats(lines.join('\n')).values()) expect(Number.isFinite(value) && value >= 0).toBe(true);
    }));
  });
});

describe('increase()', () => {
  it.each([['new', undefined, 5, 5], ['grown', 3, 5, 2], ['the same', 5, 5, 0], ['fallen: a new process', 5, 2, 2], ['gone', 5, undefined, 0]])('of a counter that is %s', (_name, before, now, grew) => {
    const map = (value: number | undefined) => new Map(value === undefined ? [] : [['k', value]]);
    expect(increase(map(before), map(now))('k')).toBe(grew);
  });
});

it('sumOf() adds what has the prefix and no name of its own', () => {
  expect(sumOf(['t.A', 't.MX', 't.SRV', 'u.X'], 't.', new Set(['t.A']), () => 2)).toBe(4);
});

describe('loadedSerial()', () => {
  it.each([
    ['rpz.sekisho.\tserial 3783451824\n', 3_783_451_824], ['other.\tserial 1\nrpz.sekisho.\tserial 2\n', 2],
    ['rpz.sekisho.\texpired\n', undefined], ['xrpz.sekisho.\tserial 2\n', undefined], ['error\n', undefined], ['', undefined], ['rpz.sekisho.\tserial 2x\n', undefined],
    ['rpz.sekisho.\tserial 976073399\t since 1795571806 2026-11-25T01:56:46\n', 976_073_399], ['rpz.sekisho.\tserial 2\t expired\n', undefined],
  ])('of %j', (text, serial) => {
    expect(loadedSerial(text)).toBe(serial);
  });
});
