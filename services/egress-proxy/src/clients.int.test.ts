// The clients that Misskey has: node-fetch 3 and got 14, both over hpagent's agents, which use CONNECT for http URLs too.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { got } from 'got';
import { HttpProxyAgent, HttpsProxyAgent } from 'hpagent';
import fetch, { type RequestInit } from 'node-fetch';
import { startOrigin, type TestOrigin } from '@sekisho/testkit';
import { OWN_HOST, type Rig, startRig } from './testing/rig.ts';

let rig: Rig;
let plain: TestOrigin;
let agents: { http: HttpProxyAgent; https: HttpsProxyAgent };
beforeAll(async () => {
  plain = await startOrigin();
  rig = await startRig({ limits: { idleMs: 5_000 }, zone: { 'private.peer.example': { a: ['10.0.0.1'] } } });
  const options = { keepAlive: true, keepAliveMsecs: 30_000, maxSockets: 256, maxFreeSockets: 256, scheduling: 'lifo', proxy: `http://127.0.0.1:${rig.app.port}` } as const;
  agents = { http: new HttpProxyAgent(options), https: new HttpsProxyAgent({ ...options, ca: rig.origin.ca }) };
  rig.origin.serve('/a', { bytes: Buffer.from('hello'), type: 'text/plain' });
});
afterAll(async () => {
  agents.http.destroy();
  agents.https.destroy();
  await rig.stop();
  await plain.stop();
});

/** As Misskey does it: the agent is chosen by the scheme of each hop. */
const byFetch = async (url: string, init: RequestInit = {}): Promise<string> =>
  await fetch(url, { agent: ({ protocol }) => (protocol === 'http:' ? agents.http : agents.https), ...init }).then(
    async (response) => `${response.status} ${await response.text()}`,
    (error: Error) => error.message.replace(/^.*reason: /, ''),
  );
const byGot = async (url: string): Promise<string> =>
  await got(url, { agent: { http: agents.http, https: agents.https }, retry: { limit: 0 }, timeout: { request: 5_000 }, http2: false }).then(
    (response) => `${response.statusCode} ${response.body}`,
    (error: Error) => error.message,
  );

describe.each([['node-fetch', byFetch], ['got', byGot]])('%s over hpagent', (_name, get) => {
  it('reaches a public host, and uses its tunnel again', async () => {
    const before = rig.origin.connections;
    expect([await get(rig.origin.url('/a')), await get(rig.origin.url('/a')), await get(rig.origin.url('/a'))]).toEqual(['200 hello', '200 hello', '200 hello']);
    expect(rig.origin.connections - before).toBeLessThanOrEqual(1);
  });

  it('reaches eight at once', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, async (_, at) => await get(rig.origin.url('/a', `h${at}.origin.example`))));
    expect(all).toEqual(Array(8).fill('200 hello'));
  });

  it.each([
    ['http', () => plain.url('/'), 403], ['http on port 80', () => 'http://a.origin.example/', 403], ['port 8443', () => 'https://a.origin.example:8443/', 403], ['an IPv4 literal', () => 'https://127.0.0.1/', 403],
    ['an IPv6 literal', () => 'https://[::1]/', 400], ['a private host', () => 'https://private.peer.example/', 403], ['the own host', () => `https://${OWN_HOST}/`, 403], ['no such name', () => 'https://nowhere.peer.example/', 502],
    ['an internal name', () => 'https://redis.misskey.svc.cluster.local/', 403],
  ])('sees only the status of a refusal: %s', async (_case, url, status) => {
    const before = plain.connections;
    expect(await get(url())).toBe(`Bad response: ${status}`);
    expect(plain.connections).toBe(before);
  });

  it.each([['http', 'http://a.origin.example/x', 403], ['another port', 'https://a.origin.example:8443/x', 403], ['a private host', 'https://private.peer.example/', 403]])('is stopped behind a redirect to %s', async (_case, location, status) => {
    rig.origin.serve('/to', { status: 302, headers: { location } });
    expect(await get(rig.origin.url('/to'))).toBe(`Bad response: ${status}`);
  });

  it('follows a redirect to another public host', async () => {
    rig.origin.serve('/on', { status: 302, headers: { location: rig.origin.url('/a', 'c.origin.example') } });
    expect(await get(rig.origin.url('/on'))).toBe('200 hello');
  });
});

describe('a large answer', () => {
  it('comes whole', async () => {
    const bytes = Buffer.alloc(8 * 1024 * 1024, 'sekisho ');
    rig.origin.serve('/large', { bytes, type: 'text/plain' });
    const body = Buffer.from(await (await fetch(rig.origin.url('/large'), { agent: agents.https })).arrayBuffer());
    expect(body.equals(bytes)).toBe(true);
  });

  it('goes whole', async () => {
    let length = 0;
    rig.origin.handle('/put', (request, response) => {
      request.on('data', (chunk: Buffer) => (length += chunk.length)).on('end', () => response.end('done'));
    });
    expect(await byFetch(rig.origin.url('/put'), { method: 'PUT', body: Buffer.alloc(8 * 1024 * 1024, 1) })).toBe('200 done');
    expect(length).toBe(8 * 1024 * 1024);
  });
});
