// Fedify as a second oracle, for both schemes and in both directions. It covers and demands other components and allows an
// hour of skew; what is compared is whether the same bytes are signed.

import { signRequest as signByFedify, verifyRequest } from '@fedify/fedify/sig';
import { describe, expect, it } from '@jest/globals';
import { altered, BODY, ED25519, headerObject, HOST, inputOf, KEY_ID, post, post9421, RSA, rules, secondsOf } from '../testing/request.ts';
import { checkDigest } from '../head/digest.ts';
import { readHead } from '../head/read.ts';
import type { InboxHead, RequestFacts } from '../types.ts';
import { signRequest } from './sign.ts';
import { verifySignature } from './verify.ts';

const nowMs = secondsOf(Date.now()) * 1_000;
const NOW_S = secondsOf(nowMs);
const OWNER = 'https://alice.peer.example/users/alice';
const RSA_ALGORITHM = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const;
const headOf = (facts: RequestFacts): InboxHead => {
  const head = readHead(facts, rules({ nowMs: Date.now(), mode: 'enqueue' }));
  if (!head.ok) throw new Error(`${head.code} ${head.detail}`);
  return head;
};

/** The key document, as Fedify fetches it. Contexts come from its own bundle. */
const documentLoader = (url: string): Promise<{ contextUrl: null; document: unknown; documentUrl: string }> => Promise.resolve({
  contextUrl: null, documentUrl: url,
  document: { '@context': 'https://w3id.org/security/v1', id: KEY_ID, type: 'CryptographicKey', owner: OWNER, publicKeyPem: RSA.publicKey.export({ type: 'spki', format: 'pem' }) },
});
const theyVerify = async (facts: RequestFacts): Promise<boolean> => {
  const headers = headerObject(facts);
  const request = new Request(`https://${HOST}${facts.target}`, { method: 'POST', headers, body: BODY });
  return (await verifyRequest(request, { documentLoader })) !== null;
};

async function signedByFedify(spec: 'draft-cavage-http-signatures-12' | 'rfc9421', target = '/inbox'): Promise<RequestFacts> {
  const request = new Request(`https://${HOST}${target}`, { method: 'POST', headers: { 'content-type': 'application/activity+json', accept: '*/*' }, body: BODY });
  const signed = await signByFedify(request, RSA.privateKey.toCryptoKey(RSA_ALGORITHM, true, ['sign']), new URL(KEY_ID), { spec });
  return { method: 'POST', target, rawHeaders: [...signed.headers].flat() };
}

const input = (covered: readonly string[], more = ''): string => inputOf(covered, `;created=${NOW_S};keyid="${KEY_ID}"${more}`);

describe('Fedify and readHead() agree', () => {
  it.each(['draft-cavage-http-signatures-12', 'rfc9421'] as const)('on what Fedify signs by %s', async (spec) => {
    const facts = await signedByFedify(spec);
    const head = headOf(facts);
    expect(head.signature.scheme).toBe(spec === 'rfc9421' ? 'rfc9421' : 'cavage');
    expect(verifySignature(head.signature, RSA.publicKey)).toBe(true);
    expect(checkDigest(head, BODY)).toBeUndefined();
    // Positive control of the oracle itself, and what it makes of one changed byte.
    expect(await theyVerify(facts)).toBe(true);
    expect(await theyVerify(altered(facts, 'signature', (value) => value.replace(/[A-Z]/, (letter) => (letter === 'A' ? 'B' : 'A'))))).toBe(false);
  });

  it('on a query by RFC 9421', async () => {
    expect(verifySignature(headOf(await signedByFedify('rfc9421', '/users/a/inbox?x=1')).signature, RSA.publicKey)).toBe(true);
  });

  it('on what we sign by the draft', async () => {
    const headers = signRequest({ method: 'POST', url: `https://${HOST}/inbox`, dateMs: nowMs, keyId: KEY_ID, key: RSA.privateKey, body: BODY });
    expect(await theyVerify({ method: 'POST', target: '/inbox', rawHeaders: Object.entries(headers).flat() })).toBe(true);
  });

  it.each<readonly [string, string, readonly string[], string]>([
    ['@target-uri', '/inbox', ['@method', '@target-uri', 'content-digest'], ''],
    ['@target-uri with a query', '/inbox?x=%2f', ['@method', '@target-uri', 'content-digest'], ';alg="rsa-v1_5-sha256"'],
    ['@authority and @path', '/users/a/inbox', ['@method', '@authority', '@path', 'content-digest', 'content-type'], ';alg="rsa-v1_5-sha256"'],
    ['@scheme, a nonce and a tag', '/inbox', ['@scheme', '@method', '@target-uri', 'date', 'content-digest'], ';nonce="a b";tag="x"'],
  ])('on the base of a request by RFC 9421 with %s', async (_, target, covered, more) => {
    const facts = post9421({ nowMs, target, covered, input: input(covered, more) });
    expect(await theyVerify(facts)).toBe(true);
    expect(verifySignature(headOf(facts).signature, RSA.publicKey)).toBe(true);
  });
});

