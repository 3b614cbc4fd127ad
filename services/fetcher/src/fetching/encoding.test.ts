import { describe, expect, it } from '@jest/globals';
import { parseCoding } from './encoding.ts';

describe('parseCoding()', () => {
  it.each([
    [undefined, 'identity'], ['', 'identity'], ['identity', 'identity'], ['gzip', 'gzip'], ['GZIP', 'gzip'], [' x-gzip ', 'gzip'], ['br', 'br'], ['zstd', 'zstd'], ['deflate', 'deflate'],
    ['identity, gzip', 'gzip'], ['gzip, gzip', undefined], ['gzip,br', undefined], ['compress', undefined], ['constructor', undefined], ['gzip;q=1', undefined],
  ])('%j is %s', (text, expected) => {
    expect(parseCoding(text)).toBe(expected);
  });
});
