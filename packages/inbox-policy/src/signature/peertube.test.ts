// Misskey's own signature library as an oracle: both agree on the same requests, and each known difference is one that the
// library accepts and readHead() refuses. The library has no other clock than that of the machine.

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { altered, BODY, COVERED, digestOf, ED25519, headerObject, HOST, KEY_ID, post, type PostOptions, RSA, rules, secondsOf } from '../testing/request.ts';
import { parseAsMisskey, peertube } from '../testing/peertube.ts';
import type { InboxHead, RequestFacts } from '../types.ts';
import { readHead } from '../head/read.ts';
import { signRequest } from './sign.ts';
import { verifySignature } from './verify.ts';

const nowMs = secondsOf(Date.now()) * 1_000;
const NOW_S = secondsOf(nowMs);
const PEM = RSA.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const ED_PEM = ED25519.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const here = (options: PostOptions = {}): RequestFacts => post({ nowMs, ...options });
const ours = (facts: RequestFacts): InboxHead | { readonly ok: false; readonly code: string } => readHead(facts, rules({ nowMs: Date.now() }));
const theirs = (facts: RequestFacts): ReturnType<typeof parseAsMisskey> => parseAsMisskey({ method: facts.method, url: facts.target, httpVersion: '1.1', headers: headerObject(facts) });
const theyAccept = (facts: RequestFacts, pem = PEM): boolean => peertube.verifySignature(theirs(facts), pem);

/** A request signed by the library. */
function signedByLibrary(options: Readonly<Record<string, unknown>>, target = '/inbox'): RequestFacts {
  const headers = new Map([['host', HOST], ['date', new Date(nowMs).toUTCString()], ['digest', digestOf(BODY)], ['content-type', 'application/activity+json']]);
  peertube.signRequest(
    { method: 'POST', path: target, getHeader: (name) => headers.get(name.toLowerCase()), setHeader: (name, value) => void headers.set(name.toLowerCase(), value) },
    { keyId: KEY_ID, key: RSA.privateKey.export({ type: 'pkcs1', format: 'pem' }), authorizationHeaderName: 'Signature', headers: [...COVERED], ...options },
  );
  return { method: 'POST', target, rawHeaders: [...headers].flat() };
}

