import { describe, expect, it } from '@jest/globals';
import { INBOX_LIMITS } from '@sekisho/contracts';
import fc from 'fast-check';
import { altered, BODY, COVERED, digestOf, ED25519, headerObject, HOST, KEY_ID, NOW_MS, post, type PostOptions, RSA, rules, secondsOf } from '../testing/request.ts';
import type { HeadRules, InboxHead, RequestFacts } from '../types.ts';
import { verifySignature } from '../signature/verify.ts';
import { checkDigest } from './digest.ts';
import { readHead } from './read.ts';

const codeOf = (facts: RequestFacts, over: Partial<HeadRules> = {}): string => {
  const head = readHead(facts, rules(over));
  return head.ok ? 'ok' : head.code.replace('SEKISHO_INBOX_', '');
};
const headOf = (facts: RequestFacts, over: Partial<HeadRules> = {}): InboxHead => {
  const head = readHead(facts, rules(over));
  if (!head.ok) throw new Error(`${head.code} ${head.detail}`);
  return head;
};
const late = (seconds: number): number => NOW_MS - seconds * 1_000;
const withSignature = (change: (value: string) => string, options: PostOptions = {}): RequestFacts => altered(post(options), 'signature', change);
const NOW_S = secondsOf(NOW_MS);

describe('readHead()', () => {
  it('reads what a usual sender sends', () => {
    const head = headOf(post());
    expect(head.signature).toMatchObject({ scheme: 'cavage', keyId: KEY_ID, keyHost: 'alice.peer.example', algorithm: 'rsa-sha256', covered: [...COVERED] });
    expect(head.signature.signingString).toBe(`(request-target): post /inbox\nhost: ${HOST}\ndate: Thu, 05 Mar 2026 12:00:00 GMT\ndigest: ${digestOf(BODY)}`);
    expect(head.signedAtMs).toBe(NOW_MS);
    expect(checkDigest(head, BODY)).toBeUndefined();
    expect(verifySignature(head.signature, RSA.publicKey)).toBe(true);
  });

  const ACCEPTED: readonly (readonly [string, PostOptions])[] = [
    ['a user inbox with a query', { target: '/users/9abc/inbox?x=%2F1' }],
    ['headers in another order', { covered: ['date', 'host', 'digest', '(request-target)'] }],
    ['further signed headers', { covered: [...COVERED, 'content-type', 'collection-synchronization'], set: { 'collection-synchronization': 'collectionId="https://a/b", digest="1"' } }],
    ['an empty signed header', { covered: [...COVERED, 'x-empty'], set: { 'x-empty': '' } }],
    ['a keyId without fragment', { params: { keyId: 'https://alice.peer.example/users/alice/main-key' } }],
    ['a keyId with a query', { params: { keyId: 'https://alice.peer.example/key?id=1' } }],
    ['a keyId of nothing but a host', { params: { keyId: 'https://alice.peer.example' } }],
    ['a punycode keyId', { params: { keyId: 'https://xn--bcher-kva.example/@a#main-key' } }],
    ['hs2019', { params: { algorithm: 'hs2019' } }],
    ['rsa-sha512', { params: { algorithm: 'rsa-sha512' }, hash: 'sha512' }],
    ['an algorithm in capitals', { params: { algorithm: 'RSA-SHA256' } }],
    ['created and expires, signed', { covered: [...COVERED, '(created)', '(expires)'], params: { created: NOW_S, expires: NOW_S + 60 } }],
    ['created in quotes', { params: { created: String(NOW_S) } }],
    ['a parameter nobody knows', { params: { version: '2' } }],
    ['ld+json', { set: { 'content-type': 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"' } }],
    ['a digest name in lower case', { set: { digest: digestOf(BODY).replace('SHA', 'sha') } }],
    ['Content-Encoding: identity', { add: [['Content-Encoding', 'identity']] }],
    ['a body without length', { set: { 'content-length': undefined, 'transfer-encoding': 'chunked' } }],
    ['an Authorization that is no signature', { add: [['Authorization', 'Bearer x']] }],
    ['a usual Connection', { add: [['Connection', 'keep-alive, TE']] }],
    ['two lines of an unsigned header', { add: [['Accept', 'a'], ['Accept', 'b']] }],
  ];
  it.each(ACCEPTED)('accepts %s', (_, options) => {
    expect(codeOf(post(options))).toBe('ok');
    const head = headOf(post(options));
    expect(verifySignature(head.signature, RSA.publicKey)).toBe(true);
  });

  it('finds headers in any case', () => {
    const facts = post();
    const shouted = { ...facts, rawHeaders: facts.rawHeaders.map((text, at) => (at % 2 === 0 ? text.toUpperCase() : text)) };
    expect(verifySignature(headOf(shouted).signature, RSA.publicKey)).toBe(true);
  });

  it.each<readonly [string, string, PostOptions]>([
    ['MEDIA_TYPE', 'application/json', { set: { 'content-type': 'application/json' } }],
    ['MEDIA_TYPE', 'no Content-Type', { set: { 'content-type': undefined } }],
    ['MEDIA_TYPE', 'a second Content-Type that is text', { add: [['content-type', 'text/plain']] }],
    ['CONTENT_ENCODING', 'gzip', { add: [['Content-Encoding', 'gzip']] }],
    ['CONTENT_ENCODING', 'gzip after identity', { add: [['content-encoding', 'identity'], ['content-encoding', 'gzip']] }],
    ['TOO_LARGE', 'a declared length of 64 KiB and one', { set: { 'content-length': String(INBOX_LIMITS.bodyBytesMax + 1) } }],
    ['TOO_LARGE', 'a very long number', { set: { 'content-length': '9'.repeat(400) } }],
    ['HEADERS', 'a length that is no number', { set: { 'content-length': '+5' } }],
    ['HEADERS', 'a length beside chunks', { add: [['transfer-encoding', 'chunked']] }],
    ['HEADERS', 'another transfer coding', { set: { 'content-length': undefined, 'transfer-encoding': 'gzip, chunked' } }],
    ['HEADERS', 'a signed header twice', { covered: [...COVERED, 'x-a'], set: { 'x-a': '1' }, add: [['X-A', '2']] }],
    ['HEADERS', 'Connection that takes the Date away', { add: [['Connection', 'keep-alive, Date']] }],
    ['HEADERS', 'X-Date', { add: [['X-Date', new Date(NOW_MS).toUTCString()]] }],
    ['HEADERS', 'Authorization: Signature beside Signature', { add: [['Authorization', 'Signature keyId="x"']] }],
    ['ALGORITHM', 'no algorithm', { params: { algorithm: undefined } }],
    ['ALGORITHM', 'rsa-sha1', { params: { algorithm: 'rsa-sha1' }, hash: 'sha1' }],
    ['ALGORITHM', 'hmac-sha256', { params: { algorithm: 'hmac-sha256' } }],
    ['ALGORITHM', 'ecdsa-sha256', { params: { algorithm: 'ecdsa-sha256' } }],
    ['ALGORITHM', 'dsa-sha256', { params: { algorithm: 'dsa-sha256' } }],
    ['ALGORITHM', 'a name of Object.prototype', { params: { algorithm: 'constructor' } }],
    ['SIGNED_HEADERS', 'no headers parameter', { params: { headers: undefined } }],
    ['SIGNED_HEADERS', 'no request target', { covered: ['host', 'date', 'digest'] }],
    ['SIGNED_HEADERS', 'no host', { covered: ['(request-target)', 'date', 'digest'] }],
    ['SIGNED_HEADERS', 'no date', { covered: ['(request-target)', 'host', 'digest'] }],
    ['SIGNED_HEADERS', 'no digest', { covered: ['(request-target)', 'host', 'date'] }],
    ['SIGNED_HEADERS', '(created) for date', { covered: ['(request-target)', 'host', '(created)', 'digest'], params: { created: NOW_S } }],
    ['HOST', 'another Host', { set: { host: 'other.origin.example' } }],
    ['HOST', 'Host with a port', { set: { host: `${HOST}:443` } }],
    ['HOST', 'Host in capitals', { set: { host: HOST.toUpperCase() } }],
    ['HOST', 'no Host', { set: { host: undefined } }],
    ['DATE', 'no Date', { set: { date: undefined } }],
    ['DATE', 'no date at all', { set: { date: 'yesterday' } }],
    ['DATE', 'created too far ahead', { params: { created: NOW_S + 301 } }],
    ['DATE', 'created too old', { covered: [...COVERED, '(created)'], params: { created: NOW_S - 301 } }],
    ['DATE', 'expired', { params: { expires: NOW_S - 301 } }],
    ['DIGEST', 'no Digest', { set: { digest: undefined } }],
    ['DIGEST', 'SHA-512', { set: { digest: `SHA-512=${'A'.repeat(86)}==` } }],
    ['DIGEST', 'MD5 first', { set: { digest: `MD5=aaaa,${digestOf(BODY)}` } }],
    ['DIGEST', 'two digests', { set: { digest: `${digestOf(BODY)},SHA-512=${'A'.repeat(86)}==` } }],
    ['SIGNATURE', 'a signed header that is not there', { covered: [...COVERED, 'x-none'] }],
    ['SIGNATURE', 'a signed header beyond ASCII', { covered: [...COVERED, 'x-a'], set: { 'x-a': 'caf\u00e9' } }],
    ['SIGNATURE', 'request-line', { covered: [...COVERED, 'request-line'] }],
    ['SIGNATURE', '(keyid)', { covered: [...COVERED, '(keyid)'] }],
    ['SIGNATURE', '(created) without created', { covered: [...COVERED, '(created)'] }],
    ['SIGNATURE', 'a header signed twice', { params: { headers: '(request-target) host date digest host' } }],
    ['SIGNATURE', 'two spaces in headers', { params: { headers: '(request-target) host  date digest' } }],
    ['SIGNATURE', 'created with a zero in front', { params: { created: `0${NOW_S}` } }],
    ['SIGNATURE', 'created of 13 digits', { params: { created: NOW_MS } }],
    ['SIGNATURE', 'a short signature', { params: { signature: 'AAAA' } }],
    ['SIGNATURE', 'base64 with bits that nobody reads', { params: { signature: `${'A'.repeat(85)}B==` } }],
    ['SIGNATURE', 'base64url', { params: { signature: '-'.repeat(88) } }],
    ['SIGNATURE', 'a target beyond ASCII', { target: '/inbox?\u00e9' }],
  ])('refuses with %s: %s', (code, _, options) => {
    expect(codeOf(post(options))).toBe(code);
  });

  it.each(['host', 'date', 'digest', 'signature', 'content-type', 'content-length', 'content-digest', 'signature-input'])('refuses two lines of %s', (name) => {
    const lines = [[name, 'x'], [name, 'x']] as const;
    const same = headerObject(post())[name];
    expect(codeOf(post({ add: same === undefined ? lines : [[name.toUpperCase(), same]] }))).toBe('HEADERS');
  });

  it('refuses a request without Signature, whatever Authorization says', () => {
    const facts = post();
    const value = headerObject(facts)['signature'] ?? '';
    expect(codeOf(altered(facts, 'signature', () => undefined))).toBe('UNSIGNED');
    const moved = altered(facts, 'signature', () => undefined);
    expect(codeOf({ ...moved, rawHeaders: [...moved.rawHeaders, 'authorization', `Signature ${value}`] })).toBe('HEADERS');
  });

  it.each<readonly [string, (value: string) => string]>([
    ['keyId twice', (value) => `keyId="https://eve.peer.example/e#k",${value}`],
    ['keyId in two cases', (value) => `${value},keyid="https://eve.peer.example/e#k"`],
    ['another case alone', (value) => value.replace('keyId', 'KeyId')],
    ['a space after the comma', (value) => value.replace(',', ', ')],
    ['a comma at the end', (value) => `${value},`],
    ['a comma at the start', (value) => `,${value}`],
    ['the scheme in front', (value) => `Signature ${value}`],
    ['a quote left open', (value) => value.slice(0, -1)],
    ['an escaped quote', (value) => value.replace('users', 'us\\"ers')],
    ['single quotes', (value) => value.replaceAll('"', "'")],
    ['a name with a digit', (value) => `${value},a1="b"`],
    ['a negative number', (value) => `${value},created=-1`],
    ['nothing', () => ''],
    ['too many parameters', (value) => `${value}${Array.from({ length: 13 }, (_, at) => `,p${'x'.repeat(at)}="1"`).join('')}`],
    ['a control character', (value) => value.replace('users', 'us\ters')],
  ])('refuses a Signature with %s', (_, change) => {
    expect(codeOf(withSignature(change))).toBe('SIGNATURE');
  });

  it('has an exact limit for the length of Signature', () => {
    const { length } = headerObject(post())['signature'] ?? '';
    const padded = (total: number): RequestFacts => withSignature((value) => `${value},pad="${'x'.repeat(total - length - 7)}"`);
    expect(codeOf(padded(INBOX_LIMITS.signatureCharsMax))).toBe('ok');
    expect(codeOf(padded(INBOX_LIMITS.signatureCharsMax + 1))).toBe('SIGNATURE');
  });

  it.each([
    'http://alice.peer.example/u#k', 'acct:alice@alice.peer.example', 'HTTPS://alice.peer.example/u', '//alice.peer.example/u', 'alice.peer.example/u', '', 'https://', 'https:///u',
    'https://Alice.peer.example/u', 'https://alice.peer.example:443/u', 'https://alice.peer.example:8443/u', 'https://alice.peer.example./u', 'https://u:p@alice.peer.example/u', 'https://alice.peer.example@eve.peer.example/u',
    'https://alice.peer.example\\@eve.peer.example/u', 'https://127.0.0.1/u', 'https://2130706433/u', 'https://0x7f.1/u', 'https://[::1]/u', 'https://localhost/u', 'https://redis/u', 'https://alice%2Epeer.example/u',
    'https://a..peer.example/u', 'https://.peer.example/u', 'https://a.0x1/u', 'https://alice.internal.example/u', 'https://alice.peer.example/a b', `https://alice.peer.example/${'a'.repeat(INBOX_LIMITS.urlCharsMax - 26)}x`,
  ])('refuses the keyId %s', (keyId) => {
    expect(codeOf(post({ params: { keyId } }))).toBe('KEY_ID');
  });

  it('takes a keyId of exactly the greatest length', () => {
    expect(codeOf(post({ params: { keyId: `https://alice.peer.example/${'a'.repeat(INBOX_LIMITS.urlCharsMax - 27)}` } }))).toBe('ok');
    expect(codeOf(post({ params: { keyId: `https://alice.peer.example/${'a'.repeat(INBOX_LIMITS.urlCharsMax - 26)}` } }))).toBe('KEY_ID');
  });

  it('takes a declared length of exactly 64 KiB', () => {
    expect(codeOf(post({ set: { 'content-length': String(INBOX_LIMITS.bodyBytesMax) } }))).toBe('ok');
  });

  it.each([[300, 'ok'], [301, 'DATE'], [-300, 'ok'], [-301, 'DATE'], [7_200, 'DATE'], [-86_400, 'DATE']])('judges a request that is %d s old: %s', (age, code) => {
    expect(codeOf(post({ nowMs: late(age) }))).toBe(code);
    expect(codeOf(post({ params: { created: NOW_S - age } }))).toBe(code);
    expect(codeOf(post({ params: { expires: NOW_S - age } }))).toBe(age > 300 ? 'DATE' : 'ok');
  });

  it('takes a smaller skew', () => {
    expect(codeOf(post({ nowMs: late(30) }), { dateSkewS: 30 })).toBe('ok');
    expect(codeOf(post({ nowMs: late(31) }), { dateSkewS: 30 })).toBe('DATE');
  });

  it('takes (created) instead of a date for the queue only', () => {
    const options = { covered: ['(request-target)', 'host', '(created)', 'digest'], params: { created: NOW_S, algorithm: 'hs2019' } };
    for (const mode of ['observe', 'enforce'] as const) expect(codeOf(post(options), { mode })).toBe('SIGNED_HEADERS');
    const head = headOf(post({ ...options, set: { date: undefined } }), { mode: 'enqueue' });
    expect(head.signedAtMs).toBe(NOW_MS);
    expect(verifySignature(head.signature, RSA.publicKey)).toBe(true);
    expect(codeOf(post({ ...options, params: { created: NOW_S - 301, algorithm: 'hs2019' } }), { mode: 'enqueue' })).toBe('DATE');
    expect(codeOf(post({ ...options, covered: ['(request-target)', 'host', 'digest'] }), { mode: 'enqueue' })).toBe('SIGNED_HEADERS');
  });

  it('checks in the order of the table', () => {
    // Everything is wrong; each step repairs the first fault.
    const steps: readonly (readonly [string, (facts: RequestFacts) => RequestFacts])[] = [
      ['MEDIA_TYPE', (facts) => altered(facts, 'content-type', () => 'application/activity+json')],
      ['CONTENT_ENCODING', (facts) => altered(facts, 'content-encoding', () => undefined)],
      ['TOO_LARGE', (facts) => altered(facts, 'content-length', () => '15')],
      ['HEADERS', (facts) => altered(facts, 'x-date', () => undefined)],
      ['SIGNATURE', (facts) => altered(facts, 'signature', (value) => value.replace(', ', ','))],
      ['KEY_ID', (facts) => altered(facts, 'signature', (value) => value.replace('http:', 'https:'))],
      ['ALGORITHM', (facts) => altered(facts, 'signature', (value) => value.replace('rsa-sha1', 'rsa-sha256'))],
      ['SIGNED_HEADERS', (facts) => altered(facts, 'signature', (value) => value.replace('headers="', 'headers="(request-target) '))],
      ['HOST', (facts) => altered(facts, 'host', () => HOST)],
      ['DATE', (facts) => altered(facts, 'date', () => new Date(NOW_MS).toUTCString())],
      ['DIGEST', (facts) => altered(facts, 'digest', () => digestOf(BODY))],
    ];
    let facts = altered(post({
      covered: ['host', 'date', 'digest'], params: { keyId: 'http://alice.peer.example/u', algorithm: 'rsa-sha1' },
      set: { host: 'x.example', date: 'never', digest: 'MD5=x', 'content-type': 'text/plain', 'content-encoding': 'br', 'content-length': '70000', 'x-date': 'now' },
    }), 'signature', (value) => value.replace(',', ', '));
    for (const [code, repair] of steps) {
      expect(codeOf(facts)).toBe(code);
      facts = repair(facts);
    }
    expect(codeOf(facts)).toBe('ok');
  });

  it('makes one replay key of one signed request', () => {
    const key = headOf(post()).replayKey;
    expect(key).toMatch(/^[\w-]{43}$/);
    expect(headOf(post()).replayKey).toBe(key);
    // Parts that are not signed do not make another request of it.
    expect(headOf(withSignature((value) => value.replace('alice#main-key', 'alice#other').replace('rsa-sha256', 'hs2019'))).replayKey).toBe(key);
    expect(headOf(post({ nowMs: late(1) })).replayKey).not.toBe(key);
    expect(headOf(post({ target: '/inbox?x' })).replayKey).not.toBe(key);
    // Whoever does not have the signature cannot mark the request as seen.
    expect(headOf(post({ params: { signature: Buffer.alloc(256).toString('base64') } })).replayKey).not.toBe(key);
  });

  it('tells nothing of the body or the signature in its details', () => {
    const head = readHead(post({ set: { date: 'secret' } }), rules());
    expect(head).toEqual({ ok: false, code: 'SEKISHO_INBOX_DATE', detail: 'no readable Date' });
  });

  it('reads an Ed25519 signature', () => {
    for (const algorithm of ['ed25519', 'ed25519-sha512', 'hs2019']) {
      const { signature } = headOf(post({ key: ED25519.privateKey, params: { algorithm } }));
      expect(verifySignature(signature, ED25519.publicKey)).toBe(true);
      expect(verifySignature(signature, RSA.publicKey)).toBe(false);
    }
  });

  it('never throws', () => {
    const name = fc.constantFrom('host', 'date', 'digest', 'signature', 'signature-input', 'content-type', 'content-length', 'x-date', 'authorization', '__proto__', 'constructor');
    const value = fc.oneof(fc.string(), fc.constantFrom('application/activity+json', HOST, 'sig1=:AAAA:', 'sig1=("@method")', 'keyId="x",headers="constructor"'));
    const lines = fc.array(fc.tuple(name, value)).map((pairs) => pairs.flat());
    fc.assert(fc.property(lines, fc.string(), fc.constantFrom('observe', 'enforce', 'enqueue'), (rawHeaders, target, mode) => void readHead({ method: 'POST', target, rawHeaders }, rules({ mode }))));
  });

  it('notices every changed character of what is signed', () => {
    const facts = post();
    const names = ['signature', 'date', 'digest', 'host'];
    fc.assert(fc.property(fc.constantFrom(...names), fc.nat(), fc.integer({ min: 0x21, max: 0x7e }), (name, position, code) => {
      const changed = altered(facts, name, (value) => {
        const at = position % value.length;
        return value.slice(0, at) + String.fromCharCode(code) + value.slice(at + 1);
      });
      const head = readHead(changed, rules());
      // keyId, algorithm and the names of unknown parameters are not signed.
      const same = head.ok && verifySignature(head.signature, RSA.publicKey) && checkDigest(head, BODY) === undefined;
      if (same) expect(head.signature.signingString).toBe(headOf(facts).signature.signingString);
    }));
  });
});

describe('checkDigest()', () => {
  it('refuses another body', () => {
    expect(checkDigest(headOf(post()), Buffer.from('{"type":"like"}'))).toMatchObject({ ok: false, code: 'SEKISHO_INBOX_DIGEST' });
    expect(checkDigest({ digest: Buffer.alloc(3) }, BODY)).toMatchObject({ ok: false });
  });
});
