import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type CavageOptions, type ExactRequest, type WireAnswer, sendExact, signCavage, testKey, withHeader } from '../activitypub/index.ts';
import { isInbox } from './inbox.ts';
import { type MisskeyStub, startMisskeyStub } from './stub.ts';

const HANG_MS = 700;
const HOST = 'instance.peer.example';
const KEY_ID = 'https://a.peer.example/users/alice#main-key';
const body = Buffer.from('{"id":"https://a.peer.example/1","type":"Like","actor":"https://a.peer.example/users/alice"}');
const padded = (bytes: number): Buffer => Buffer.concat([body, Buffer.alloc(bytes - body.length, 0x20)]);
const signed = (options: Partial<CavageOptions> = {}): ExactRequest => signCavage({ body, host: HOST, keyId: KEY_ID, ...options });

let stub: MisskeyStub;
beforeAll(async () => {
  testKey();
  stub = await startMisskeyStub({ publicUrl: `https://${HOST}`, keepBodies: true });
});
beforeEach(() => {
  stub.requests.length = 0;
  stub.jobs.length = 0;
});
afterEach(() => void Object.assign(stub, { federation: 'all', inboxStatus: undefined, inboxDelayMs: 0 }));
afterAll(async () => await stub?.close());
const send = async (request: ExactRequest, timeoutMs = 5_000): Promise<WireAnswer> => await sendExact(request, { port: stub.port, timeoutMs });

describe('the inbox of the stub', () => {
  it.each<[string, ExactRequest, number]>([
    ['a signed activity', signed(), 202],
    ['299 s old', signed({ dateOffsetS: -299 }), 202],
    ['hs2019', signed({ algorithm: 'hs2019' }), 202],
    ['ld+json with profile', signed({ contentType: 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"' }), 202],
    ['digest in lower case', signed({ digest: `sha-256=${createHash('sha256').update(body).digest('base64')}` }), 202],
    ['a query', signed({ target: '/inbox?x=1' }), 202],
    ['an unknown user', signed({ target: '/users/nobody/inbox' }), 202],
    ['a decoded path', signed({ target: '/%69nbox' }), 202],
    ['65,536 bytes', signed({ body: padded(65_536) }), 202],
    ['65,537 bytes', signed({ body: padded(65_537) }), 413],
    ['65,537 bytes in chunks', { ...signed({ body: padded(65_537) }), chunked: true }, 413],
    ['an old Date behind X-Date', signed({ dateOffsetS: -3_600, headers: [['X-Date', new Date().toUTCString()]] }), 202],
    ['Date that is none', signed({ date: 'yesterday' }), 202],
    ['unsigned', withHeader(signed(), 'signature', undefined), 401],
    ['bad signature header', withHeader(signed(), 'signature', 'nonsense'), 401],
    ['no algorithm', signed({ algorithm: null }), 401],
    ['wrong host', signed({ host: 'other.peer.example' }), 401],
    ['no Date', withHeader(signed(), 'date', undefined), 401],
    ['stale', signed({ dateOffsetS: -3_600 }), 401],
    ['310 s ahead', signed({ dateOffsetS: 310 }), 401],
    ['no digest', withHeader(signed(), 'digest', undefined), 401],
    ['unsigned digest', signed({ covered: ['(request-target)', 'host', 'date'] }), 401],
    ['digest of another body', signed({ digest: `SHA-256=${createHash('sha256').update('x').digest('base64')}` }), 401],
    ['SHA-512', signed({ digest: `SHA-512=${createHash('sha512').update(body).digest('base64')}` }), 401],
    ['no (request-target)', signed({ covered: ['host', 'date', 'digest'] }), 401],
    ['invalid JSON', signed({ body: Buffer.from('{') }), 400],
    ['empty', signed({ body: Buffer.alloc(0) }), 400],
    ['unsigned invalid JSON: the parser comes first', withHeader(signed({ body: Buffer.from('{') }), 'signature', undefined), 400],
    ['null', signed({ body: Buffer.from('null') }), 500],
    ['unsigned null', withHeader(signed({ body: Buffer.from('null') }), 'signature', undefined), 401],
    ['an array', signed({ body: Buffer.from('[]') }), 202],
    ['a byte order mark', signed({ body: Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), body]) }), 202],
    ['a key twice', signed({ body: Buffer.from('{"a":1,"a":2,"__proto__":{}}') }), 202],
    ['nested 5,000 deep', signed({ body: Buffer.from('['.repeat(5_000) + ']'.repeat(5_000)) }), 202],
    ['nested 30,000 deep', signed({ body: Buffer.from('['.repeat(30_000) + ']'.repeat(30_000)) }), 500],
    ['no content type', withHeader(signed(), 'content-type', undefined), 415],
    ['a form', signed({ contentType: 'application/x-www-form-urlencoded' }), 415],
    ['multipart', signed({ contentType: 'multipart/form-data; boundary=x' }), 415],
    ['a trailing slash', signed({ target: '/inbox/' }), 404],
    ['a double slash', signed({ target: '//inbox' }), 404],
    ['a dot', signed({ target: '/./inbox' }), 404],
  ])('%s', async (_name, request, status) => {
    expect(await send(request)).toMatchObject({ status, end: 'answered' });
    expect(stub.jobs).toHaveLength(status === 202 ? 1 : 0);
  });

  it.each(['text/plain', 'application/json', 'Application/JSON; charset=utf-8'])('never answers %s', async (contentType) => {
    expect(await send(signed({ contentType }), HANG_MS)).toMatchObject({ status: 0, end: 'timeout' });
    // The same connection would have been answered: only the type differs.
    expect(await send(signed(), HANG_MS)).toMatchObject({ status: 202 });
  });

  it('refuses all before set-up, but parses first', async () => {
    stub.federation = 'none';
    expect((await send(signed())).status).toBe(403);
    expect((await send(signed({ body: Buffer.from('{') }))).status).toBe(400);
  });

  it('keeps what it has got', async () => {
    await send(signed());
    expect(stub.requests[0]).toMatchObject({ method: 'POST', url: '/inbox', bodyHash: createHash('sha256').update(body).digest('hex'), body });
    expect(stub.jobs[0]).toMatchObject({ activity: { type: 'Like' }, signature: { scheme: 'Signature', keyId: KEY_ID, algorithm: 'RSA-SHA256' } });
  });

  it('answers as it is told', async () => {
    stub.inboxStatus = 410;
    expect((await send(signed())).status).toBe(410);
  });

  it('shows its page to a GET', async () => {
    expect(await send({ method: 'GET', target: '/inbox', headers: [['Host', HOST]], body: Buffer.alloc(0) })).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } });
  });
});

describe('isInbox()', () => {
  it.each(['/inbox', '/inbox?a', '/%69nbox', '/%69%6e%62ox', '/users/a/inbox', '/users/a%2Fb/inbox', '/users/a/%69nbox'])('leads %s to an inbox', (target) => {
    expect(isInbox(target)).toBe(true);
  });
  it.each(['/', '/inbox/', '//inbox', '/inbox;a=b', '/INBOX', '/./inbox', '/%2569nbox', '/users/a/b/inbox', '/users/inbox', '/%', '/%ff'])('leads %s elsewhere', (target) => {
    expect(isInbox(target)).toBe(false);
  });
});
