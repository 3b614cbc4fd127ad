// Keys of senders through the real fetcher: a peer that serves actors well or in every wrong way, the gateway's key part in
// front of it, a real Redis behind. What reaches the peer is counted there.

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { InboxHead, ReadActivity } from '@sekisho/inbox-policy';
import { type Canary, startCanary, startRedis, type TestRedis } from '@sekisho/testkit';
import { FakeClock } from '@sekisho/testkit/clock';
import type { Redis } from 'ioredis';
import { type Rig, startRig, TOKEN } from '../services/fetcher/src/testing/rig.ts';
import { createFetchClient, type FetchClient } from '../services/gateway/src/fetching/client.ts';
import { createFetchDocument } from '../services/gateway/src/fetching/document.ts';
import { createSign } from '../services/gateway/src/inbox/actor/sign.ts';
import { createKeys, type Keys } from '../services/gateway/src/inbox/keys/keys.ts';

/** What Misskey and PeerTube verify with; it has no types. */
interface Library {
  parseRequest(request: IncomingMessage, options: object): { readonly params: { readonly keyId: string } };
  verifySignature(parsed: object, pem: string): boolean;
}
const library = createRequire(import.meta.url)('@peertube/http-signature') as Library;

const TYPE = 'application/activity+json; charset=utf-8';
const OWN = new URL('https://misskey.origin.example');
const own = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const first = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const second = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();
const TEN_MINUTES_MS = 600_000;

let redis: TestRedis;
let store: Redis;
let rig: Rig;
let client: FetchClient;
let canary: Canary;
let clock: FakeClock;
let keys: Keys;
let peers = 0;

beforeAll(async () => {
  [redis, canary] = await Promise.all([startRedis(), startCanary({ host: '127.0.0.9' })]);
  store = redis.client();
  rig = await startRig({ redisUrl: 'redis://127.0.0.1:9', zone: { 'private.peer.example': { a: ['127.0.0.9'] }, 'silent.peer.example': { silent: true } } });
  client = createFetchClient({ url: `http://127.0.0.1:${rig.app.port}`, token: TOKEN });
});
afterAll(async () => {
  await client.close();
  await rig.stop();
  await redis.stop();
  await canary.stop();
});
beforeEach(() => {
  clock = new FakeClock(Date.now());
  keys = newKeys();
});

const newKeys = (): Keys => createKeys({
  fetchDocument: createFetchDocument(client), store, clock, sign: createSign({ publicUrl: OWN, key: own.privateKey, clock }),
});

interface Peer {
  readonly actor: string;
  readonly keyId: string;
  /** Path of the actor; the peer has its host to itself. */
  readonly path: string;
  document(key: KeyObject, over?: object): Buffer;
  serve(route: Parameters<Rig['tls']['serve']>[1]): void;
  verify(key: KeyObject, over?: Partial<ReadActivity>, keyId?: string): Promise<string>;
  readonly hits: number;
}

/** Somebody on a host that nobody has asked before. */
function newPeer(): Peer {
  peers += 1;
  const path = `/users/${peers}`;
  const actor = rig.tls.url(path, `p${peers}.origin.example`);
  const keyId = `${actor}#main-key`;
  return {
    actor, keyId, path,
    document: (key, over = {}) => Buffer.from(JSON.stringify({ id: actor, type: 'Person', publicKey: { id: keyId, owner: actor, publicKeyPem: pem(key) }, ...over })),
    serve: (route) => rig.tls.serve(path, route),
    verify: async (key, over = {}, id = keyId) => await verify(headOf(key, id), { ...activityOf(actor), ...over }),
    get hits() {
      return rig.tls.hits(path);
    },
  };
}

async function verify(head: InboxHead, activity: ReadActivity): Promise<string> {
  const verification = await keys.verify(head, activity, 9_000, 'client');
  return typeof verification === 'string' ? verification : `${verification.code}: ${verification.detail}`;
}

function headOf(key: KeyObject, keyId: string): InboxHead {
  const signingString = `(request-target): post /inbox\nhost: ${OWN.host}\ndate: ${Math.random()}`;
  return {
    ok: true, digest: Buffer.alloc(32), signedAtMs: 0, replayKey: 'r',
    signature: {
      scheme: 'cavage', keyId, keyHost: new URL(keyId).host, algorithm: 'rsa-sha256', covered: ['(request-target)', 'host', 'date'],
      signature: sign('sha256', Buffer.from(signingString), key).toString('base64'), signingString,
    },
  };
}
const activityOf = (actor: string): ReadActivity => ({
  ok: true, type: 'Create', id: `${actor}/1`, actor, actorHost: new URL(actor).host, objectType: 'Note', object: `${actor}/n`,
  hosts: new Set(), forwarded: false, visibility: 'public', value: {},
});

