// What hosts run, through the real fetcher: hosts that serve nodeinfo well or in every wrong way, the gateway's look-up in
// front of it, a real Redis behind. What reaches the hosts is counted there.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Software } from '@sekisho/inbox-policy/rules';
import { systemClock } from '@sekisho/runtime';
import { type Canary, type TestRedis, startCanary, startRedis } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import type { Redis } from 'ioredis';
import { type Rig, startRig, TOKEN } from '../services/fetcher/src/testing/rig.ts';
import { createFetchClient, type FetchClient } from '../services/gateway/src/fetching/client.ts';
import { createFetchDocument } from '../services/gateway/src/fetching/document.ts';
import { createSoftware } from '../services/gateway/src/inbox/software/software.ts';

interface Answer {
  readonly status?: number;
  readonly type?: string;
  readonly location?: string;
  readonly body?: string;
  readonly delayMs?: number;
}

const INDEX = '/.well-known/nodeinfo';
const DOCUMENT = '/nodeinfo/2.1';
const MISSKEY = {
  version: '2.1', software: { name: 'misskey', version: '2026.3.2-io.5' }, openRegistrations: true, usage: { users: { total: 1_234 } },
  metadata: { emailRequiredForSignup: true, enableHcaptcha: true, enableRecaptcha: false, enableMcaptcha: false, enableTurnstile: false },
};
const KNOWN: Software = { name: 'misskey', version: '2026.3.2-io.5', openSignup: true, users: 1_234, captcha: true, emailRequired: true };
const index = (href: string): Answer => ({ body: JSON.stringify({ links: [{ rel: 'http://nodeinfo.diaspora.software/ns/schema/2.1', href }] }) });
const misskey: Answer = { type: 'application/json; profile="http://nodeinfo.diaspora.software/ns/schema/2.1#"; charset=utf-8', body: JSON.stringify(MISSKEY) };

let redis: TestRedis;
let store: Redis;
let rig: Rig;
let client: FetchClient;
let canary: Canary;
const events: string[] = [];
/** By host and path. */
const answers = new Map<string, Answer>();
let hosts = 0;
/** One that answers, to speak for others. */
let other = '';

beforeAll(async () => {
  [redis, canary] = await Promise.all([startRedis(), startCanary({ host: '127.0.0.9' })]);
  store = redis.client();
  rig = await startRig({ redisUrl: 'redis://127.0.0.1:9', zone: { 'private.peer.example': { a: ['127.0.0.9'] } } });
  client = createFetchClient({ url: `http://127.0.0.1:${rig.app.port}`, token: TOKEN });
  for (const path of [INDEX, DOCUMENT]) {
    rig.tls.handle(path, (request, response) => {
      const { status = 200, type = 'application/json', location, body = '', delayMs = 0 } = answers.get(`${request.headers.host ?? ''}${path}`) ?? { status: 404 };
      setTimeout(() => response.writeHead(status, { 'content-type': type, ...(location === undefined ? {} : { location }) }).end(body), delayMs);
    });
  }
  other = newHost(() => ({}));
});
afterAll(async () => {
  await client.close();
  await rig.stop();
  await redis.stop();
  await canary.stop();
});
beforeEach(() => {
  events.length = 0;
});

function newHost(answerOf: (host: string) => { readonly index?: Answer; readonly document?: Answer }): string {
  hosts += 1;
  // With the port of the test server, which no actor in an activity may have.
  const { host } = new URL(rig.tls.url('/', `software${hosts}.origin.example`));
  const { index: first = index(`https://${host}${DOCUMENT}`), document = misskey } = answerOf(host);
  answers.set(`${host}${INDEX}`, first).set(`${host}${DOCUMENT}`, document);
  return host;
}
const gateway = (waitMs?: number) => {
  const find = createSoftware({
    ...(waitMs === undefined ? {} : { waitMs }), fetchDocument: createFetchDocument(client), store, clock: systemClock, onFetch: (result) => void events.push(result), onStoreError: (error) => void events.push(String(error)),
  });
  return async (host: string): Promise<Software | undefined> => await find({ actorHost: host }, { client: { address: 'c', key: 'c', net: 'c' } });
};
const hits = (host: string): number => rig.tls.requests.filter(({ headers }) => headers.host === host).length;

describe('what a host runs', () => {
  it('is asked of the host itself, once, for all gateways', async () => {
    const host = newHost(() => ({}));
    const [one, two] = [gateway(), gateway()];
    expect([await one(host), await one(host), await two(host)]).toEqual([KNOWN, KNOWN, KNOWN]);
    expect([hits(host), events]).toEqual([2, ['known']]);
    expect(rig.tls.requests.at(-1)?.headers.accept).toBe('application/json, application/jrd+json');
  });

  it.each<[string, (host: string) => { readonly index?: Answer; readonly document?: Answer }, number]>([
    ['serves none', () => ({ index: { status: 404 } }), 1],
    ['redirects to its document', (host) => ({ index: { status: 302, location: `https://${host}${DOCUMENT}` } }), 1],
    ['redirects to another host', () => ({ index: { status: 302, location: `https://${other}${DOCUMENT}` } }), 1],
    ['lets another host speak for it', () => ({ index: index(`https://${other}${DOCUMENT}`) }), 1],
    ['links to a private address', () => ({ index: index('https://127.0.0.9/') }), 1],
    ['links to its own other port', (host) => ({ index: index(`https://${host.replace(/:.*/, '')}:8443/`) }), 1],
    ['serves a page', () => ({ index: { type: 'text/html', body: '<html></html>' } }), 1],
    ['serves a document that is too large', () => ({ document: { body: JSON.stringify({ ...MISSKEY, padding: ' '.repeat(65_536) }) } }), 2],
    ['serves a document of wrong types', () => ({ document: { body: '{"software":[],"usage":7,"metadata":"x","openRegistrations":{}}' } }), 2],
    ['serves a document that is cut', () => ({ document: { body: JSON.stringify(MISSKEY).slice(0, -1) } }), 2],
  ])('is unknown where it %s', async (_name, answerOf, requests) => {
    const host = newHost(answerOf);
    const before = hits(other);
    const find = gateway();
    expect([await find(host), await find(host)]).toEqual([undefined, undefined]);
    expect([hits(host), events, hits(other) - before]).toEqual([requests, ['none'], 0]);
    expect(canary.connections).toBe(0);
  });

  it('is never asked of an address that is not public', async () => {
    expect(await gateway()('private.peer.example')).toBeUndefined();
    expect([events, canary.connections]).toEqual([['none'], 0]);
    // The control: the address answers.
    await fetch(`http://127.0.0.9:${canary.port}/`);
    expect(canary.connections).toBe(1);
  });

  it('comes late for the first who asks, and is there for the next', async () => {
    const host = newHost((own) => ({ index: { ...index(`https://${own}${DOCUMENT}`), delayMs: 700 } }));
    const find = gateway(200);
    expect(await find(host)).toBeUndefined();
    await until(() => events.length === 1, 10_000);
    await until(async () => (await find(host)) !== undefined);
    expect([await find(host), hits(host)]).toEqual([KNOWN, 2]);
  }, 20_000);
});
