// Everything a hostile or broken upstream does must end in time, with the right code, and with no connection left open.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { blankPng, makeStream, startRedis, type TestRedis } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { type Rig, startRig } from './testing/rig.ts';

let redis: TestRedis;
let rig: Rig;
/** Far above the rig's longest deadline, far below the test's. */
const TIME_MS = 8_000;
let hosts = 0;
/** A host of its own per case: faults pause a host. */
const url = (path: string): string => rig.origin.url(path, `h${(hosts += 1)}.origin.example`);

beforeAll(async () => {
  redis = await startRedis();
  rig = await startRig({
    redisUrl: redis.url,
    zone: {
      'none.origin.example': {}, 'gone.origin.example': { rcode: 'NXDOMAIN' }, 'fail.origin.example': { rcode: 'SERVFAIL' },
      'silent.origin.example': { silent: true }, 'mixed.origin.example': { a: ['127.0.0.1', '10.0.0.1'] },
      'private.origin.example': { a: ['10.0.0.1'] }, 'alias.origin.example': { cname: 'private.origin.example' },
    },
  });
  const png = blankPng({ width: 8, height: 8 });
  rig.origin.serve('/empty', { bytes: Buffer.alloc(0) });
  rig.origin.serve('/text', { bytes: Buffer.from('hello'), type: 'image/png' });
  rig.origin.serve('/pdf', { bytes: Buffer.from('%PDF-1.7\n'), type: 'image/png' });
  rig.origin.serve('/gz', { bytes: makeStream('video/webm', 50_000), contentEncoding: ['gzip'], etag: '"e"' });
  rig.origin.serve('/br', { bytes: makeStream('video/webm', 50_000), contentEncoding: ['br'] });
  rig.origin.serve('/zstd', { bytes: makeStream('video/webm', 50_000), contentEncoding: ['zstd'] });
  rig.origin.serve('/deflate', { bytes: png, contentEncoding: ['deflate'] });
  rig.origin.serve('/nested', { bytes: png, contentEncoding: ['br', 'gzip'] });
  rig.origin.serve('/unknown', { bytes: png, headers: { 'content-encoding': 'compress' } });
  rig.origin.serve('/203', { bytes: makeStream('video/webm', 5_000), status: 203 });
});
afterAll(async () => {
  await rig.stop();
  await redis.stop();
});

