import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { classifyStatus, parseRetryAfter } from './status.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const classify = (status: number, rangeAsked = false) => classifyStatus({ status, rangeAsked, retryAfter: undefined, nowMs: NOW });

describe('classifyStatus()', () => {
  it.each([
    [200, false, { kind: 'body', partial: false }], [203, false, { kind: 'body', partial: false }], [200, true, { kind: 'body', partial: false }],
    [206, true, { kind: 'body', partial: true }], [206, false, { kind: 'fault', code: 'SEKISHO_UPSTREAM_FAULT' }],
    [204, false, { kind: 'empty' }], [304, false, { kind: 'empty' }], [300, false, { kind: 'fault', code: 'SEKISHO_UPSTREAM_FAULT' }],
    [400, false, { kind: 'fault', code: 'SEKISHO_UPSTREAM_STATUS', upstreamStatus: 400 }], [499, false, { kind: 'fault', code: 'SEKISHO_UPSTREAM_STATUS', upstreamStatus: 499 }],
    [416, true, { kind: 'fault', code: 'SEKISHO_UPSTREAM_RANGE' }], [416, false, { kind: 'fault', code: 'SEKISHO_UPSTREAM_STATUS', upstreamStatus: 416 }],
    [429, false, { kind: 'fault', code: 'SEKISHO_UPSTREAM_PAUSED', retryAfterS: 30 }], [500, false, { kind: 'fault', code: 'SEKISHO_UPSTREAM_FAULT' }], [999, false, { kind: 'fault', code: 'SEKISHO_UPSTREAM_FAULT' }],
  ])('%i, range asked %s', (status, rangeAsked, expected) => {
    expect(classify(status, rangeAsked)).toEqual(expected);
  });
});

describe('parseRetryAfter()', () => {
  it.each([
    ['7', 7], ['0', 1], ['60', 60], ['61', 60], ['999999999', 60], ['-5', 30], ['x', 30], ['', 30], [undefined, 30], ['1.5', 30], ['2026-01-01T00:00:09Z', 30],
    ['Thu, 01 Jan 2026 00:00:09 GMT', 9], ['Thu, 01 Jan 2026 00:10:00 GMT', 60], ['Wed, 31 Dec 2025 23:59:00 GMT', 1],
  ])('%j is %i s', (text, expected) => {
    expect(parseRetryAfter(text, NOW)).toBe(expected);
  });

  it('is always 1 to 60', () => {
    fc.assert(fc.property(fc.string(), (text) => parseRetryAfter(text, NOW) >= 1 && parseRetryAfter(text, NOW) <= 60));
  });
});
