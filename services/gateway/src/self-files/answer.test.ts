import { describe, expect, it } from '@jest/globals';
import { readFileHead } from './answer.ts';

const body = { kind: 'body', length: undefined, part: undefined, validator: undefined, fileName: undefined };

describe('readFileHead()', () => {
  it.each<[string, [number, Record<string, string | string[]>, boolean], object]>([
    ['a file', [200, { 'content-length': '5', etag: '"a"', 'content-disposition': 'inline; filename="a \\"b\\".png"' }, false], { ...body, length: 5, validator: '"a"', fileName: 'a "b".png' }],
    ['an extended name', [200, { 'content-disposition': "inline; filename=a; filename*=UTF-8''%E9%96%A2.png" }, false], { ...body, fileName: '関.png' }],
    ['a broken name', [200, { 'content-disposition': "inline; filename=a; filename*=UTF-8''%E9%" }, false], { ...body, fileName: 'a' }],
    ['a date', [200, { 'last-modified': 'Tue, 24 Nov 2026 00:00:00 GMT' }, false], { ...body, validator: 'Tue, 24 Nov 2026 00:00:00 GMT' }],
    ['a bad length', [200, { 'content-length': '-5' }, false], body],
    ['a part', [206, { 'content-range': 'bytes 2-4/9', 'content-length': '99' }, true], { ...body, length: 3, part: { start: 2, end: 4, total: 9 } }],
    ['a part that nobody asked for', [206, { 'content-range': 'bytes 2-4/9' }, false], { kind: 'refuse', code: 'SEKISHO_UPSTREAM_FAULT' }],
    ['a part without a range', [206, {}, true], { kind: 'refuse', code: 'SEKISHO_UPSTREAM_FAULT' }],
    ['a part behind its end', [206, { 'content-range': 'bytes 2-9/9' }, true], { kind: 'refuse', code: 'SEKISHO_UPSTREAM_FAULT' }],
    ['no body', [204, {}, false], { kind: 'empty' }],
    ['gzip', [200, { 'content-encoding': 'gzip' }, false], { kind: 'refuse', code: 'SEKISHO_UPSTREAM_ENCODING' }],
    ['a redirect', [301, { location: '/media/?url=x' }, false], { kind: 'redirect', location: '/media/?url=x' }],
    ['a redirect to two places', [301, { location: ['/a', '/b'] }, false], { kind: 'refuse', code: 'SEKISHO_UPSTREAM_REDIRECTS' }],
    ['not there', [404, {}, false], { kind: 'refuse', code: 'SEKISHO_UPSTREAM_STATUS', upstreamStatus: 404 }],
    ['gone', [410, {}, false], { kind: 'refuse', code: 'SEKISHO_UPSTREAM_STATUS', upstreamStatus: 410 }],
    ['too many', [429, {}, false], { kind: 'refuse', code: 'SEKISHO_UPSTREAM_PAUSED', retryAfterS: 30 }],
    ['416', [416, {}, true], { kind: 'refuse', code: 'SEKISHO_UPSTREAM_RANGE' }],
    ['500', [500, {}, false], { kind: 'refuse', code: 'SEKISHO_UPSTREAM_FAULT' }],
    ['503', [503, {}, false], { kind: 'refuse', code: 'SEKISHO_MISSKEY_AWAY' }],
  ])('%s', (_name, [status, headers, isRangeAsked], expected) => {
    expect(readFileHead({ status, headers }, isRangeAsked)).toEqual(expected);
  });
});