describe('a broken or hostile upstream', () => {
  const long = { bytesMax: 1_000_000, deadlineMs: 10_000 };
  it.each([
    ['/slow?ms=5000', 'fault SEKISHO_UPSTREAM_TIMEOUT'],
    ['/hang', 'fault SEKISHO_UPSTREAM_TIMEOUT'],
    ['/header-drip?ms=50', 'fault SEKISHO_UPSTREAM_TIMEOUT'],
    ['/103-flood', 'fault SEKISHO_UPSTREAM_TIMEOUT'],
    ['/drip?ms=20', 'fault SEKISHO_UPSTREAM_TIMEOUT'],
    ['/drip?ms=20&head=10000', 'stream video/webm broken'],
    ['/stall?head=100', 'fault SEKISHO_UPSTREAM_TIMEOUT'],
    ['/stall?head=20000', 'stream video/webm broken'],
    ['/infinite', 'stream video/webm broken'],
    ['/gzip-bomb?bytes=8000000', 'stream video/webm broken'],
    ['/br-bomb?bytes=8000000', 'stream video/webm broken'],
    ['/zstd-bomb?bytes=8000000', 'stream video/webm broken'],
    ['/double-gzip', 'fault SEKISHO_UPSTREAM_ENCODING'],
    ['/double-gzip?say=gzip', 'deny SEKISHO_TYPE_REFUSED'],
    ['/broken-gzip', 'fault SEKISHO_UPSTREAM_ENCODING'],
    ['/broken-gzip?cut', 'stream video/webm broken'],
    ['/nested', 'fault SEKISHO_UPSTREAM_ENCODING'],
    ['/unknown', 'fault SEKISHO_UPSTREAM_ENCODING'],
    ['/wrong-length?say=10000&send=2000', 'fault SEKISHO_UPSTREAM_FAULT'],
    ['/wrong-length?say=10000&send=9999', 'stream video/webm broken'],
    ['/wrong-length?say=x&send=5000', 'fault SEKISHO_UPSTREAM_FAULT'],
    ['/wrong-length?say=2000000&send=5000', 'deny SEKISHO_UPSTREAM_TOO_LARGE'],
    ['/reset?head=1024', 'fault SEKISHO_UPSTREAM_FAULT'],
    ['/reset?head=20000', 'stream video/webm broken'],
    ['/cut-chunked?head=20000', 'stream video/webm broken'],
    ['/loop', 'fault SEKISHO_UPSTREAM_REDIRECTS'],
    ['/redirect?none', 'fault SEKISHO_UPSTREAM_REDIRECTS'],
    ['/redirect?n=4&to=/203', 'fault SEKISHO_UPSTREAM_REDIRECTS'],
    ['/redirect?n=3&to=/203', 'stream video/webm 5000'],
    ['/redirect?to=http://10.0.0.1/', 'deny SEKISHO_TARGET_ADDRESS'],
    ['/redirect?to=file:///etc/passwd', 'deny SEKISHO_TARGET_URL'],
    ['/redirect?to=https://misskey.origin.example/files/a', 'deny SEKISHO_LOOP'],
    ['/status/204', 'deny SEKISHO_TYPE_REFUSED'],
    ['/status/304', 'deny SEKISHO_TYPE_REFUSED'],
    ['/status/206', 'fault SEKISHO_UPSTREAM_FAULT'],
    ['/status/300', 'fault SEKISHO_UPSTREAM_FAULT'],
    ['/status/400', 'fault SEKISHO_UPSTREAM_STATUS'],
    ['/status/416', 'fault SEKISHO_UPSTREAM_STATUS'],
    ['/status/451', 'fault SEKISHO_UPSTREAM_STATUS'],
    ['/status/500', 'fault SEKISHO_UPSTREAM_FAULT'],
    ['/status/599', 'fault SEKISHO_UPSTREAM_FAULT'],
    ['/empty', 'deny SEKISHO_TYPE_REFUSED'],
    ['/text', 'deny SEKISHO_TYPE_REFUSED'],
    ['/pdf', 'deny SEKISHO_TYPE_REFUSED'],
    ['/wrong-type', 'deny SEKISHO_TYPE_REFUSED'],
    ['/big-headers', 'fault SEKISHO_UPSTREAM_FAULT'],
    ['/no-http', 'fault SEKISHO_UPSTREAM_FAULT'],
    ['/switch', 'fault SEKISHO_UPSTREAM_FAULT'],
    ['/range-lie?v=unasked', 'fault SEKISHO_UPSTREAM_FAULT'],
    ['/set-cookie', 'stream video/webm 4096'],
    // The positive controls: what is coded well passes decoded.
    ['/gz', 'stream video/webm 50000'],
    ['/br', 'stream video/webm 50000'],
    ['/zstd', 'stream video/webm 50000'],
    ['/deflate', 'stored image/png'],
  ])('%s ends as %s', async (path, expected) => {
    const startedMs = performance.now();
    expect(await rig.sum(url(path), { limits: long })).toBe(expected);
    expect(performance.now() - startedMs).toBeLessThan(TIME_MS);
    expect(await rig.origin.idle(2_000)).toBe(true);
    await until(() => rig.app.running === 0);
  }, 15_000);

  it.each([
    ['other-total', 'stream'], ['shorter', 'stream'], ['star-total', 'fault'], ['other-start', 'fault'], ['longer', 'fault'], ['reversed', 'fault'],
    ['beyond', 'fault'], ['no-header', 'fault'], ['length', 'fault'], ['multipart', 'fault'], ['unasked', 'fault'],
  ])('range lie %s gives a %s', async (lie, kind) => {
    const { outcome } = await rig.call(url(`/range-lie?v=${lie}`), { want: 'stream', range: 'bytes=1000-1999', ifRange: '"v1"', limits: long });
    expect(outcome).toMatchObject(kind === 'fault' ? { kind, code: 'SEKISHO_UPSTREAM_FAULT' } : { kind, status: 206 });
  });

  it('a part of another version or of a coded body is told apart', async () => {
    const range = { want: 'stream', range: 'bytes=1000-1999', ifRange: '"v1"' } as const;
    expect(await rig.sum(url('/range-lie?v=other-validator'), range)).toBe('fault SEKISHO_UPSTREAM_CHANGED');
    expect(await rig.sum(url('/range-lie?v=encoded'), range)).toBe('fault SEKISHO_UPSTREAM_ENCODING');
  });

  it('a coded body has neither length nor validator', async () => {
    const { outcome, read } = await rig.call(url('/gz'));
    expect(outcome).toEqual({ kind: 'stream', status: 200, type: 'video/webm', finalOrigin: expect.anything() });
    await read();
  });

  it.each([
    ['gone', 'deny SEKISHO_TARGET_UNRESOLVED'], ['none', 'deny SEKISHO_TARGET_UNRESOLVED'], ['fail', 'fault SEKISHO_UPSTREAM_DNS'],
    ['mixed', 'deny SEKISHO_TARGET_ADDRESS'], ['private', 'deny SEKISHO_TARGET_ADDRESS'], ['alias', 'deny SEKISHO_TARGET_ADDRESS'],
    ['silent', 'fault SEKISHO_UPSTREAM_TIMEOUT'],
  ])('name %s.origin.example ends as %s', async (name, expected) => {
    expect(await rig.sum(rig.origin.url('/203', `${name}.origin.example`))).toBe(expected);
  }, 15_000);

  it('a certificate for another name is refused', async () => {
    const other = await startRig({ redisUrl: redis.url, config: { unsafeCa: undefined } });
    expect(await other.sum(other.tls.url('/203'))).toBe('fault SEKISHO_UPSTREAM_TLS');
    await other.stop();
  });

  it('nothing but codes leaves, whatever the cause', async () => {
    const paths = [url('/no-http'), url('/broken-gzip'), rig.origin.url('/', 'private.origin.example'), 'http://10.0.0.1:81/', 'http://10.0.0.1/'];
    for (const path of paths) {
      const { outcome, response } = await rig.call(path);
      expect(Object.keys(outcome).sort()).toEqual(['code', 'kind']);
      expect([...response.headers.keys()].sort()).toEqual(['connection', 'content-length', 'date', 'keep-alive', 'sekisho-outcome']);
    }
  });
});

