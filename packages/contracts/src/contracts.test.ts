import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  CODES,
  CODE_NAMES,
  FRAME_BODY_IN_BYTES_MAX,
  FRAME_HEADER_BYTES,
  FRAME_JSON_BYTES_MAX,
  type FetchOutcome,
  OUTCOME_CHARS_MAX,
  PUBLIC_CODES,
  SekishoError,
  encodeFrameHeader,
  encodeOutcome,
  isSekishoError,
  parseFetchRequest,
  parseFrameHeader,
  parseImageJob,
  parseImageReply,
  parseOutcome,
  toSekishoError,
} from './index.ts';

const id = 'AAAAAAAAAAAAAAAAAAAAAA';
const request = {
  v: 1,
  requestId: 'request-1',
  url: 'https://a.origin.example/x.png',
  want: 'auto',
  sourceId: id,
  loop: { via: [], cdnLoop: [] },
  limits: { bytesMax: 1, deadlineMs: 1 },
};
const job = { v: 1, jobId: id, sourceId: id, outId: id, isolation: id, class: 'raster', mode: 'emoji', deadlineAtMs: 1, replyTo: id };
const reply = { v: 1, jobId: id, ok: true, type: 'image/webp', width: 1, height: 1, frames: 1, bytes: 1, cpuMs: 0, waitMs: 0 };

describe('code table', () => {
  it('maps every code to a public code, a status and a help text', () => {
    expect(CODE_NAMES.length).toBeGreaterThan(30);
    for (const code of CODE_NAMES) {
      expect(code).toMatch(/^SEKISHO_[A-Z0-9_]+$/);
      expect(Object.keys(PUBLIC_CODES)).toContain(CODES[code].publicCode);
      expect(CODES[code].help.length).toBeGreaterThan(20);
      expect(CODES[code].retryable).toBe([429, 503].includes(CODES[code].status));
    }
  });

  it('gives one status per forbidden target, so that no cause shows', () => {
    const rows = CODE_NAMES.filter((code) => code.startsWith('SEKISHO_TARGET_')).map((code) => CODES[code]);
    expect(new Set(rows.map((row) => `${row.status} ${row.publicCode}`))).toEqual(new Set(['403 FORBIDDEN_TARGET']));
  });
});

describe('SekishoError', () => {
  it('is recognised by its brand and wraps the unknown', () => {
    const fault = new SekishoError('SEKISHO_DEADLINE');
    expect(isSekishoError(fault)).toBe(true);
    expect(toSekishoError(fault)).toBe(fault);
    expect(isSekishoError(new Error('x'))).toBe(false);
    expect(toSekishoError(new Error('x')).code).toBe('SEKISHO_INTERNAL');
  });
});

describe('parseFetchRequest()', () => {
  it('takes a whole request', () => {
    expect(parseFetchRequest(JSON.stringify(request))).toMatchObject({ ok: true });
  });

  it.each([
    ['unknown version', { ...request, v: 2 }, 'SEKISHO_CONTRACT_VERSION'],
    ['no version', { ...request, v: undefined }, 'SEKISHO_CONTRACT_INVALID'],
    ['unknown key', { ...request, extra: 1 }, 'SEKISHO_CONTRACT_INVALID'],
    ['id with a slash', { ...request, sourceId: 'AAAAAAAAAAAAAAAAAAAAA/' }, 'SEKISHO_CONTRACT_INVALID'],
    ['id too long', { ...request, sourceId: `${id}A` }, 'SEKISHO_CONTRACT_INVALID'],
    ['url at the limit + 1', { ...request, url: 'u'.repeat(8_193) }, 'SEKISHO_CONTRACT_INVALID'],
    ['six via entries', { ...request, loop: { via: Array(6).fill('1.1 a'), cdnLoop: [] } }, 'SEKISHO_CONTRACT_INVALID'],
    ['two ranges', { ...request, range: 'bytes=0-1,2-3' }, 'SEKISHO_CONTRACT_INVALID'],
    ['range with a line break', { ...request, range: 'bytes=0-1\r\nx: y' }, 'SEKISHO_CONTRACT_INVALID'],
  ])('refuses %s', (_name, value, code) => {
    expect(parseFetchRequest(JSON.stringify(value))).toMatchObject({ ok: false, code });
  });

  it('never throws on any text', () => {
    fc.assert(fc.property(fc.string(), (text) => !parseFetchRequest(text).ok));
  });
});

