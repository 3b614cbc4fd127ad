import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isAskedPart, parseContentRange, parseLength, parseRange } from './range.ts';

describe('parseRange()', () => {
  it.each([
    ['bytes=0-0', { kind: 'from', first: 0, last: 0 }], ['bytes=5-', { kind: 'from', first: 5, last: undefined }], ['bytes=-5', { kind: 'suffix', length: 5 }],
    ['bytes=5-4', undefined], ['bytes=-', undefined], ['bytes=-0', undefined], ['bytes=0-1,2-3', undefined], ['Bytes=0-1', undefined], ['bytes= 0-1', undefined],
    ['bytes=a-b', undefined], ['bytes=1e3-', undefined], ['bytes=9999999999999999-', undefined], ['bytes=0-1\n', undefined], ['', undefined],
  ])('reads %j', (text, expected) => {
    expect(parseRange(text)).toEqual(expected);
  });
});

describe('parseContentRange()', () => {
  it.each([
    ['bytes 0-0/1', { start: 0, end: 0, total: 1 }], ['bytes 5-9/10', { start: 5, end: 9, total: 10 }],
    ['bytes 5-10/10', undefined], ['bytes 6-5/10', undefined], ['bytes 0-0/0', undefined], ['bytes */10', undefined], ['bytes 0-9/*', undefined],
    ['bytes=0-9/10', undefined], ['bytes 0-9/10, bytes 0-9/10', undefined], ['bytes -1-9/10', undefined], ['bytes 0-9/1e3', undefined], [undefined, undefined],
  ])('reads %j', (text, expected) => {
    expect(parseContentRange(text)).toEqual(expected);
  });

  it('never throws, and what it reads is in order', () => {
    const texts = fc.oneof(fc.string(), fc.tuple(fc.nat(), fc.nat(), fc.nat()).map(([a, b, c]) => `bytes ${a}-${b}/${c}`));
    fc.assert(fc.property(texts, (text) => {
      const part = parseContentRange(text);
      return part === undefined || (part.start <= part.end && part.end < part.total);
    }));
  });
});

describe('isAskedPart()', () => {
  const part = (start: number, end: number, total = 100) => ({ start, end, total });
  it.each([
    ['bytes=10-19', part(10, 19), true], ['bytes=10-19', part(10, 18), true], ['bytes=10-19', part(10, 20), false], ['bytes=10-19', part(9, 19), false],
    ['bytes=10-19', part(11, 19), false], ['bytes=10-', part(10, 99), true], ['bytes=10-', part(10, 50), true], ['bytes=10-', part(0, 99), false],
    ['bytes=-10', part(90, 99), true], ['bytes=-10', part(89, 99), false], ['bytes=-10', part(90, 98), false], ['bytes=-200', part(0, 99), true],
  ])('%s and %j: %s', (asked, sent, expected) => {
    const range = parseRange(asked);
    expect(range !== undefined && isAskedPart(range, sent)).toBe(expected);
  });
});

describe('parseLength()', () => {
  it.each([['0', 0], ['12', 12], [undefined, undefined], ['', false], ['-1', false], ['1.5', false], ['0x10', false], ['5, 5', false], ['9'.repeat(16), false]])('reads %j', (text, expected) => {
    expect(parseLength(text)).toBe(expected);
  });
});