describe('a host', () => {
  it('that answers 429 rests for its Retry-After', async () => {
    const { outcome } = await rig.call(rig.origin.url('/status/429?retry-after=7', 'busy.origin.example'));
    expect(outcome).toEqual({ kind: 'fault', code: 'SEKISHO_UPSTREAM_PAUSED', retryAfterS: 7 });
    const hits = rig.origin.requests.length;
    expect((await rig.call(rig.origin.url('/203', 'busy.origin.example'))).outcome).toMatchObject({ code: 'SEKISHO_UPSTREAM_PAUSED', retryAfterS: expect.any(Number) });
    expect(rig.origin.requests).toHaveLength(hits);
    expect(await rig.sum(rig.origin.url('/203', 'idle.origin.example'))).toBe('stream video/webm 5000');
  });

  it('that fails ten times in a row rests', async () => {
    const at = (path: string): Promise<string> => rig.sum(rig.origin.url(path, 'sick.origin.example'));
    for (let turn = 0; turn < 9; turn += 1) expect(await at('/status/500')).toBe('fault SEKISHO_UPSTREAM_FAULT');
    expect(await at('/203')).toBe('stream video/webm 5000');
    for (let turn = 0; turn < 10; turn += 1) expect(await at('/status/500')).toBe('fault SEKISHO_UPSTREAM_FAULT');
    expect(await at('/203')).toBe('fault SEKISHO_UPSTREAM_PAUSED');
  });

  it('that was only given too little time does not rest', async () => {
    const at = (path: string): Promise<string> => rig.sum(rig.origin.url(path, 'hurried.origin.example'), { limits: { bytesMax: 1_000_000, deadlineMs: 30 } });
    for (let turn = 0; turn < 11; turn += 1) expect(await at('/hang')).toBe('fault SEKISHO_UPSTREAM_TIMEOUT');
    expect(await rig.sum(rig.origin.url('/203', 'hurried.origin.example'))).toBe('stream video/webm 5000');
  });

  it('gets at most eight connections; the next one waits for its turn', async () => {
    rig.origin.serve('/wait', { bytes: makeStream('video/webm', 4_096), delayMs: 200 });
    const answers = Array.from({ length: 12 }, () => rig.sum(rig.origin.url('/wait', 'narrow.origin.example')));
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, rig.origin.open);
    }, 10);
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['stream video/webm 4096']));
    clearInterval(watch);
    expect(most).toBe(8);
  });
});

