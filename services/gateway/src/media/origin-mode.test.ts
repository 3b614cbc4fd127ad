import { describe, expect, it } from '@jest/globals';
import { createStorageCheck } from './origin-mode.ts';

describe('createStorageCheck()', () => {
  const holds = createStorageCheck(['https://s3.origin.example/bucket', 'https://cdn.origin.example/']);

  it.each([
    ['https://s3.origin.example/bucket/a.png', true],
    ['https://s3.origin.example/bucket/', true],
    ['https://s3.origin.example/bucket-of-others/a.png', false],
    ['https://s3.origin.example/other/a.png', false],
    ['https://s3.origin.example.evil.example/bucket/a.png', false],
    ['https://s3.origin.example:8443/bucket/a.png', false],
    ['http://s3.origin.example/bucket/a.png', false],
    ['https://s3.origin.example/bucket/../other/a.png', false],
    ['https://cdn.origin.example/a.png', true],
    ['not a url', false],
  ])('says of %s: %s', (url, expected) => {
    expect(holds(url)).toBe(expected);
  });

  it('holds nothing without bases', () => {
    expect(createStorageCheck([])('https://s3.origin.example/bucket/a.png')).toBe(false);
  });
});
