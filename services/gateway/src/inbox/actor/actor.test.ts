import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { parsePublicKey } from '@sekisho/inbox-policy';
import { FakeClock } from '@sekisho/testkit/clock';
import { createIdentify } from '../../client/identity.ts';
import type { Refused } from '../../limits/budget.ts';
import { readActorKey } from './actor-key.ts';
import { createOwnActor } from './own-actor.ts';
import { createSign } from './sign.ts';

const publicUrl = new URL('https://m.example');
const pair = generateKeyPairSync('rsa', { modulusLength: 2_048 });
/** As if the client's budget were spent, when set. */
let over: Refused | undefined;
const charged: unknown[] = [];
const actor = createOwnActor({
  publicUrl, key: pair.privateKey, identify: createIdentify({ trustedProxies: ['127.0.0.0/8'] }),
  budget: {
    tick: (...charge) => {
      charged.push(charge);
      return over;
    },
  },
});
let server: Server;
let base: string;
/** What was left for Misskey, as it was. */
const passed: string[] = [];

beforeAll(async () => {
  server = createServer((req, res) => {
    if (actor.handle(req, res)) return;
    passed.push(`${req.method} ${req.url} ${req.rawHeaders.join()}`);
    res.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  over = undefined;
  charged.length = 0;
});
const get = async (path: string, method = 'GET', more: Readonly<Record<string, string>> = {}): Promise<Response> =>
  await fetch(`${base}${path}`, { method, headers: { connection: 'close', ...more } });
const account = encodeURIComponent('acct:sekisho.gateway@m.example');

describe('the own actor', () => {
  it('is an Application whose key is ours', async () => {
    const answer = await get('/.sekisho/actor');
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('x-content-type-options')]).toEqual([200, 'application/activity+json; charset=utf-8', 'nosniff']);
    const document = (await answer.json()) as { readonly publicKey: { readonly publicKeyPem: string } };
    expect(document).toMatchObject({
      '@context': expect.arrayContaining(['https://www.w3.org/ns/activitystreams', 'https://w3id.org/security/v1']),
      id: 'https://m.example/.sekisho/actor', type: 'Application', preferredUsername: 'sekisho.gateway', inbox: 'https://m.example/inbox',
      outbox: 'https://m.example/.sekisho/actor/outbox', publicKey: { id: 'https://m.example/.sekisho/actor#main-key', owner: 'https://m.example/.sekisho/actor' },
    });
    const key = parsePublicKey(document.publicKey.publicKeyPem);
    expect(key.ok && key.key.equals(pair.publicKey)).toBe(true);
    expect(JSON.stringify(document)).not.toContain('PRIVATE');
  });

  it('has an empty outbox, and answers to reading only', async () => {
    expect(await (await get('/.sekisho/actor/outbox')).json()).toMatchObject({ type: 'OrderedCollection', totalItems: 0 });
    const head = await get('/.sekisho/actor', 'HEAD');
    expect([head.status, Number(head.headers.get('content-length')) > 500, await head.text()]).toEqual([200, true, '']);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const answer = await get('/.sekisho/actor', method);
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    }
  });

  it.each([
    `/.well-known/webfinger?resource=${account}`, '/.well-known/webfinger?resource=acct:sekisho.gateway@m.example', '/.well-known/webfinger?resource=acct:Sekisho.Gateway@M.EXAMPLE',
    `/.well-known/webfinger?rel=self&resource=${account}`, `/.well-known/webfinger?resource=${encodeURIComponent('https://m.example/.sekisho/actor')}`,
  ])('is found at %s', async (path) => {
    const answer = await get(path);
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('access-control-allow-origin')]).toEqual([200, 'application/jrd+json; charset=utf-8', '*']);
    expect(await answer.json()).toEqual({
      subject: 'acct:sekisho.gateway@m.example', aliases: ['https://m.example/.sekisho/actor'],
      links: [{ rel: 'self', type: 'application/activity+json', href: 'https://m.example/.sekisho/actor' }],
    });
  });

  it.each([
    ['GET', '/.well-known/webfinger'], ['GET', '/.well-known/webfinger?resource=acct:alice@m.example'], ['GET', `/.well-known/webfinger?resource=${account}&resource=acct:alice@m.example`],
    ['GET', `/.well-known/webfinger?resource=acct:alice@m.example&resource=${account}`], ['GET', '/.well-known/webfinger?resource=acct:sekisho.gateway@v.example'],
    ['GET', '/.well-known/webfinger?resource=acct:sekisho.gateway@m.example.v.example'], ['GET', '/.well-known/webfinger?resource=%E0%A4%A'], ['POST', `/.well-known/webfinger?resource=${account}`],
    ['GET', `/.well-known/webfinger/?resource=${account}`], ['GET', `/.well-known/host-meta?resource=${account}`], ['GET', '/.sekisho/actor/'], ['GET', '/.sekisho'], ['GET', '/users/a'],
    ['POST', '/inbox'], ['GET', '/'],
  ])('leaves %s %s to Misskey as it is', async (method, path) => {
    expect((await get(path, method)).status).toBe(404);
    expect(passed.at(-1)).toMatch(new RegExp(`^${method} ${path.replaceAll(/[.?[\]()+]/g, String.raw`\$&`)} `));
    // Where it is answered, it is charged.
    expect(charged).toEqual([]);
  });

  const own: readonly (readonly [method: string, path: string])[] = [
    ['GET', '/.sekisho/actor'], ['HEAD', '/.sekisho/actor'], ['POST', '/.sekisho/actor'], ['GET', '/.sekisho/actor/outbox'], ['GET', `/.well-known/webfinger?resource=${account}`],
  ];
  it.each(own)('costs who asks for %s %s as much as a page', async (method, path) => {
    await get(path, method, { 'x-forwarded-for': '198.51.100.7' });
    expect(charged).toEqual([[{ address: '198.51.100.7', key: '198.51.100.7', net: '198.51.100.0/24' }, 'pages', 1]]);
  });

  it.each(own)('answers %s %s with 429 to a spent budget', async (method, path) => {
    over = { ok: false, code: 'SEKISHO_LIMIT_CLIENT', retryAfterS: 7 };
    const answer = await get(path, method);
    expect([answer.status, answer.headers.get('retry-after'), answer.headers.get('sekisho-code')]).toEqual([429, '7', 'RATE_LIMITED']);
    expect(await answer.text()).not.toContain('sekisho.gateway');
  });
});