describe('leaving', () => {
  it.each([['/hang', 'before the headers'], ['/drip?ms=20', 'before the first bytes']])('%s: %s, the upstream connection closes at once', async (path) => {
    const leave = new AbortController();
    const answer = rig.call(url(path), {}, leave.signal).catch(() => 'left');
    await until(() => rig.origin.open === 1);
    leave.abort();
    expect(await answer).toBe('left');
    expect(await rig.origin.idle(400)).toBe(true);
    await until(() => rig.app.running === 0);
  });

  it('in the middle of a stream closes it too', async () => {
    const leave = new AbortController();
    const { response } = await rig.call(url('/infinite'), {}, leave.signal);
    expect(rig.origin.open).toBe(1);
    const aborted = rig.origin.aborted;
    leave.abort();
    await expect(response.arrayBuffer()).rejects.toThrow();
    expect(await rig.origin.idle(400)).toBe(true);
    expect(rig.origin.aborted).toBe(aborted + 1);
    await until(() => rig.app.running === 0);
  });

  it('without reading does not fill the memory: the upstream is held back', async () => {
    const leave = new AbortController();
    const { response } = await rig.call(url('/infinite'), { limits: { bytesMax: 250 * 1024 * 1024, deadlineMs: 5_000 } }, leave.signal);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    // Held back, and no fault although nothing moves for longer than the idle time.
    expect(rig.origin.open).toBe(1);
    // Held until here: a response that nobody holds is cancelled when it is collected.
    expect(response.bodyUsed).toBe(false);
    leave.abort();
    expect(await rig.origin.idle(400)).toBe(true);
  });
});

describe('too much at once', () => {
  it('is refused with a code', async () => {
    const small = await startRig({ redisUrl: redis.url, limits: { runningMax: 1, headersMs: 3_000 } });
    const leave = new AbortController();
    const first = small.call(small.origin.url('/hang'), {}, leave.signal).catch(() => undefined);
    await until(() => small.origin.open === 1);
    expect((await small.call(small.origin.url('/set-cookie'))).outcome).toEqual({ kind: 'fault', code: 'SEKISHO_LIMIT_FETCHES', retryAfterS: 5 });
    leave.abort();
    await first;
    await until(() => small.app.running === 0);
    expect(await small.sum(small.origin.url('/set-cookie'))).toBe('stream video/webm 4096');
    await small.stop();
  });
});

describe('work redis', () => {
  it('away: stores fail at once, streams go on; back: stores go on', async () => {
    const own = await startRedis();
    const other = await startRig({ redisUrl: own.url });
    other.origin.serve('/a.png', { bytes: blankPng({ width: 8, height: 8 }) });
    await until(async () => (await other.sum(other.origin.url('/a.png'))) === 'stored image/png');
    await own.crash();
    const startedMs = performance.now();
    expect(await other.sum(other.origin.url('/a.png'))).toBe('fault SEKISHO_REDIS_AWAY');
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    expect(await other.sum(other.origin.url('/set-cookie'))).toBe('stream video/webm 4096');
    await own.restart();
    await until(async () => (await other.sum(other.origin.url('/a.png'))) === 'stored image/png');
    await other.stop();
    await own.stop();
  }, 15_000);
});
