// Media that are passed on as they come: ranges, validators, ends and cancellations.

import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { makePicture, makeStream } from '@sekisho/testkit';
import { type Answer, open } from './client.ts';
import { expectMediaAnswer, expectRefusal } from './contract.ts';
import { type Fixture, START_MS, eventually, startFixture } from './fixture.ts';

jest.setTimeout(60_000);
const BYTES = 700_000;
const video = makeStream('video/mp4', BYTES);
let stack: Fixture;
beforeAll(async () => {
  stack = await startFixture({ gateways: 2 });
}, START_MS);
afterAll(async () => await stack?.stop());

const publish = (route: Parameters<Fixture['publish']>[1] = {}): string => stack.publish(video, { type: 'video/mp4', ranges: true, etag: '"v1"', ...route });
const ranged = async (url: string, range: string, headers: Record<string, string> = {}): Promise<Answer> => await stack.media(url, '', { headers: { range, ...headers } });

describe('a whole video', () => {
  it('has length, type, validator, and every byte', async () => {
    const answer = await stack.media(publish());
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ 'content-type': 'video/mp4', 'content-length': String(BYTES), 'accept-ranges': 'bytes' });
    expect(answer.headers.etag).toMatch(/^"[^"]+"$/);
    expect(answer.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(answer.body.equals(video)).toBe(true);
    expectMediaAnswer(answer);
  });

  it('has neither ETag nor a year of cache where the upstream has no validator', async () => {
    const answer = await stack.media(stack.publish(video));
    expect(answer.headers.etag).toBeUndefined();
    expect(answer.headers['cache-control']).toBe('public, max-age=86400');
    const conditional = await ranged(stack.publish(video, { ranges: true }), 'bytes=0-9', { 'if-range': '"v1"' });
    expect(conditional.status).toBe(200);
  });

  it('answers HEAD with the head alone, and leaves the upstream at once', async () => {
    const answer = await stack.media(publish(), '', { method: 'HEAD' });
    expect({ status: answer.status, length: answer.headers['content-length'], type: answer.headers['content-type'], body: answer.body.length }).toEqual({ status: 200, length: String(BYTES), type: 'video/mp4', body: 0 });
    const aborted = stack.origin.aborted;
    const endless = await stack.media(stack.origin.url('/infinite', 'head.origin.example'), '', { method: 'HEAD' });
    expect({ status: endless.status, body: endless.body.length }).toEqual({ status: 200, body: 0 });
    expect(await eventually(() => stack.origin.aborted > aborted)).toBe(true);
  });

  it('answers 304 to its ETag', async () => {
    const url = publish();
    const etag = String((await stack.media(url)).headers.etag);
    const again = await stack.media(url, '', { headers: { 'if-none-match': etag } });
    expect({ status: again.status, body: again.body.length }).toEqual({ status: 304, body: 0 });
    expectMediaAnswer(again);
  });

  it('comes unencoded, also from an origin that encodes', async () => {
    const answer = await stack.media(stack.publish(video, { contentEncoding: ['gzip'] }));
    expect(answer.status).toBe(200);
    expect(answer.headers['content-encoding']).toBeUndefined();
    expect(answer.body.equals(video)).toBe(true);
  });
});

describe('a range', () => {
  const cases = [
    ['bytes=0-0', 0, 0], ['bytes=0-99', 0, 99], ['bytes=1000-1999', 1_000, 1_999], ['bytes=699999-', 699_999, 699_999], ['bytes=699990-800000', 699_990, 699_999],
    ['bytes=-1', 699_999, 699_999], ['bytes=-500', 699_500, 699_999], ['bytes=-900000', 0, 699_999], ['bytes=0-', 0, 699_999], ['bytes=4095-4097', 4_095, 4_097],
  ] as const;
  it.each(cases)('%s: 206 with the very bytes', async (range, start, end) => {
    for (const url of [publish(), publish({ lastModified: 'Tue, 03 Nov 2026 10:00:00 GMT' })]) {
      const answer = await ranged(url, range);
      expect({ status: answer.status, range: answer.headers['content-range'], length: answer.headers['content-length'], type: answer.headers['content-type'] })
        .toEqual({ status: 206, range: `bytes ${start}-${end}/${BYTES}`, length: String(end - start + 1), type: 'video/mp4' });
      expect(answer.body.equals(video.subarray(start, end + 1))).toBe(true);
      expectMediaAnswer(answer);
    }
  });

  it.each(['bytes=700000-', 'bytes=700000-700001', 'bytes=9999999999-'])('%s: 416 with the length', async (range) => {
    const answer = await ranged(publish(), range);
    expect({ status: answer.status, range: answer.headers['content-range'] }).toEqual({ status: 416, range: `bytes */${BYTES}` });
    expectMediaAnswer(answer);
  });

  const nonsense = ['bytes=9-1', 'bytes=a-b', 'bytes=', 'items=0-1', 'bytes=0-1,5-6', `bytes=${'0-,'.repeat(1_000)}0-`, 'bytes=-', 'bytes=--1', 'bytes=1e3-', 'bytes=99999999999999999999-', 'bytes=NaN-NaN'];
  it.each(nonsense.map((range) => [range.slice(0, 24), range] as const))(
    'that is none (%s) gives the whole or 416, and one fetch of the whole at most',
    async (_shown, range) => {
      const url = publish();
      const answer = await ranged(url, range);
      expect([200, 416]).toContain(answer.status);
      if (answer.status === 200) expect(answer.body.length).toBe(BYTES);
      expect(JSON.stringify(answer.rawHeaders)).not.toContain('NaN');
      expect(stack.origin.hits(new URL(url).pathname)).toBeLessThanOrEqual(2);
      expectMediaAnswer(answer);
    },
  );

  it('follows If-Range', async () => {
    const url = publish();
    const etag = String((await stack.media(url)).headers.etag);
    expect((await ranged(url, 'bytes=5-9', { 'if-range': etag })).status).toBe(206);
    expect((await ranged(url, 'bytes=5-9', { 'if-range': '"other"' })).status).toBe(200);
    expect((await ranged(url, 'bytes=5-9', { 'if-range': 'Tue, 03 Nov 2026 10:00:00 GMT' })).status).toBe(200);
  });

  it('is known to the other gateway as well', async () => {
    const url = publish();
    const path = new URL(url).pathname;
    await ranged(url, 'bytes=0-9');
    const before = stack.origin.hits(path);
    const answer = await stack.media(url, '', { headers: { range: 'bytes=10-19' }, gateway: 1 });
    expect(answer.body.equals(video.subarray(10, 20))).toBe(true);
    expect(stack.origin.hits(path) - before).toBe(1);
  });

  it('of an origin that knows no ranges gives the whole', async () => {
    const answer = await ranged(stack.publish(video, { etag: '"v1"' }), 'bytes=100-199');
    expect([200, 206]).toContain(answer.status);
    expect(answer.body.equals(answer.status === 206 ? video.subarray(100, 200) : video)).toBe(true);
  });

  it('of a picture from the cache is cut from it', async () => {
    const url = stack.publish(await makePicture('png-avatar'));
    const whole = await stack.media(url, 'emoji');
    const answer = await stack.media(url, 'emoji', { headers: { range: 'bytes=4-7' } });
    expect(answer.status).toBe(206);
    expect(answer.body.equals(whole.body.subarray(4, 8))).toBe(true);
  });
});