describe('createSign()', () => {
  it('signs a GET for host, path, query and date', () => {
    const clock = new FakeClock();
    const sign = createSign({ publicUrl, key: pair.privateKey, clock });
    const { date, signature } = sign('https://r.example/users/a?x=1');
    expect(date).toBe(new Date(clock.now()).toUTCString());
    expect(signature).toMatch(/^keyId="https:\/\/m\.example\/\.sekisho\/actor#main-key",algorithm="rsa-sha256",headers="\(request-target\) host date",signature="[A-Za-z0-9+/]{342}=="$/);
    expect(sign('https://r.example/users/b').signature).not.toBe(signature);
  });
});

describe('readActorKey()', () => {
  const pem = (bits: number): string => generateKeyPairSync('rsa', { modulusLength: bits }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

  it('takes RSA of 2,048 bits, in either form', () => {
    expect(readActorKey(pem(2_048)).asymmetricKeyDetails?.modulusLength).toBe(2_048);
    expect(readActorKey(Buffer.from(pair.privateKey.export({ type: 'pkcs1', format: 'pem' }))).equals(pair.privateKey)).toBe(true);
  });

  it.each<[string, string, RegExp]>([
    ['a short key', pem(1_024), /2048 to 8192 bits, not 1024/],
    ['an Ed25519 key', generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), /RSA key, not ed25519/],
    ['a public key', pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(), /one RSA private key/],
    ['an encrypted key', pair.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' }).toString(), /without a password/],
    ['nothing', '', /one RSA private key/],
  ])('refuses %s, and quotes nothing of it', (_name, text, message) => {
    expect(() => readActorKey(text)).toThrow(message);
    expect(() => readActorKey(text)).not.toThrow(/BEGIN|MII/);
  });
});