describe('@peertube/http-signature and readHead() agree', () => {
  it.each<readonly [string, Record<string, unknown>, string]>([
    ['its default algorithm', {}, '/inbox'],
    ['rsa-sha256', { algorithm: 'rsa-sha256' }, '/inbox'],
    ['rsa-sha512', { algorithm: 'rsa-sha512' }, '/inbox'],
    ['hs2019', { algorithm: 'rsa-sha256', hideAlgorithm: true }, '/inbox'],
    ['a query', {}, '/users/a/inbox?x=1&y=%20'],
    ['(created)', { headers: [...COVERED, '(created)'] }, '/inbox'],
    ['(created) and (expires)', { headers: ['(created)', '(expires)', ...COVERED, 'content-type'], expiresIn: 30 }, '/inbox'],
  ])('on what the library signs with %s', (_, options, target) => {
    const facts = signedByLibrary(options, target);
    const head = ours(facts);
    expect(head).toMatchObject({ ok: true });
    expect(head.ok && verifySignature(head.signature, RSA.publicKey)).toBe(true);
    expect(head.ok && head.signature.signingString).toBe(theirs(facts).signingString);
    expect(head.ok && head.signature.covered).toEqual(theirs(facts).params.headers);
  });

  it('on what we sign', () => {
    const headers = signRequest({ method: 'GET', url: 'https://alice.peer.example/users/alice?a=b', dateMs: nowMs, keyId: KEY_ID, key: RSA.privateKey });
    const parsed = parseAsMisskey({ method: 'GET', url: '/users/alice?a=b', httpVersion: '1.1', headers: { ...headers } });
    expect(peertube.verifySignature(parsed, PEM)).toBe(true);
    const posted = signRequest({ method: 'POST', url: `https://${HOST}/inbox`, dateMs: nowMs, keyId: KEY_ID, key: RSA.privateKey, body: BODY });
    expect(peertube.verifySignature(parseAsMisskey({ method: 'POST', url: '/inbox', httpVersion: '1.1', headers: { ...posted } }), PEM)).toBe(true);
  });

  it('on Ed25519', () => {
    const facts = here({ key: ED25519.privateKey, params: { algorithm: 'hs2019' } });
    expect(theyAccept(facts, ED_PEM)).toBe(true);
    const head = ours(facts);
    expect(head.ok && verifySignature(head.signature, ED25519.publicKey)).toBe(true);
  });

  it('on the signing string of any request that we accept', () => {
    const token = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd', 'e', '-', '_'), minLength: 1, maxLength: 12 }).map((name) => `x-${name}`);
    const value = fc.string({ maxLength: 30 }).map((text) => text.trim());
    const extra = fc.dictionary(token, value, { maxKeys: 4 });
    const target = fc.tuple(fc.constantFrom('/inbox', '/users/a/inbox'), fc.webQueryParameters()).map(([path, query]) => (query === '' ? path : `${path}?${query}`));
    fc.assert(fc.property(extra, target, fc.shuffledSubarray([...COVERED], { minLength: 4 }), (set, path, covered) => {
      const facts = here({ set, target: path, covered: [...covered, ...Object.keys(set)] });
      const head = ours(facts);
      expect(head.ok && head.signature.signingString).toBe(theirs(facts).signingString);
    }), { numRuns: 60 });
  });

  it('that nothing passes us which the library refuses, in any mixture of parameters', () => {
    const piece = fc.constantFrom('keyId="https://alice.peer.example/u"', 'algorithm="rsa-sha256"', 'algorithm="hs2019"', `created=${NOW_S}`, `expires=${NOW_S}`, 'headers="(request-target) host date digest"', `signature="${Buffer.alloc(256, 1).toString('base64')}"`, 'x="y"', ' ', ',', '"', 'algorithm="ed25519-sha512"');
    let accepted = 0;
    fc.assert(fc.property(fc.shuffledSubarray(['keyId="https://alice.peer.example/u"', 'algorithm="hs2019"', 'headers="(request-target) host date digest"', `signature="${Buffer.alloc(256, 1).toString('base64')}"`], { minLength: 3 }), fc.array(piece, { maxLength: 2 }), (needed, more) => {
      const facts = altered(here(), 'signature', () => [...needed, ...more].join(','));
      const head = ours(facts);
      if (!head.ok) return;
      accepted++;
      expect(theirs(facts)).toMatchObject({ keyId: head.signature.keyId, signingString: head.signature.signingString });
    }), { numRuns: 500 });
    expect(accepted).toBeGreaterThan(0);
  });
});