describe('an upstream that lies about ranges', () => {
  const lies = ['other-total', 'star-total', 'other-validator', 'other-start', 'longer', 'reversed', 'beyond', 'no-header', 'multipart', 'encoded'];
  it.each(lies)('%s: 502, and not one byte of it', async (lie) => {
    const first = await ranged(stack.origin.url('/range-lie?v=honest', `${lie}.origin.example`), 'bytes=0-9');
    expect([200, 206]).toContain(first.status);
    const answer = await ranged(stack.origin.url(`/range-lie?v=${lie}`, `${lie}.origin.example`), 'bytes=1000-1999');
    if (answer.status === 206) {
      // Lies that touch the probe alike are one consistent story: then the part is what it says.
      expect(answer.headers['content-range']).toMatch(/^bytes 1000-1999\/\d+$/);
      expect(answer.body.length).toBe(1_000);
      return;
    }
    expectRefusal(answer, 502, 'UPSTREAM_FAULT');
  });

  it('and changes between two ranges: 502, then the new version', async () => {
    stack.origin.serve('/changing', { bytes: video, ranges: true, etag: '"v1"' });
    const url = stack.origin.url('/changing', 'changing.origin.example');
    expect((await ranged(url, 'bytes=0-99')).status).toBe(206);
    const other = makeStream('video/mp4', BYTES + 5);
    stack.origin.serve('/changing', { bytes: other, ranges: true, etag: '"v2"' });
    expectRefusal(await ranged(url, 'bytes=100-199'), 502, 'UPSTREAM_FAULT');
    const again = await ranged(url, 'bytes=100-199');
    expect({ status: again.status, range: again.headers['content-range'] }).toEqual({ status: 206, range: `bytes 100-199/${BYTES + 5}` });
  });
});

describe('an end', () => {
  it.each(['/reset?head=20000', '/cut-chunked?head=20000', '/wrong-length?say=20000&send=9000', '/broken-gzip?cut'])('that comes early (%s) is no clean end', async (path) => {
    const answer = await stack.media(stack.origin.url(path, 'early.origin.example'), '').catch(() => undefined);
    if (answer !== undefined && answer.status === 200) expect(answer.complete).toBe(false);
    else if (answer !== undefined) expectMediaAnswer(answer);
  });

  it('by the client closes the upstream\'s socket', async () => {
    const aborted = stack.origin.aborted;
    const leaving = new AbortController();
    const response = await open(`${stack.stack.urls[0]}/media/x?url=${encodeURIComponent(stack.origin.url('/infinite', 'leave.origin.example'))}`, { signal: leaving.signal });
    await once(response, 'data');
    response.on('error', () => undefined);
    leaving.abort();
    expect(await eventually(() => stack.origin.aborted > aborted, 10_000)).toBe(true);
  });

  it('of a stalled body comes within the idle limit', async () => {
    const began = performance.now();
    const answer = await stack.media(stack.origin.url('/stall?head=10000', 'stall.origin.example'));
    expect(answer.complete).toBe(false);
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});

describe('a slow reader', () => {
  it('holds back the upstream instead of filling memory', async () => {
    const response = await open(`${stack.stack.urls[0]}/media/x?url=${encodeURIComponent(stack.origin.url('/infinite?slow', 'slow.origin.example'))}`);
    response.on('error', () => undefined);
    response.pause();
    await delay(1_500);
    const { residentBytes } = await import('./processes.ts');
    const before = residentBytes(stack.stack.children.gateways[0]?.pid ?? 0) + residentBytes(stack.stack.children.fetcher.pid ?? 0);
    await delay(2_000);
    const after = residentBytes(stack.stack.children.gateways[0]?.pid ?? 0) + residentBytes(stack.stack.children.fetcher.pid ?? 0);
    expect(after - before).toBeLessThan(40 * 1024 * 1024);
    response.destroy();
  });
});
