import { describe as group, expect, it } from '@jest/globals';
import type { StreamOutcome } from '@sekisho/contracts';
import { rangeHeader } from '@sekisho/testkit/arbitraries';
import fc from 'fast-check';
import { type StreamAsk, type StreamDescription, belongsTo, describe, etagOf, planStream } from './plan.ts';

const KEY = 'k'.repeat(43);
const known: StreamDescription = { type: 'video/mp4', validator: '"v1"', length: 1_000 };
const etag = etagOf(KEY, known)!;
const ask = (over: Partial<StreamAsk> = {}): StreamAsk => ({ method: 'GET', range: undefined, ifRange: undefined, ifNoneMatch: undefined, ...over });
const whole = { kind: 'fetch', range: undefined };
const part = (range: string): object => ({ kind: 'fetch', range });

group('planStream()', () => {
  it.each<[string, StreamAsk, StreamDescription | undefined, object]>([
    ['the whole of the unknown', ask(), undefined, whole],
    ['a range of the unknown', ask({ range: 'bytes=0-1' }), undefined, { kind: 'probe' }],
    ['HEAD of the unknown', ask({ method: 'HEAD' }), undefined, { kind: 'probe' }],
    ['HEAD', ask({ method: 'HEAD' }), known, { kind: 'describe' }],
    ['HEAD with a range', ask({ method: 'HEAD', range: 'bytes=0-1' }), known, { kind: 'describe' }],
    ['a match', ask({ ifNoneMatch: etag }), known, { kind: 'not-modified' }],
    ['a match with a range', ask({ ifNoneMatch: `"x", ${etag}`, range: 'bytes=0-1' }), known, { kind: 'not-modified' }],
    ['no match', ask({ ifNoneMatch: '"x"' }), known, whole],
    ['a match without a validator', ask({ ifNoneMatch: etag }), { ...known, validator: undefined }, whole],
    ['the first byte', ask({ range: 'bytes=0-0' }), known, part('bytes=0-0')],
    ['open end', ask({ range: 'bytes=5-' }), known, part('bytes=5-999')],
    ['the last byte', ask({ range: 'bytes=999-' }), known, part('bytes=999-999')],
    ['behind the last byte', ask({ range: 'bytes=1000-' }), known, { kind: 'unsatisfiable', length: 1_000 }],
    ['an end behind the last byte', ask({ range: 'bytes=0-5000' }), known, part('bytes=0-999')],
    ['a suffix', ask({ range: 'bytes=-10' }), known, part('bytes=990-999')],
    ['an empty suffix', ask({ range: 'bytes=-0' }), known, { kind: 'unsatisfiable', length: 1_000 }],
    ['a suffix longer than all', ask({ range: 'bytes=-9999' }), known, part('bytes=0-999')],
    ['backwards', ask({ range: 'bytes=9-1' }), known, whole],
    ['letters', ask({ range: 'bytes=a-b' }), known, whole],
    ['nothing', ask({ range: 'bytes=-' }), known, whole],
    ['several ranges', ask({ range: 'bytes=0-1,2-3' }), known, whole],
    ['another unit', ask({ range: 'lines=0-1' }), known, whole],
    ['more digits than a number has', ask({ range: `bytes=0-${'9'.repeat(30)}` }), known, whole],
    ['a range of unknown length', ask({ range: 'bytes=0-1' }), { ...known, length: undefined }, whole],
    ['If-Range that fits', ask({ range: 'bytes=0-1', ifRange: etag }), known, part('bytes=0-1')],
    ['If-Range of another version', ask({ range: 'bytes=0-1', ifRange: '"x"' }), known, whole],
    ['If-Range with a date', ask({ range: 'bytes=0-1', ifRange: 'Tue, 24 Nov 2026 00:00:00 GMT' }), known, whole],
    ['If-Range without a validator', ask({ range: 'bytes=0-1', ifRange: etag }), { ...known, validator: undefined }, whole],
    ['no If-Range without a validator', ask({ range: 'bytes=0-1' }), { ...known, validator: undefined }, part('bytes=0-1')],
    ['If-Range with a weak validator', ask({ range: 'bytes=0-1', ifRange: etagOf(KEY, { ...known, validator: 'W/"v"' })! }), { ...known, validator: 'W/"v"' }, whole],
  ])('%s', (_name, request, description, plan) => {
    expect(planStream(request, KEY, description)).toEqual(plan);
  });

  it('never leaves the file, whatever is asked', () => {
    fc.assert(fc.property(rangeHeader(2_000), fc.oneof(fc.nat(2_000), fc.constant(Number.MAX_SAFE_INTEGER)), (range, length) => {
      const plan = planStream(ask({ range }), KEY, { ...known, length });
      if (plan.kind === 'unsatisfiable') return expect(plan.length).toBe(length);
      if (plan.kind !== 'fetch') throw new Error(plan.kind);
      if (plan.range === undefined) return;
      const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(plan.range)!.map(Number);
      expect(start! <= end! && end! < length && Number.isSafeInteger(end)).toBe(true);
    }), { numRuns: 1_000 });
  });
});

group('etagOf()', () => {
  it('changes with key, validator and length, and is none without them', () => {
    const all = [etag, etagOf('l'.repeat(43), known), etagOf(KEY, { ...known, validator: '"v2"' }), etagOf(KEY, { ...known, length: 1_001 })];
    expect(new Set(all).size).toBe(4);
    expect(etagOf(KEY, { ...known, validator: undefined })).toBeUndefined();
    expect(etagOf(KEY, { ...known, length: undefined })).toBeUndefined();
    expect(etag).not.toContain('v1');
  });
});

const outcome = (over: Partial<StreamOutcome> = {}): StreamOutcome => ({ kind: 'stream', status: 200, type: 'video/mp4', finalOrigin: 'https://a.origin.example', ...over });

group('describe()', () => {
  it.each<[string, StreamOutcome, StreamDescription | undefined]>([
    ['a whole', outcome({ length: 7, validator: '"a"' }), { type: 'video/mp4', validator: '"a"', length: 7 }],
    ['a part', outcome({ status: 206, length: 2, contentRange: { start: 0, end: 1, total: 7 } }), { type: 'video/mp4', validator: undefined, length: 7 }],
    ['a page', outcome({ type: 'text/html' }), undefined],
    ['an SVG', outcome({ type: 'image/svg+xml' }), undefined],
  ])('%s', (_name, given, expected) => {
    expect(describe(given)).toEqual(expected);
  });
});

group('belongsTo()', () => {
  const piece = (over: Partial<StreamOutcome> = {}): StreamOutcome => outcome({ status: 206, validator: '"v1"', contentRange: { start: 0, end: 1, total: 1_000 }, ...over });
  it.each<[string, StreamOutcome, boolean]>([
    ['the same', piece(), true],
    ['another validator', piece({ validator: '"v2"' }), false],
    ['another length', piece({ contentRange: { start: 0, end: 1, total: 1_001 } }), false],
    ['no length', outcome({ status: 206, validator: '"v1"' }), false],
  ])('%s', (_name, given, expected) => {
    expect(belongsTo(given, known)).toBe(expected);
  });
});
