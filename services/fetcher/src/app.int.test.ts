import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LIMITS, workKeys } from '@sekisho/contracts';
import { blankPng, encodeGif, logoSvg, makeStream, startRedis, type TestRedis } from '@sekisho/testkit';
import type { Redis } from 'ioredis';
import { newId, OWN_HOST, type Rig, startRig } from './testing/rig.ts';

let redis: TestRedis;
let client: Redis;
let rig: Rig;
const png = blankPng({ width: 40, height: 30 });

beforeAll(async () => {
  redis = await startRedis();
  client = redis.client();
  rig = await startRig({ redisUrl: redis.url });
  for (const origin of [rig.origin, rig.tls]) {
    origin.serve('/a.png', { bytes: png, type: 'image/png', etag: '"p"' });
    origin.serve('/a.webm', { bytes: makeStream('video/webm', 300_000), type: 'text/html', etag: '"v1"', ranges: true, disposition: 'attachment; filename="a b.webm"' });
    origin.serve('/a.svg', { bytes: Buffer.from(logoSvg()) });
  }
  await rig.call(rig.origin.url('/a.png'));
});
afterAll(async () => {
  await rig.stop();
  await redis.stop();
});

describe('a picture', () => {
  it('is stored with its lease and described, over http and https', async () => {
    await client.flushall();
    for (const origin of [rig.origin, rig.tls]) {
      const sourceId = newId();
      const { outcome } = await rig.call(origin.url('/a.png'), { sourceId, want: 'store' });
      const scheme = origin === rig.tls ? 'https' : 'http';
      expect(outcome).toEqual({
        kind: 'stored', sourceId, bytes: png.length, type: 'image/png', width: 40, height: 30, framesAtLeast: 1,
        finalOrigin: `${scheme}://a.origin.example:${origin.port}`,
      });
      expect(await client.getBuffer(workKeys.source(sourceId))).toEqual(png);
      expect(await client.pttl(workKeys.source(sourceId))).toBeGreaterThan(LIMITS.sourceTtlMs - 10_000);
      expect(await client.zscore(workKeys.leases, workKeys.leaseMember(sourceId, png.length))).not.toBeNull();
    }
    expect(await client.get(workKeys.leasedBytes)).toBe(String(2 * png.length));
    expect(await rig.origin.idle(2_000)).toBe(true);
  });

  it('streams when the types to store do not hold it, with its size', async () => {
    const answer = await rig.call(rig.origin.url('/a.png'), { storeTypes: ['image/svg+xml'] });
    expect(answer.outcome).toMatchObject({ kind: 'stream', status: 200, type: 'image/png', length: png.length, validator: '"p"', width: 40, height: 30 });
    expect(await answer.read()).toEqual(png);
    expect(await rig.sum(rig.origin.url('/a.svg'), { storeTypes: ['image/svg+xml'] })).toBe('stored image/svg+xml');
    expect(await rig.sum(rig.origin.url('/a.svg'), { want: 'stream' })).toBe('deny SEKISHO_TYPE_REFUSED');
  });

  it('is refused by its header before it is stored', async () => {
    rig.origin.serve('/huge.png', { bytes: blankPng({ width: 30_000, height: 30_000 }) });
    rig.origin.serve('/cut.png', { bytes: png.subarray(0, 20) });
    rig.origin.serve('/big.svg', { bytes: Buffer.from(logoSvg() + ' '.repeat(LIMITS.svgBytesMax)) });
    await client.flushall();
    expect(await rig.sum(rig.origin.url('/huge.png'), { want: 'store' })).toBe('deny SEKISHO_IMAGE_HEADER');
    expect(await rig.sum(rig.origin.url('/cut.png'), { want: 'store' })).toBe('deny SEKISHO_IMAGE_HEADER');
    expect(await rig.sum(rig.origin.url('/big.svg'), { want: 'store' })).toBe('deny SEKISHO_UPSTREAM_TOO_LARGE');
    expect(await client.dbsize()).toBe(0);
    // Passed as it is, nothing is decoded here.
    expect(await rig.sum(rig.origin.url('/huge.png'), { want: 'stream' })).toMatch(/^stream image\/png \d+$/);
  });

  it('meets a full byte budget with a code and gets room when leases lapse', async () => {
    await client.flushall();
    await client.set(workKeys.leasedBytes, 32 * 1024 * 1024);
    await client.zadd(workKeys.leases, Date.now() + 60_000, workKeys.leaseMember(newId(), 32 * 1024 * 1024));
    const { outcome } = await rig.call(rig.origin.url('/a.png'), { want: 'store' });
    expect(outcome).toEqual({ kind: 'fault', code: 'SEKISHO_LIMIT_BYTES', retryAfterS: 5 });
    const [member] = await client.zrange(workKeys.leases, '0', '-1');
    await client.zadd(workKeys.leases, 1, String(member));
    expect(await rig.sum(rig.origin.url('/a.png'), { want: 'store' })).toBe('stored image/png');
    expect(await client.get(workKeys.leasedBytes)).toBe(String(png.length));
  });

  it('never overwrites a source', async () => {
    const sourceId = newId();
    await client.set(workKeys.source(sourceId), 'x');
    expect(await rig.sum(rig.origin.url('/a.png'), { want: 'store', sourceId })).toBe('fault SEKISHO_CONTRACT_INVALID');
    expect(await client.get(workKeys.source(sourceId))).toBe('x');
  });

  it('above the size of its class is refused, announced or not', async () => {
    const big = Buffer.concat([png, Buffer.alloc(LIMITS.pictureBytesMax)]);
    rig.origin.serve('/big.png', { bytes: big });
    rig.origin.serve('/big-chunked.png', { bytes: big, chunked: true });
    expect(await rig.sum(rig.origin.url('/big.png'))).toBe('deny SEKISHO_UPSTREAM_TOO_LARGE');
    expect(await rig.sum(rig.origin.url('/big-chunked.png'))).toBe('deny SEKISHO_UPSTREAM_TOO_LARGE');
    expect(await rig.origin.idle(2_000)).toBe(true);
  });

  it('is taken with many frames, counted', async () => {
    rig.origin.serve('/a.gif', { bytes: await encodeGif({ width: 8, height: 8, frames: 5, loop: 0 }) });
    const { outcome } = await rig.call(rig.origin.url('/a.gif'), { want: 'store' });
    expect(outcome).toMatchObject({ kind: 'stored', type: 'image/gif', framesAtLeast: 5 });
  });
});