describe('parseFetchRequest() of a document', () => {
  const date = 'Wed, 25 Nov 2026 04:31:07 GMT';
  const signature = `keyId="https://m.origin.example/.sekisho/actor#main-key",algorithm="rsa-sha256",headers="(request-target) host date",signature="${'A'.repeat(342)}=="`;
  const activity = { ...request, url: 'https://a.origin.example/users/a?x=1', want: 'document', accept: 'activity', limits: { bytesMax: 256 * 1024, deadlineMs: 8_000 } };
  const signed = { date, signature };

  it.each([
    ['an activity', activity],
    ['a signed activity', { ...activity, signed }],
    ['a list', { ...activity, accept: 'list', limits: { bytesMax: 4 * 1024 * 1024, deadlineMs: 20_000 } }],
    ['nodeinfo', { ...activity, accept: 'nodeinfo', limits: { bytesMax: 64 * 1024, deadlineMs: 5_000 } }],
  ])('takes %s', (_name, value) => {
    expect(parseFetchRequest(JSON.stringify(value))).toEqual({ ok: true, request: value });
  });

  it.each([
    ['no kind', { ...activity, accept: undefined }],
    ['an unknown kind', { ...activity, accept: 'html' }],
    ['a kind with a stream', { ...activity, want: 'stream' }],
    ['a signature with a picture', { ...request, signed }],
    ['a signed list', { ...activity, accept: 'list', signed }],
    ['signed nodeinfo', { ...activity, accept: 'nodeinfo', signed, limits: { bytesMax: 1, deadlineMs: 1 } }],
    ['nodeinfo a byte too long', { ...activity, accept: 'nodeinfo', limits: { bytesMax: 64 * 1024 + 1, deadlineMs: 1 } }],
    ['a range', { ...activity, range: 'bytes=0-1' }],
    ['a validator', { ...activity, ifRange: '"x"' }],
    ['types to store', { ...activity, storeTypes: [] }],
    ['plain http', { ...activity, url: 'http://a.origin.example/' }],
    ['a fragment', { ...activity, url: 'https://a.origin.example/#k' }],
    ['a backslash', { ...activity, url: 'https://a.origin.example/?\\' }],
    ['a URL of 2,049 characters', { ...activity, url: `https://a.origin.example/${'a'.repeat(2_049 - 25)}` }],
    ['a byte too many', { ...activity, limits: { ...activity.limits, bytesMax: 256 * 1024 + 1 } }],
    ['a list a byte too long', { ...activity, accept: 'list', limits: { bytesMax: 4 * 1024 * 1024 + 1, deadlineMs: 1 } }],
    ['a millisecond too many', { ...activity, limits: { ...activity.limits, deadlineMs: 8_001 } }],
    ['a date with a line break', { ...activity, signed: { ...signed, date: `${date}\r\nx: y` } }],
    ['a date of another form', { ...activity, signed: { ...signed, date: '2026-11-25T04:31:07Z' } }],
    ['a signature with a line break', { ...activity, signed: { ...signed, signature: `${signature}\r\n` } }],
    ['a signature over more headers', { ...activity, signed: { ...signed, signature: signature.replace('host date', 'host date cookie') } }],
    ['another parameter', { ...activity, signed: { ...signed, signature: `${signature},created=1` } }],
    ['another header', { ...activity, signed: { ...signed, cookie: 'a=b' } }],
  ])('refuses %s', (_name, value) => {
    expect(parseFetchRequest(JSON.stringify(value))).toMatchObject({ ok: false, code: 'SEKISHO_CONTRACT_INVALID' });
  });
});

