import { describe, expect, it } from '@jest/globals';
import { rangeHeader } from '@sekisho/testkit/arbitraries';
import * as fc from 'fast-check';
import { allowsRange, matchesEtag, resolveRange } from './conditional.ts';

describe('resolveRange()', () => {
  it('stays inside the bytes whatever is asked', () => {
    fc.assert(
      fc.property(rangeHeader(30), fc.integer({ min: 0, max: 20 }), (asked, total) => {
        const range = resolveRange(asked, total);
        if (range === undefined || range === 'unsatisfiable') return;
        expect(Number.isSafeInteger(range.start) && Number.isSafeInteger(range.end)).toBe(true);
        expect(0 <= range.start && range.start <= range.end && range.end < total).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('has nothing to give of an empty file', () => {
    expect([resolveRange('bytes=0-', 0), resolveRange('bytes=-1', 0)]).toEqual(['unsatisfiable', 'unsatisfiable']);
  });
});

describe('allowsRange()', () => {
  it.each([
    [undefined, '"a"', true], [undefined, undefined, true], ['"a"', '"a"', true], [' "a" ', '"a"', true], ['"b"', '"a"', false],
    ['W/"a"', 'W/"a"', false], ['W/"a"', '"a"', false], ['"a"', undefined, false], ['*', '"a"', false],
  ])('If-Range %j against %j is %s', (ifRange, etag, allowed) => expect(allowsRange(ifRange, etag)).toBe(allowed));
});

describe('matchesEtag()', () => {
  it.each([
    ['"a"', 'W/"a"', true], ['W/"a"', '"a"', true], ['"a" "b"', '"a"', false], ['"a', '"a', true], ['"b", "a"', '"a"', true], ['a', '"a"', false],
    ['w/"a"', '"a"', false], [undefined, '"a"', false],
  ])('%j against %j is %s', (header, etag, matches) => expect(matchesEtag(header, etag)).toBe(matches));

  it('never throws', () => fc.assert(fc.property(fc.string(), (text) => typeof matchesEtag(text, '"a"') === 'boolean')));
});
