import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { request as httpsRequest } from 'node:https';
import { startCanary, startOrigin, type TestOrigin } from './index.ts';

let origin: TestOrigin;
const get = async (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  await fetch(`http://${origin.address}${path}`, { headers, redirect: 'manual' });

beforeAll(async () => {
  origin = await startOrigin();
  origin.serve('/a', { bytes: Buffer.from('0123456789'), type: 'text/plain', etag: '"e"', ranges: true });
  origin.serve('/z', { bytes: Buffer.from('hello'), contentEncoding: ['gzip'] });
});
afterAll(async () => {
  await origin.stop();
});

describe('startOrigin()', () => {
  it.each([
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=8-', 206, '89', 'bytes 8-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=10-', 416, '', 'bytes */10'],
    ['bytes=1-2,3-4', 200, '0123456789', null],
  ])('answers range %s with %i', async (range, status, text, contentRange) => {
    const answer = await get('/a', { range });
    expect([answer.status, await answer.text(), answer.headers.get('content-range')]).toEqual([status, text, contentRange]);
  });

  it('encodes, counts hits and keeps what it was asked', async () => {
    expect(await (await get('/z', { 'x-mark': '1' })).text()).toBe('hello');
    expect(origin.hits('/z')).toBe(1);
    expect(origin.requests.at(-1)).toMatchObject({ url: '/z', headers: { 'x-mark': '1' } });
  });

  it('cuts, resets and stalls; notices who leaves and that nothing stays open', async () => {
    for (const path of ['/wrong-length', '/reset', '/cut-chunked', '/no-http']) {
      await expect(get(path).then(async (answer) => await answer.arrayBuffer())).rejects.toThrow();
    }
    const before = origin.aborted;
    await expect(fetch(`http://${origin.address}/hang`, { signal: AbortSignal.timeout(50) })).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(origin.aborted).toBeGreaterThan(before);
  });

  it('serves TLS for names under origin.example', async () => {
    const tls = await startOrigin({ tls: true });
    const status = await new Promise((resolve, reject) => {
      httpsRequest({ host: '127.0.0.1', port: tls.port, servername: 'b.origin.example', ca: tls.ca, path: '/status/201' }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on('error', reject).end();
    });
    expect(status).toBe(201);
    await tls.stop();
  });
});

describe('startCanary()', () => {
  it('counts connections', async () => {
    const canary = await startCanary({ host: '127.0.0.3' });
    await fetch(`http://127.0.0.3:${canary.port}/`);
    expect(canary.connections).toBe(1);
    await canary.stop();
  });
});