describe('a stream', () => {
  it('passes with length, validator and name; its claimed type is ignored', async () => {
    const answer = await rig.call(rig.origin.url('/a.webm'));
    expect(answer.outcome).toEqual({
      kind: 'stream', status: 200, type: 'video/webm', length: 300_000, validator: '"v1"', fileName: 'a b.webm',
      finalOrigin: `http://a.origin.example:${rig.origin.port}`,
    });
    expect(answer.response.headers.get('content-length')).toBe('300000');
    expect(makeStream('video/webm', 300_000).equals(await answer.read())).toBe(true);
  });

  it.each([
    ['bytes=0-99', { start: 0, end: 99, total: 300_000 }, 'video/webm'],
    ['bytes=0-1', { start: 0, end: 1, total: 300_000 }, 'application/octet-stream'],
    ['bytes=100-299', { start: 100, end: 299, total: 300_000 }, 'application/octet-stream'],
    ['bytes=299990-', { start: 299_990, end: 299_999, total: 300_000 }, 'application/octet-stream'],
    ['bytes=-10', { start: 299_990, end: 299_999, total: 300_000 }, 'application/octet-stream'],
  ])('passes range %s', async (range, contentRange, type) => {
    const answer = await rig.call(rig.origin.url('/a.webm'), { want: 'stream', range, ifRange: '"v1"' });
    const length = contentRange.end - contentRange.start + 1;
    expect(answer.outcome).toMatchObject({ kind: 'stream', status: 206, contentRange, type, length });
    expect(makeStream('video/webm', 300_000).subarray(contentRange.start, contentRange.end + 1).equals(await answer.read())).toBe(true);
    expect(rig.origin.requests.at(-1)?.headers).toMatchObject({ range, 'if-range': '"v1"' });
  });

  it('tells 416 and takes a 200 for a range', async () => {
    expect(await rig.sum(rig.origin.url('/a.webm'), { want: 'stream', range: 'bytes=300000-' })).toBe('fault SEKISHO_UPSTREAM_RANGE');
    expect(await rig.sum(rig.origin.url('/range-lie'), { want: 'stream', range: 'bytes=5-9' })).toBe('stream video/webm 100000');
  });

  it('above the limit of the request is refused, also by a range of it', async () => {
    const limits = { bytesMax: 299_999, deadlineMs: 5_000 };
    expect(await rig.sum(rig.origin.url('/a.webm'), { limits })).toBe('deny SEKISHO_UPSTREAM_TOO_LARGE');
    expect(await rig.sum(rig.origin.url('/a.webm'), { limits, want: 'stream', range: 'bytes=5-9' })).toBe('deny SEKISHO_UPSTREAM_TOO_LARGE');
    expect(await rig.sum(rig.origin.url('/a.webm'), { limits: { ...limits, bytesMax: 300_000 } })).toBe('stream video/webm 300000');
  });
});