function isSignedBy(request: IncomingMessage, keyId: string, key: KeyObject): boolean {
  if (request.headers['signature'] === undefined) return false;
  const parsed = library.parseRequest(request, { headers: ['(request-target)', 'host', 'date'], authorizationHeaderName: 'signature' });
  return parsed.params.keyId === keyId && library.verifySignature(parsed, pem(key));
}

describe('a good key', () => {
  it('verifies with one fetch, in a second gateway without any, and through the stub of a key', async () => {
    const peer = newPeer();
    peer.serve({ bytes: peer.document(first.publicKey), type: TYPE });
    expect(await peer.verify(first.privateKey)).toBe('verified');
    keys = newKeys();
    expect(await peer.verify(first.privateKey)).toBe('verified');
    expect(peer.hits).toBe(1);
    const stub = newPeer();
    const keyId = `${stub.actor}/main-key`;
    const listed = { publicKey: { id: keyId, owner: stub.actor, publicKeyPem: pem(first.publicKey) } };
    rig.tls.serve(`${stub.path}/main-key`, { bytes: stub.document(first.publicKey, listed), type: TYPE });
    stub.serve({ bytes: stub.document(first.publicKey, listed), type: TYPE });
    expect(await stub.verify(first.privateKey, {}, keyId)).toBe('verified');
    expect(stub.hits).toBe(1);
  });

  it('is served to our signed GET by a server with authorized fetch, checked with another implementation', async () => {
    const peer = newPeer();
    const seen: boolean[] = [];
    rig.tls.handle(peer.path, (request, response) => {
      const isOurs = isSignedBy(request, 'https://misskey.origin.example/.sekisho/actor#main-key', own.publicKey);
      seen.push(isOurs);
      response.writeHead(isOurs ? 200 : 401, { 'content-type': TYPE }).end(peer.document(first.publicKey));
    });
    expect(await peer.verify(first.privateKey)).toBe('verified');
    expect(seen).toEqual([true]);
    keys = createKeys({ fetchDocument: createFetchDocument(client), store, clock, sign: undefined });
    await clock.advance(25 * 3_600_000);
    expect(await peer.verify(first.privateKey)).toBe('away');
    expect(seen).toEqual([true, false]);
  });
});

describe('a key that is not to be believed', () => {
  it.each<[string, (peer: Peer) => Parameters<Rig['tls']['serve']>[1], string]>([
    ['of another owner', (peer) => ({ bytes: peer.document(first.publicKey, { publicKey: { id: peer.keyId, owner: `${peer.actor}b`, publicKeyPem: pem(first.publicKey) } }), type: TYPE }), 'the actor lists no usable key of his own'],
    ['with an id on another host', (peer) => ({ bytes: peer.document(first.publicKey, { publicKey: { id: 'https://v.example/k', owner: peer.actor, publicKeyPem: pem(first.publicKey) } }), type: TYPE }), 'the actor lists no usable key of his own'],
    ['of an actor that calls itself another', (peer) => ({ bytes: peer.document(first.publicKey, { id: 'https://v.example/users/a' }), type: TYPE }), 'the key document claims to be of another host'],
    ['as an uploaded file: html', (peer) => ({ bytes: peer.document(first.publicKey), type: 'text/html' }), 'the key: SEKISHO_TYPE_DOCUMENT'],
    ['as an uploaded file: json', (peer) => ({ bytes: peer.document(first.publicKey), type: 'application/json' }), 'the key: SEKISHO_TYPE_DOCUMENT'],
    ['oversized', (peer) => ({ bytes: Buffer.concat([peer.document(first.publicKey), Buffer.alloc(256 * 1024, 0x20)]), type: TYPE }), 'the key: SEKISHO_UPSTREAM_TOO_LARGE'],
    ['oversized without saying so', (peer) => ({ bytes: Buffer.concat([peer.document(first.publicKey), Buffer.alloc(256 * 1024, 0x20)]), type: TYPE, chunked: true }), 'the key: SEKISHO_UPSTREAM_TOO_LARGE'],
    ['no JSON', () => ({ bytes: Buffer.from('<html>'), type: TYPE }), 'the key document: the top level is no object, at character 0'],
  ])('%s: refused, one fetch in ten minutes', async (_name, route, detail) => {
    const peer = newPeer();
    peer.serve(route(peer));
    for (let round = 0; round < 3; round += 1) expect(await peer.verify(first.privateKey)).toBe(`SEKISHO_INBOX_KEY_REFUSED: ${detail}`);
    keys = newKeys();
    expect(await peer.verify(first.privateKey)).toBe(`SEKISHO_INBOX_KEY_REFUSED: ${detail}`);
    expect(peer.hits).toBe(1);
    await clock.advance(TEN_MINUTES_MS);
    await peer.verify(first.privateKey);
    expect(peer.hits).toBe(2);
  });

  it('a key URL that leads to itself costs one request in ten minutes', async () => {
    const peer = newPeer();
    peer.serve({ status: 302, headers: { location: peer.actor } });
    for (let round = 0; round < 5; round += 1) expect(await peer.verify(first.privateKey, {}, `${peer.actor}#${round}`)).toBe('SEKISHO_INBOX_KEY_REFUSED: the key: SEKISHO_UPSTREAM_REDIRECTS');
    expect(peer.hits).toBe(1);
  });

  it('a good key of another actor on the same host', async () => {
    const peer = newPeer();
    peer.serve({ bytes: peer.document(first.publicKey), type: TYPE });
    expect(await peer.verify(first.privateKey, { actor: `${peer.actor}b` })).toBe('SEKISHO_INBOX_KEY_REFUSED: the key belongs to another actor');
    expect(await peer.verify(first.privateKey)).toBe('verified');
  });
});

