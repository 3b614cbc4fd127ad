import { describe, expect, it } from '@jest/globals';
import type { FetchOutcome, FetchRequest } from '@sekisho/contracts';
import { checkOutcome } from './check.ts';

const SOURCE = 'AAAAAAAAAAAAAAAAAAAAAA';
const MiB = 1024 * 1024;

const ask = (over: Partial<FetchRequest> = {}): FetchRequest => ({
  v: 1,
  requestId: 'request-1',
  url: 'https://a.origin.example/a.png',
  want: 'auto',
  sourceId: SOURCE,
  loop: { via: [], cdnLoop: [] },
  limits: { bytesMax: 1_000, deadlineMs: 1_000 },
  ...over,
});
const stored = (over: object = {}): FetchOutcome => ({
  kind: 'stored', sourceId: SOURCE, bytes: 10, type: 'image/png', width: 1, height: 1, framesAtLeast: 1,
  finalOrigin: 'https://a.origin.example', ...over,
});
const stream = (over: object = {}): FetchOutcome => ({
  kind: 'stream', status: 200, type: 'video/mp4', finalOrigin: 'https://a.origin.example', ...over,
});
const partial = (start: number, end: number, total: number, over: object = {}): FetchOutcome =>
  stream({ status: 206, contentRange: { start, end, total }, ...over });

const KEY = 'https://a.origin.example/users/a';
const askKey = (over: Partial<FetchRequest> = {}): FetchRequest => ask({ url: KEY, want: 'document', accept: 'activity', ...over });
const document = (over: object = {}): FetchOutcome => ({ kind: 'document', status: 200, type: 'application/activity+json', bytes: 10, finalUrl: KEY, ...over });

describe('checkOutcome()', () => {
  it.each<[string, FetchRequest, FetchOutcome, boolean]>([
    ['stored', ask(), stored(), true],
    ['stored under another id', ask(), stored({ sourceId: 'BAAAAAAAAAAAAAAAAAAAAA' }), false],
    ['stored at the limit', ask(), stored({ bytes: 1_000 }), true],
    ['stored above the limit', ask(), stored({ bytes: 1_001 }), false],
    ['stored and empty', ask(), stored({ bytes: 0 }), false],
    ['stored above what a picture may have', ask({ limits: { bytesMax: 250 * MiB, deadlineMs: 1 } }), stored({ bytes: 20 * MiB + 1 }), false],
    ['stored, a stream was asked', ask({ want: 'stream' }), stored(), false],
    ['a stream, storing was asked', ask({ want: 'store' }), stream(), false],
    ['a stream of unknown length', ask(), stream(), true],
    ['a stream at the limit', ask(), stream({ length: 1_000 }), true],
    ['a stream above the limit', ask(), stream({ length: 1_001 }), false],
    ['200 with a content range', ask(), stream({ contentRange: { start: 0, end: 1, total: 2 } }), false],
    ['200 to a range', ask({ range: 'bytes=0-1' }), stream(), true],
    ['206 unasked', ask(), partial(0, 1, 10), false],
    ['206 without content range', ask({ range: 'bytes=0-1' }), stream({ status: 206 }), false],
    ['206 as asked', ask({ range: 'bytes=2-5' }), partial(2, 5, 10, { length: 4 }), true],
    ['206 with a wrong length', ask({ range: 'bytes=2-5' }), partial(2, 5, 10, { length: 5 }), false],
    ['206 shorter than asked', ask({ range: 'bytes=2-50' }), partial(2, 9, 10), true],
    ['206 longer than asked', ask({ range: 'bytes=2-5' }), partial(2, 6, 10), false],
    ['206 from another start', ask({ range: 'bytes=2-5' }), partial(1, 5, 10), false],
    ['206 past its own end', ask({ range: 'bytes=2-' }), partial(2, 10, 10), false],
    ['206 backwards', ask({ range: 'bytes=2-' }), partial(2, 1, 10), false],
    ['206 open-ended', ask({ range: 'bytes=2-' }), partial(2, 9, 10), true],
    ['206 of a suffix', ask({ range: 'bytes=-3' }), partial(7, 9, 10), true],
    ['206 of a suffix longer than the file', ask({ range: 'bytes=-30' }), partial(0, 9, 10), true],
    ['206 of another suffix', ask({ range: 'bytes=-3' }), partial(6, 9, 10), false],
    ['a document', askKey(), document(), true],
    ['a document at the limit', askKey(), document({ bytes: 1_000 }), true],
    ['a document above the limit', askKey(), document({ bytes: 1_001 }), false],
    ['an activity of another URL', askKey(), document({ finalUrl: `${KEY}b` }), false],
    ['an activity of a type of lists', askKey(), document({ type: 'application/json' }), false],
    ['nodeinfo', askKey({ accept: 'nodeinfo' }), document({ type: 'application/json' }), true],
    ['nodeinfo of another URL', askKey({ accept: 'nodeinfo' }), document({ type: 'application/json', finalUrl: 'https://b.origin.example/n' }), false],
    ['a list that moved', askKey({ accept: 'list' }), document({ type: 'text/csv', finalUrl: 'https://b.origin.example/l' }), true],
    ['a list of a type of activities', askKey({ accept: 'list' }), document(), false],
    ['a document, media were asked', ask(), document(), false],
    ['a stream, a document was asked', askKey(), stream(), false],
    ['stored, a document was asked', askKey(), stored(), false],
    ['a refusal', ask(), { kind: 'deny', code: 'SEKISHO_TARGET_ADDRESS' }, true],
  ])('%s', (_name, request, outcome, fits) => {
    expect(checkOutcome(request, outcome) === undefined).toBe(fits);
  });
});