describe('the library accepts and readHead() refuses', () => {
  const HOUR_S = 3_600;
  const lastYear = new Date(nowMs - 365 * 24 * HOUR_S * 1_000).toUTCString();
  const value = headerObject(here())['signature'] ?? '';

  it.each<readonly [string, string, RequestFacts]>([
    ['an old request with a fresh X-Date beside it', 'HEADERS', here({ nowMs: nowMs - HOUR_S * 1_000, add: [['x-date', new Date(nowMs).toUTCString()]] })],
    ['a signed Date that is no date', 'DATE', here({ set: { date: 'yesterday' } })],
    ['a Date by another format', 'DATE', here({ set: { date: new Date(nowMs).toISOString() } })],
    ['Authorization instead of Signature', 'HEADERS', altered({ ...here(), rawHeaders: [...here().rawHeaders, 'authorization', `Signature ${value}`] }, 'signature', () => undefined)],
    ['Authorization beside an empty Signature', 'HEADERS', altered({ ...here(), rawHeaders: [...here().rawHeaders, 'authorization', `Signature ${value}`] }, 'signature', () => '')],
    ['keyId twice', 'SIGNATURE', altered(here(), 'signature', (text) => `keyId="https://eve.peer.example/e",${text}`)],
    ['headers twice', 'SIGNATURE', altered(here(), 'signature', (text) => `headers="date",${text}`)],
    ['keyId in two cases', 'SIGNATURE', altered(here(), 'signature', (text) => `${text},KeyId="https://eve.peer.example/e"`)],
    ['a comma at the end', 'SIGNATURE', altered(here(), 'signature', (text) => `${text},`)],
    ['rsa-sha1', 'ALGORITHM', here({ params: { algorithm: 'rsa-sha1' }, hash: 'sha1' })],
    ['digest not signed', 'SIGNED_HEADERS', here({ covered: ['(request-target)', 'host', 'date'] })],
    ['request-line besides', 'SIGNATURE', signedByLibrary({ headers: [...COVERED, 'request-line'] })],
    ['(keyid) besides', 'SIGNATURE', signedByLibrary({ headers: [...COVERED, '(keyid)'] })],
    ['(algorithm) besides', 'SIGNATURE', signedByLibrary({ headers: [...COVERED, '(algorithm)'] })],
    ['(opaque) besides', 'SIGNATURE', signedByLibrary({ headers: [...COVERED, '(opaque)'], opaque: 'x' })],
    ['a header twice in headers', 'SIGNATURE', here({ covered: [...COVERED, 'host'] })],
    ['a signature in base64 that others read otherwise', 'SIGNATURE', altered(here(), 'signature', (text) => text.replace(/=="$/, '"'))],
    ['an acct: keyId', 'KEY_ID', here({ params: { keyId: 'acct:alice@alice.peer.example' } })],
    ['a keyId over http', 'KEY_ID', here({ params: { keyId: 'http://alice.peer.example/u' } })],
    ['a Host that is not ours', 'HOST', here({ set: { host: 'other.origin.example' } })],
    ['created an age ago', 'DATE', here({ covered: [...COVERED, '(created)'], params: { created: NOW_S - HOUR_S } })],
  ])('%s', (_, code, facts) => {
    expect(theyAccept(facts)).toBe(true);
    expect(ours(facts)).toMatchObject({ ok: false, code: `SEKISHO_INBOX_${code}` });
  });

  it('an unsigned Date that is old, where the date is signed', () => {
    // The positive control of the table: without its trick an old request is refused by both.
    const facts = here({ set: { date: lastYear } });
    expect(() => theirs(facts)).toThrow(/clock skew/);
    expect(ours(facts)).toMatchObject({ ok: false, code: 'SEKISHO_INBOX_DATE' });
  });

  it('two Digest lines: the library signs what Node joins', () => {
    const facts = here({ add: [['digest', 'SHA-256=x']] });
    expect(ours(facts)).toMatchObject({ ok: false, code: 'SEKISHO_INBOX_HEADERS' });
  });
});

describe('readHead() accepts and the library refuses', () => {
  it.each<readonly [string, RequestFacts]>([
    // Misskey answers 401 itself.
    ['the short name of Ed25519', here({ key: ED25519.privateKey, params: { algorithm: 'ed25519' } })],
  ])('%s', (_, facts) => {
    expect(ours(facts)).toMatchObject({ ok: true });
    expect(() => theirs(facts)).toThrow(/not a valid algorithm|is not supported/i);
  });

  it('hs2019 with SHA-512, which others send', () => {
    const facts = here({ params: { algorithm: 'hs2019' }, hash: 'sha512' });
    expect(theyAccept(facts)).toBe(false);
    const head = ours(facts);
    expect(head.ok && verifySignature(head.signature, RSA.publicKey)).toBe(true);
  });

  it('a created that ends the header, which the library drops', () => {
    const facts = here({ covered: [...COVERED, '(created)'], params: { created: undefined } });
    const moved = altered(here({ covered: [...COVERED, '(created)'], params: { created: NOW_S } }), 'signature', (text) => `${text.replace(`,created=${NOW_S}`, '')},created=${NOW_S}`);
    expect(theirs(moved).signingString).toContain('(created): undefined');
    const head = ours(moved);
    expect(head.ok && verifySignature(head.signature, RSA.publicKey)).toBe(true);
    // The other way round, a signature over the word does not get through.
    expect(ours(facts)).toMatchObject({ ok: false, code: 'SEKISHO_INBOX_SIGNATURE' });
  });
});