describe('a key that is gone or cannot be fetched', () => {
  it.each([404, 410])('%i: a Delete is gone, all else refused', async (status) => {
    const peer = newPeer();
    peer.serve({ status });
    expect(await peer.verify(first.privateKey, { type: 'Delete' })).toBe('gone');
    expect(await peer.verify(first.privateKey)).toBe(`SEKISHO_INBOX_KEY_REFUSED: the key: SEKISHO_UPSTREAM_STATUS ${status}`);
    expect(peer.hits).toBe(1);
  });

  it.each(['/hang', '/header-drip', '/status/500'])('%s: away, in time, and asked again after a minute', async (path) => {
    const host = newPeer();
    const actor = rig.tls.url(path, new URL(host.actor).hostname);
    const startedMs = performance.now();
    const before = rig.tls.hits(path);
    expect(await verify(headOf(first.privateKey, `${actor}#k`), activityOf(actor))).toBe('away');
    expect(performance.now() - startedMs).toBeLessThan(6_000);
    expect(await verify(headOf(first.privateKey, `${actor}#k`), activityOf(actor))).toBe('away');
    expect(rig.tls.hits(path) - before).toBe(1);
    await clock.advance(60_000);
    expect(await verify(headOf(first.privateKey, `${actor}#k`), activityOf(actor))).toBe('away');
    expect(rig.tls.hits(path) - before).toBe(2);
  });

  it('a name server that is silent', async () => {
    const actor = 'https://silent.peer.example/a';
    expect(await verify(headOf(first.privateKey, actor), activityOf(actor))).toBe('away');
  });
});

describe('a key that was rotated', () => {
  it('is fetched again once, whatever comes then', async () => {
    const peer = newPeer();
    peer.serve({ bytes: peer.document(first.publicKey), type: TYPE });
    expect(await peer.verify(first.privateKey)).toBe('verified');
    peer.serve({ bytes: peer.document(second.publicKey), type: TYPE });
    expect(await peer.verify(second.privateKey)).toBe('verified');
    for (let round = 0; round < 5; round += 1) expect(await peer.verify(first.privateKey)).toBe('SEKISHO_INBOX_VERIFY: the signature does not fit the key');
    expect(peer.hits).toBe(2);
  });
});

describe('a key at an address that is not public', () => {
  it.each(['https://127.0.0.9/a', 'https://private.peer.example/a', 'https://10.0.0.1/a', 'https://[::1]/a', 'https://misskey.origin.example/users/a'])('%s: refused, nobody is reached', async (actor) => {
    expect(await verify(headOf(first.privateKey, actor), activityOf(actor))).toMatch(/^SEKISHO_INBOX_KEY_REFUSED: the key: SEKISHO_(?:TARGET_ADDRESS|LOOP)$/);
    expect(canary.connections).toBe(0);
  });

  it('is what a plain connection reaches: the count can fail', async () => {
    await fetch(`http://127.0.0.9:${canary.port}/`);
    expect(canary.connections).toBe(1);
  });
});

describe('without parts of ours', () => {
  it('memory goes on without Redis; without the fetcher nobody can say', async () => {
    const peer = newPeer();
    peer.serve({ bytes: peer.document(first.publicKey), type: TYPE });
    const nowhere = redis.client({ port: 9, enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 200 });
    keys = createKeys({ fetchDocument: createFetchDocument(client), store: nowhere, clock, sign: undefined });
    expect(await peer.verify(first.privateKey)).toBe('verified');
    expect(await peer.verify(first.privateKey)).toBe('verified');
    expect(peer.hits).toBe(1);
    const away = createFetchClient({ url: 'http://127.0.0.1:9', token: TOKEN });
    keys = createKeys({ fetchDocument: createFetchDocument(away), store, clock, sign: undefined });
    expect(await newPeer().verify(first.privateKey)).toBe('away');
    await away.close();
  });
});
