// Documents: what a hostile peer may answer to a fetch of an actor, a key or a list, and what the gateway then gets.

import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DOCUMENTS, type DocumentKind, type FetchRequest } from '@sekisho/contracts';
import { type Canary, startCanary } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { type Rig, startRig } from './testing/rig.ts';

const ACTIVITY = 'application/activity+json; charset=utf-8';
const BODY = Buffer.from('{"id":"https://a.origin.example/users/a"}');
const SIGNED = {
  date: 'Wed, 25 Nov 2026 04:31:07 GMT',
  signature: `keyId="https://misskey.origin.example/.sekisho/actor#main-key",algorithm="rsa-sha256",headers="(request-target) host date",signature="${'A'.repeat(342)}=="`,
};
let rig: Rig;
let canary: Canary;
let hosts = 0;
/** A host of its own per case: faults pause a host. */
const at = (path: string): string => rig.tls.url(path, `d${(hosts += 1)}.origin.example`);

const ask = (accept: DocumentKind, over: Partial<FetchRequest> = {}): Partial<FetchRequest> =>
  ({ want: 'document', accept, limits: { bytesMax: DOCUMENTS[accept].bytesMax, deadlineMs: DOCUMENTS[accept].deadlineMs }, ...over });
async function sum(url: string, accept: DocumentKind = 'activity', over: Partial<FetchRequest> = {}): Promise<string> {
  const { outcome, read } = await rig.call(url, ask(accept, over));
  if ('code' in outcome) return `${outcome.kind} ${outcome.code}${outcome.upstreamStatus === undefined ? '' : ` ${outcome.upstreamStatus}`}`;
  const { length } = await read();
  return outcome.kind === 'document' && outcome.bytes === length ? `document ${outcome.type} ${length}` : outcome.kind;
}