describe('Fedify and readHead() differ', () => {
  it('in the draft, where Fedify leaves the query out of the request target and Misskey does not', async () => {
    const facts = await signedByFedify('draft-cavage-http-signatures-12', '/inbox?x=1');
    expect(verifySignature(headOf(facts).signature, RSA.publicKey)).toBe(false);
  });

  it('in @query and @request-target, which RFC 9421 writes with the question mark and without the method', async () => {
    for (const covered of [['@method', '@authority', '@path', '@query', 'content-digest'], ['@method', '@authority', '@request-target', 'content-digest']]) {
      const facts = post9421({ nowMs, target: '/inbox?x=1', covered, input: input(covered) });
      expect(await theyVerify(facts)).toBe(false);
      expect(verifySignature(headOf(facts).signature, RSA.publicKey)).toBe(true);
    }
  });

  it.each<readonly [string, string, () => RequestFacts]>([
    ['SIGNED_HEADERS', 'a body that is not covered', () => post9421({ nowMs, covered: ['@method', '@target-uri'], input: input(['@method', '@target-uri']) })],
    ['SIGNED_HEADERS', 'a target that is not covered', () => post9421({ nowMs, covered: ['@method', 'content-digest'], input: input(['@method', 'content-digest']) })],
    ['SIGNATURE', 'a second, broken signature beside the good one', () => {
      const facts = altered(post9421({ nowMs, input: input(['@method', '@target-uri', 'content-digest']) }), 'signature', (value) => `${value}, other=:AAAA:`);
      return altered(facts, 'signature-input', (value) => `${value}, other=("@method");created=1;keyid="https://eve.peer.example/"`);
    }],
    ['DATE', 'a signature half an hour old', () => {
      const covered = ['@method', '@target-uri', 'content-digest'];
      return post9421({ nowMs, covered, input: inputOf(covered, `;created=${NOW_S - 1_800};keyid="${KEY_ID}"`) });
    }],
    ['SIGNATURE', 'a keyId that stands twice', () => altered(post({ nowMs }), 'signature', (value) => `keyId="https://eve.peer.example/e",${value}`)],
    ['SIGNED_HEADERS', 'a draft without the host', () => post({ nowMs, covered: ['(request-target)', 'date', 'digest'] })],
    ['ALGORITHM', 'a draft without algorithm', () => post({ nowMs, params: { algorithm: undefined } })],
    ['DIGEST', 'a digest after one that nobody knows', () => post({ nowMs, set: { digest: `X=y,${headerObject(post())['digest']}` } })],
  ])('with %s: Fedify accepts %s', async (code, _, make) => {
    const facts = make();
    expect(await theyVerify(facts)).toBe(true);
    expect(readHead(facts, rules({ nowMs: Date.now(), mode: 'enqueue' }))).toMatchObject({ ok: false, code: `SEKISHO_INBOX_${code}` });
  });

  it('in Ed25519 keys, which Fedify does not sign requests with', async () => {
    await expect(signByFedify(new Request(`https://${HOST}/inbox`), ED25519.privateKey.toCryptoKey('Ed25519', true, ['sign']), new URL(KEY_ID))).rejects.toThrow(/Unsupported algorithm/);
  });
});