describe('outcome header', () => {
  const outcomes: FetchOutcome[] = [
    { kind: 'stream', status: 200, type: 'video/mp4', length: 5, finalOrigin: 'https://a.origin.example' },
    { kind: 'stream', status: 206, type: 'video/mp4', contentRange: { start: 0, end: 1, total: 9 }, validator: '"x"', finalOrigin: 'https://a.origin.example:8443' },
    { kind: 'stored', sourceId: id, bytes: 1, type: 'image/png', width: 1, height: 1, framesAtLeast: 1, finalOrigin: 'http://a.origin.example' },
    { kind: 'document', status: 200, type: 'application/activity+json', bytes: 5, finalUrl: 'https://a.origin.example/users/a' },
    { kind: 'document', status: 200, type: 'text/csv', bytes: 4 * 1024 * 1024, finalUrl: `https://a.origin.example/${'%'.repeat(2_023)}` },
    { kind: 'deny', code: 'SEKISHO_TARGET_ADDRESS' },
    { kind: 'fault', code: 'SEKISHO_UPSTREAM_STATUS', upstreamStatus: 404 },
  ];
  const documentWith = (over: object): string => Buffer.from(JSON.stringify({ ...outcomes[3], ...over })).toString('base64url');

  it.each(outcomes)('survives both ends: %j', (outcome) => {
    expect(parseOutcome(encodeOutcome(outcome))).toEqual({ ok: true, outcome });
  });

  it.each([
    ['absent', undefined],
    ['empty', ''],
    ['too long', 'A'.repeat(OUTCOME_CHARS_MAX + 1)],
    ['no base64url', '{"kind":"deny"}'],
    ['no JSON', Buffer.from('nope').toString('base64url')],
    ['origin with credentials', Buffer.from(JSON.stringify({ ...outcomes[0], finalOrigin: 'https://u@h' })).toString('base64url')],
    ['a document of HTML', documentWith({ type: 'text/html' })],
    ['a document above every limit', documentWith({ bytes: 4 * 1024 * 1024 + 1 })],
    ['a document of a 404', documentWith({ status: 404 })],
    ['a document in the clear', documentWith({ finalUrl: 'http://a.origin.example/' })],
    ['unknown code', Buffer.from('{"kind":"deny","code":"X"}').toString('base64url')],
    ['status 500 as mirrored', Buffer.from('{"kind":"fault","code":"SEKISHO_UPSTREAM_STATUS","upstreamStatus":500}').toString('base64url')],
  ])('refuses a header that is %s', (_name, header) => {
    expect(parseOutcome(header)).toMatchObject({ ok: false, code: 'SEKISHO_CONTRACT_INVALID' });
  });
});

describe('image job and reply', () => {
  it('takes whole ones', () => {
    expect(parseImageJob(job)).toMatchObject({ ok: true });
    expect(parseImageReply(JSON.stringify(reply))).toEqual(reply);
    expect(parseImageReply(JSON.stringify({ v: 1, jobId: id, ok: false, code: 'SEKISHO_IMAGE_CPU', cpuMs: 8_000 }))).toBeDefined();
  });

  it.each([
    ['other version', { ...job, v: 9 }, 'SEKISHO_CONTRACT_VERSION'],
    ['url smuggled in', { ...job, url: 'https://x' }, 'SEKISHO_CONTRACT_INVALID'],
    ['unknown mode', { ...job, mode: 'huge' }, 'SEKISHO_CONTRACT_INVALID'],
  ])('refuses a job with %s', (_name, value, code) => {
    expect(parseImageJob(value)).toMatchObject({ ok: false, code });
  });

  it.each([
    ['svg type', { ...reply, type: 'image/svg+xml' }],
    ['negative cpu', { ...reply, cpuMs: -1 }],
    ['cpu that is no number', { ...reply, cpuMs: 'NaN' }],
    ['301 frames', { ...reply, frames: 301 }],
    ['result over 8 MiB', { ...reply, bytes: 8 * 1024 * 1024 + 1 }],
    ['both ok and code', { ...reply, code: 'SEKISHO_INTERNAL' }],
  ])('refuses a reply with %s', (_name, value) => {
    expect(parseImageReply(JSON.stringify(value))).toBeUndefined();
  });
});

describe('decoder frame header', () => {
  const header = { kind: 'job', seq: 7, jsonBytes: FRAME_JSON_BYTES_MAX, bodyBytes: FRAME_BODY_IN_BYTES_MAX } as const;

  it('survives both ends at its limits', () => {
    expect(parseFrameHeader(encodeFrameHeader(header), FRAME_BODY_IN_BYTES_MAX)).toEqual(header);
  });

  it.each([
    ['one JSON byte too many', { ...header, jsonBytes: FRAME_JSON_BYTES_MAX + 1 }],
    ['one body byte too many', { ...header, bodyBytes: FRAME_BODY_IN_BYTES_MAX + 1 }],
  ])('refuses %s', (_name, value) => {
    expect(parseFrameHeader(encodeFrameHeader(value), FRAME_BODY_IN_BYTES_MAX)).toBeUndefined();
  });

  it('refuses any other magic, kind or padding', () => {
    const good = encodeFrameHeader(header);
    for (const at of [0, 1, 2, 3, 8, 9, 10, 11]) {
      const bad = good.slice();
      bad[at] = (bad[at] ?? 0) ^ 0x44;
      expect(parseFrameHeader(bad, FRAME_BODY_IN_BYTES_MAX)).toBeUndefined();
    }
    expect(parseFrameHeader(good.subarray(0, FRAME_HEADER_BYTES - 1), FRAME_BODY_IN_BYTES_MAX)).toBeUndefined();
  });
});