beforeAll(async () => {
  canary = await startCanary({ host: '127.0.0.9' });
  rig = await startRig({
    redisUrl: 'redis://127.0.0.1:9',
    zone: { 'private.peer.example': { a: ['10.0.0.1'] }, 'canary.peer.example': { a: ['127.0.0.9'] }, 'gone.peer.example': { rcode: 'NXDOMAIN' } },
  });
  const { tls } = rig;
  tls.serve('/users/a', { bytes: BODY, type: ACTIVITY });
  tls.serve('/ld', { bytes: BODY, type: 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"' });
  tls.serve('/plain-ld', { bytes: BODY, type: 'application/ld+json' });
  tls.serve('/html', { bytes: BODY, type: 'text/html' });
  tls.serve('/json', { bytes: BODY, type: 'application/json' });
  tls.serve('/untyped', { bytes: BODY });
  tls.serve('/jrd', { bytes: BODY, type: 'application/jrd+json' });
  tls.serve('/nodeinfo', { bytes: Buffer.alloc(64 * 1024, 0x20), type: 'application/json; profile="http://nodeinfo.diaspora.software/ns/schema/2.1#"' });
  tls.serve('/large-nodeinfo', { bytes: Buffer.alloc(64 * 1024 + 1, 0x20), type: 'application/json', chunked: true });
  tls.serve('/twice', { bytes: BODY, headers: { 'content-type': [ACTIVITY, 'text/html'] } });
  tls.serve('/gzip', { bytes: BODY, type: ACTIVITY, contentEncoding: ['gzip'] });
  tls.serve('/bomb', { bytes: gzipSync(Buffer.alloc(64 * 1024 * 1024)), type: ACTIVITY, headers: { 'content-encoding': 'gzip' } });
  tls.serve('/exact', { bytes: Buffer.alloc(256 * 1024, 0x20), type: ACTIVITY });
  tls.serve('/large', { bytes: Buffer.alloc(256 * 1024 + 1, 0x20), type: ACTIVITY });
  tls.serve('/large-chunked', { bytes: Buffer.alloc(256 * 1024 + 1, 0x20), type: ACTIVITY, chunked: true });
  tls.serve('/late', { bytes: BODY, type: ACTIVITY, delayMs: 3_000 });
  tls.serve('/203', { bytes: BODY, type: ACTIVITY, status: 203 });
  tls.serve('/410', { bytes: BODY, type: ACTIVITY, status: 410 });
  tls.serve('/csv', { bytes: Buffer.from('a.example\n'), type: 'text/csv' });
  tls.serve('/exact.csv', { bytes: Buffer.alloc(4 * 1024 * 1024, 0x0a), type: 'text/csv' });
  tls.serve('/large.csv', { bytes: Buffer.alloc(4 * 1024 * 1024 + 1, 0x0a), type: 'text/csv', chunked: true });
  tls.handle('/drip', (_request, response) => {
    response.writeHead(200, { 'content-type': ACTIVITY });
    const timer = setInterval(() => response.write(' '), 50);
    response.once('close', () => clearInterval(timer));
  });
  tls.handle('/cut', (_request, response) => {
    response.writeHead(200, { 'content-type': ACTIVITY, 'content-length': 100 }).write('{');
    setTimeout(() => response.destroy(), 20);
  });
  tls.handle('/away', (request, response) => {
    const to = new URL(request.url ?? '/', 'https://x').searchParams.get('to') ?? '/';
    response.writeHead(302, { location: to }).end();
  });
});
afterAll(async () => {
  await rig.stop();
  await canary.stop();
});

describe('an activity', () => {
  it('comes whole with type and URL, asked for by its own Accept header', async () => {
    const url = at('/users/a');
    const { outcome, read } = await rig.call(url, ask('activity'));
    expect(outcome).toEqual({ kind: 'document', status: 200, type: 'application/activity+json', bytes: BODY.length, finalUrl: url });
    expect(await read()).toEqual(BODY);
    const { headers } = rig.tls.requests.at(-1)!;
    expect(headers.accept).toBe('application/activity+json, application/ld+json; profile="https://www.w3.org/ns/activitystreams"');
    expect(headers).not.toHaveProperty('signature');
    expect(headers).not.toHaveProperty('date');
    await until(() => rig.lines.some((line) => line['outcome'] === 'document' && line['bytes'] === BODY.length));
  });

  it('is asked for under the signature that was given, as it is', async () => {
    expect(await sum(at('/users/a'), 'activity', { signed: SIGNED })).toBe(`document application/activity+json ${BODY.length}`);
    expect(rig.tls.requests.at(-1)!.headers).toMatchObject(SIGNED);
  });

  it.each([
    ['/ld', `document application/ld+json ${BODY.length}`],
    ['/gzip', `document application/activity+json ${BODY.length}`],
    ['/exact', `document application/activity+json ${256 * 1024}`],
    ['/plain-ld', 'deny SEKISHO_TYPE_DOCUMENT'],
    ['/html', 'deny SEKISHO_TYPE_DOCUMENT'],
    ['/json', 'deny SEKISHO_TYPE_DOCUMENT'],
    ['/untyped', 'deny SEKISHO_TYPE_DOCUMENT'],
    ['/twice', 'deny SEKISHO_TYPE_DOCUMENT'],
    ['/csv', 'deny SEKISHO_TYPE_DOCUMENT'],
    ['/large', 'deny SEKISHO_UPSTREAM_TOO_LARGE'],
    ['/large-chunked', 'deny SEKISHO_UPSTREAM_TOO_LARGE'],
    ['/bomb', 'deny SEKISHO_UPSTREAM_TOO_LARGE'],
    ['/203', 'fault SEKISHO_UPSTREAM_FAULT'],
    ['/status/204', 'fault SEKISHO_UPSTREAM_FAULT'],
    ['/410', 'fault SEKISHO_UPSTREAM_STATUS 410'],
    ['/nothing', 'fault SEKISHO_UPSTREAM_STATUS 404'],
    ['/status/401', 'fault SEKISHO_UPSTREAM_STATUS 401'],
    ['/status/429', 'fault SEKISHO_UPSTREAM_PAUSED'],
    ['/status/500', 'fault SEKISHO_UPSTREAM_FAULT'],
    ['/cut', 'fault SEKISHO_UPSTREAM_FAULT'],
    ['/loop', 'fault SEKISHO_UPSTREAM_REDIRECTS'],
    ['/away?to=/users/a', 'fault SEKISHO_UPSTREAM_REDIRECTS'],
    ['/hang', 'fault SEKISHO_UPSTREAM_TIMEOUT'],
    ['/late', 'fault SEKISHO_UPSTREAM_TIMEOUT'],
    ['/drip', 'fault SEKISHO_UPSTREAM_TIMEOUT'],
    ['/header-drip', 'fault SEKISHO_UPSTREAM_TIMEOUT'],
  ])('at %s is %s', async (path, expected) => {
    const startedMs = performance.now();
    expect(await sum(at(path))).toBe(expected);
    expect(performance.now() - startedMs).toBeLessThan(6_000);
    expect(await rig.tls.idle(2_000)).toBe(true);
  });

  it('follows no redirect: one request, to nobody else', async () => {
    const before = rig.tls.requests.length;
    expect(await sum(at(`/away?to=${encodeURIComponent(rig.tls.url('/users/a', 'other.origin.example'))}`))).toBe('fault SEKISHO_UPSTREAM_REDIRECTS');
    expect(rig.tls.requests.length - before).toBe(1);
  });

  it('has its own deadline, that of the request', async () => {
    const startedMs = performance.now();
    expect(await sum(at('/hang'), 'activity', { limits: { bytesMax: 1_000, deadlineMs: 300 } })).toBe('fault SEKISHO_UPSTREAM_TIMEOUT');
    expect(performance.now() - startedMs).toBeLessThan(4_000);
  });
});

describe('a target that is not public', () => {
  it.each([
    ['https://10.0.0.1/', 'deny SEKISHO_TARGET_ADDRESS'],
    ['https://[::1]/', 'deny SEKISHO_TARGET_ADDRESS'],
    ['https://127.0.0.9/', 'deny SEKISHO_TARGET_ADDRESS'],
    ['https://private.peer.example/', 'deny SEKISHO_TARGET_ADDRESS'],
    ['https://canary.peer.example/', 'deny SEKISHO_TARGET_ADDRESS'],
    ['https://gone.peer.example/', 'deny SEKISHO_TARGET_UNRESOLVED'],
    ['https://redis/', 'deny SEKISHO_TARGET_NAME'],
    ['https://misskey.origin.example/users/a', 'deny SEKISHO_LOOP'],
    ['https://a.origin.example:6379/', 'deny SEKISHO_TARGET_URL'],
    ['https://u:p@a.origin.example/', 'deny SEKISHO_TARGET_URL'],
    ['http://a.origin.example/', 'fault SEKISHO_CONTRACT_INVALID'],
  ])('%s is refused: %s', async (url, expected) => {
    expect(await sum(url)).toBe(expected);
    expect(canary.connections).toBe(0);
  });

  it('is what a plain connection reaches: the count can fail', async () => {
    await fetch(`http://127.0.0.9:${canary.port}/`);
    expect(canary.connections).toBe(1);
  });
});

describe('nodeinfo', () => {
  it.each([
    ['/json', `document application/json ${BODY.length}`],
    ['/nodeinfo', `document application/json ${64 * 1024}`],
    ['/jrd', `document application/jrd+json ${BODY.length}`],
    ['/large-nodeinfo', 'deny SEKISHO_UPSTREAM_TOO_LARGE'],
    ['/html', 'deny SEKISHO_TYPE_DOCUMENT'],
    ['/users/a', 'deny SEKISHO_TYPE_DOCUMENT'],
    ['/away?to=/json', 'fault SEKISHO_UPSTREAM_REDIRECTS'],
    ['/away?to=https://10.0.0.1/', 'fault SEKISHO_UPSTREAM_REDIRECTS'],
  ])('at %s is %s', async (path, expected) => {
    expect(await sum(at(path), 'nodeinfo')).toBe(expected);
  });
});

describe('a list', () => {
  it.each([
    ['/csv', 'document text/csv 10'],
    ['/json', `document application/json ${BODY.length}`],
    ['/exact.csv', `document text/csv ${4 * 1024 * 1024}`],
    ['/large.csv', 'deny SEKISHO_UPSTREAM_TOO_LARGE'],
    ['/html', 'deny SEKISHO_TYPE_DOCUMENT'],
    ['/users/a', 'deny SEKISHO_TYPE_DOCUMENT'],
    ['/redirect?n=3&to=/csv', 'document text/csv 10'],
    ['/redirect?n=4&to=/csv', 'fault SEKISHO_UPSTREAM_REDIRECTS'],
    ['/loop', 'fault SEKISHO_UPSTREAM_REDIRECTS'],
  ])('at %s is %s', async (path, expected) => {
    expect(await sum(at(path), 'list')).toBe(expected);
  });

  it('goes to another host and says so, but never in the clear or to a private one', async () => {
    const moved = rig.tls.url('/csv', 'moved.origin.example');
    const { outcome } = await rig.call(at(`/away?to=${encodeURIComponent(moved)}`), ask('list'));
    expect(outcome).toMatchObject({ kind: 'document', finalUrl: moved });
    expect(await sum(at(`/away?to=${encodeURIComponent(rig.origin.url('/csv'))}`), 'list')).toBe('deny SEKISHO_TARGET_PLAIN_HTTP');
    expect(await sum(at('/away?to=https://10.0.0.1/'), 'list')).toBe('deny SEKISHO_TARGET_ADDRESS');
    expect(rig.origin.requests).toHaveLength(0);
  });
});