describe('what goes upstream', () => {
  it('names us and asks for identity, and no more', async () => {
    await rig.sum(rig.origin.url('/a.webm'), { loop: { via: ['1.1 other'], cdnLoop: ['cdn'] } });
    const { headers } = rig.origin.requests.at(-1) ?? {};
    expect(headers).toMatchObject({
      'accept-encoding': 'identity', via: expect.stringMatching(/^1\.1 other, 1\.1 sekisho-[0-9a-f]{16}$/), 'cdn-loop': `cdn, ${OWN_HOST}`,
      'user-agent': `Sekisho/0.0.0 (Misskey/; +https://${OWN_HOST}/)`,
    });
    expect(Object.keys(headers ?? {}).sort()).toEqual(['accept', 'accept-encoding', 'cdn-loop', 'connection', 'host', 'user-agent', 'via']);
  });

  it('is nothing when the request loops or leads to us', async () => {
    const before = rig.origin.requests.length;
    expect(await rig.sum(`https://${OWN_HOST}/files/a`)).toBe('deny SEKISHO_LOOP');
    expect(await rig.sum(rig.origin.url('/a.webm'), { loop: { via: [], cdnLoop: [OWN_HOST] } })).toBe('deny SEKISHO_LOOP');
    expect(rig.origin.requests).toHaveLength(before);
  });
});

describe('the log', () => {
  it('holds one line per fetch, without path and query', async () => {
    rig.lines.length = 0;
    await rig.sum(rig.origin.url('/a.webm?secret=1'));
    await rig.sum(rig.origin.url('/status/404?secret=1'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const fetches = rig.lines.filter(({ msg }) => msg === 'fetch');
    expect(fetches).toMatchObject([
      { level: 'info', request_id: 'request-1', outcome: 'stream', type: 'video/webm', host: 'a.origin.example', bytes: 300_000, upstream_status: 200 },
      { outcome: 'fault', code: 'SEKISHO_UPSTREAM_STATUS', upstream_status: 404 },
    ]);
    expect(JSON.stringify(fetches)).not.toContain('secret');
    const metrics = await rig.app.metrics.registry.render();
    expect(metrics).toContain('sekisho_fetcher_fetches_total{result="SEKISHO_UPSTREAM_STATUS"} 1');
    expect(metrics).toMatch(/sekisho_dependency_up\{dependency="work_redis"\} 1/);
  });
});
