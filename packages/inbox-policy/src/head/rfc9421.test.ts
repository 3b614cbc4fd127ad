import { describe, expect, it } from '@jest/globals';
import { INBOX_LIMITS } from '@sekisho/contracts';
import fc from 'fast-check';
import { altered, BODY, ED25519, headerObject, HOST, inputOf, KEY_ID, NOW_MS, post, post9421, type Rfc9421Options, RSA, rules, secondsOf } from '../testing/request.ts';
import type { HeadRules, InboxHead, RequestFacts } from '../types.ts';
import { verifySignature } from '../signature/verify.ts';
import { checkDigest } from './digest.ts';
import { readHead } from './read.ts';

const codeOf = (facts: RequestFacts, over: Partial<HeadRules> = { mode: 'enqueue' }): string => {
  const head = readHead(facts, rules(over));
  return head.ok ? 'ok' : head.code.replace('SEKISHO_INBOX_', '');
};
const headOf = (facts: RequestFacts): InboxHead => {
  const head = readHead(facts, rules({ mode: 'enqueue' }));
  if (!head.ok) throw new Error(`${head.code} ${head.detail}`);
  return head;
};
const NOW_S = secondsOf(NOW_MS);
const COVERED = ['@method', '@target-uri', 'content-digest'];
const params = (text: string, covered: readonly string[] = COVERED): Rfc9421Options => ({ covered, input: inputOf(covered, text) });

describe('readHead() of RFC 9421', () => {
  it('is for the queue only', () => {
    for (const mode of ['observe', 'enforce'] as const) expect(codeOf(post9421(), { mode })).toBe('RFC9421');
    const head = headOf(post9421());
    expect(head.signature).toMatchObject({ scheme: 'rfc9421', keyId: KEY_ID, keyHost: 'alice.peer.example', algorithm: 'hs2019', covered: COVERED });
    expect(head.signature.signingString).toBe([
      '"@method": POST', `"@target-uri": https://${HOST}/inbox`, `"content-digest": ${headerObject(post9421())['content-digest']}`,
      `"@signature-params": ("@method" "@target-uri" "content-digest");created=${NOW_S};keyid="${KEY_ID}"`,
    ].join('\n'));
    expect(head.signedAtMs).toBe(NOW_MS);
    expect(verifySignature(head.signature, RSA.publicKey)).toBe(true);
    expect(checkDigest(head, BODY)).toBeUndefined();
  });

  it.each<readonly [string, Rfc9421Options]>([
    ['a user inbox with a query', { target: '/users/9abc/inbox?x=1' }],
    ['@authority and @path', { covered: ['@method', '@authority', '@path', 'content-digest'] }],
    ['@authority, @path and @query', { target: '/inbox?a=b', covered: ['@method', '@authority', '@path', '@query', 'content-digest'] }],
    ['@query where there is none', { covered: ['@method', '@authority', '@path', '@query', 'content-digest'] }],
    ['@authority and @request-target', { target: '/inbox?a=b', covered: ['@method', '@authority', '@request-target', 'content-digest'] }],
    ['all at once, with headers', { covered: ['host', 'date', '@scheme', '@authority', '@target-uri', '@method', 'content-type', 'content-digest'] }],
    ['alg', params(`;created=${NOW_S};keyid="${KEY_ID}";alg="rsa-v1_5-sha256"`)],
    ['parameters in another order', params(`;alg="rsa-v1_5-sha256";keyid="${KEY_ID}";nonce="a\\"b";tag="x";expires=${NOW_S + 60};created=${NOW_S}`)],
    ['SHA-512', { ...params(`;created=${NOW_S};keyid="${KEY_ID}";alg="rsa-v1_5-sha512"`), hash: 'sha512' }],
    ['another label', { label: 'a*_-.1' }],
  ])('accepts %s', (_, options) => {
    expect(codeOf(post9421(options))).toBe('ok');
    expect(verifySignature(headOf(post9421(options)).signature, RSA.publicKey)).toBe(true);
  });

  it('accepts Ed25519', () => {
    for (const alg of ['', ';alg="ed25519"']) {
      const head = headOf(post9421({ ...params(`;created=${NOW_S};keyid="${KEY_ID}"${alg}`), key: ED25519.privateKey }));
      expect(verifySignature(head.signature, ED25519.publicKey)).toBe(true);
    }
  });

  it.each<readonly [string, string, Rfc9421Options]>([
    ['SIGNED_HEADERS', 'no @method', { covered: ['@target-uri', 'content-digest'] }],
    ['SIGNED_HEADERS', 'no target', { covered: ['@method', 'content-digest'] }],
    ['SIGNED_HEADERS', '@path without @authority', { covered: ['@method', '@path', 'content-digest'] }],
    ['SIGNED_HEADERS', '@authority without a path', { covered: ['@method', '@authority', '@query', 'content-digest'] }],
    ['SIGNED_HEADERS', 'a query that is not covered', { target: '/inbox?x=1', covered: ['@method', '@authority', '@path', 'content-digest'] }],
    ['SIGNED_HEADERS', 'no content-digest', { covered: ['@method', '@target-uri'] }],
    ['SIGNATURE', '@status', { covered: [...COVERED, '@status'] }],
    ['SIGNATURE', '@query-param', { covered: [...COVERED, '@query-param'] }],
    ['SIGNATURE', '@signature-params', { covered: [...COVERED, '@signature-params'] }],
    ['SIGNATURE', 'a header that is not there', { covered: [...COVERED, 'x-none'] }],
    ['SIGNATURE', 'a name of Object.prototype', { covered: [...COVERED, 'constructor'] }],
    ['SIGNATURE', 'a component twice', { input: inputOf([...COVERED, '@method']) }],
    ['SIGNATURE', 'a component with a parameter', { input: `("@method" "@target-uri";req "content-digest");created=${NOW_S};keyid="${KEY_ID}"` }],
    ['SIGNATURE', 'a component in capitals', { input: inputOf(['@method', '@target-uri', 'Content-Digest']) }],
    ['SIGNATURE', 'two spaces', { input: inputOf(COVERED).replace('" "', '"  "') }],
    ['SIGNATURE', 'an empty list', { input: `();created=${NOW_S};keyid="${KEY_ID}"` }],
    ['SIGNATURE', 'no list', { input: `"@method";created=${NOW_S}` }],
    ['SIGNATURE', 'a space before a parameter', params(`; created=${NOW_S};keyid="${KEY_ID}"`)],
    ['SIGNATURE', 'no created', params(`;keyid="${KEY_ID}"`)],
    ['SIGNATURE', 'created twice', params(`;created=1;created=${NOW_S};keyid="${KEY_ID}"`)],
    ['SIGNATURE', 'created in quotes', params(`;created="${NOW_S}";keyid="${KEY_ID}"`)],
    ['SIGNATURE', 'a negative time', params(`;created=-1;keyid="${KEY_ID}"`)],
    ['SIGNATURE', 'keyid twice', params(`;created=${NOW_S};keyid="https://a.peer.example/";keyid="${KEY_ID}"`)],
    ['SIGNATURE', 'keyid as a token', params(`;created=${NOW_S};keyid=a`)],
    ['SIGNATURE', 'an unknown parameter', params(`;created=${NOW_S};keyid="${KEY_ID}";x=1`)],
    ['SIGNATURE', 'a second signature', { input: `${inputOf(COVERED)}, sig2=${inputOf(COVERED)}` }],
    ['KEY_ID', 'no keyid', params(`;created=${NOW_S}`)],
    ['KEY_ID', 'keyid over http', params(`;created=${NOW_S};keyid="http://alice.peer.example/"`)],
    ['KEY_ID', 'keyid with an escape', params(`;created=${NOW_S};keyid="https://alice.peer.example/\\""`)],
    ['ALGORITHM', 'PSS', params(`;created=${NOW_S};keyid="${KEY_ID}";alg="rsa-pss-sha512"`)],
    ['ALGORITHM', 'HMAC', params(`;created=${NOW_S};keyid="${KEY_ID}";alg="hmac-sha256"`)],
    ['ALGORITHM', 'ECDSA', params(`;created=${NOW_S};keyid="${KEY_ID}";alg="ecdsa-p256-sha256"`)],
    ['ALGORITHM', 'a name of the draft', params(`;created=${NOW_S};keyid="${KEY_ID}";alg="rsa-sha256"`)],
    ['HOST', 'another Host', { set: { host: 'other.origin.example' } }],
    ['DATE', 'created too old', params(`;created=${NOW_S - 301};keyid="${KEY_ID}"`)],
    ['DATE', 'created too far ahead', params(`;created=${NOW_S + 301};keyid="${KEY_ID}"`)],
    ['DATE', 'expired', params(`;created=${NOW_S};expires=${NOW_S - 301};keyid="${KEY_ID}"`)],
    ['DIGEST', 'no Content-Digest', { set: { 'content-digest': undefined } }],
    ['DIGEST', 'SHA-512 only', { set: { 'content-digest': `sha-512=:${'A'.repeat(86)}==:` } }],
    ['MEDIA_TYPE', 'text/plain', { set: { 'content-type': 'text/plain' } }],
    ['HEADERS', 'X-Date', { add: [['x-date', 'x']] }],
    ['HEADERS', 'a covered header twice', { covered: [...COVERED, 'x-a'], set: { 'x-a': '1' }, add: [['x-a', '1']] }],
  ])('refuses with %s: %s', (code, _, options) => {
    expect(codeOf(post9421(options))).toBe(code);
  });

  it.each([[300, 'ok'], [301, 'DATE'], [-300, 'ok'], [-301, 'DATE']])('judges created %d s ago: %s', (age, code) => {
    expect(codeOf(post9421(params(`;created=${NOW_S - age};keyid="${KEY_ID}"`)))).toBe(code);
  });

  it.each<readonly [string, string, (value: string) => string | undefined]>([
    ['signature-input', 'no Signature-Input', () => undefined],
    ['signature-input', 'another label', (value) => value.replace('sig1', 'sig2')],
    ['signature', 'another label', (value) => value.replace('sig1', 'sig2')],
    ['signature', 'two signatures', (value) => `${value}, sig2=:AAAA:`],
    ['signature', 'base64 with bits that nobody reads', () => `sig1=:${'A'.repeat(85)}B==:`],
    ['signature', 'a short signature', () => 'sig1=:AAAA:'],
    ['signature', 'a parameter', (value) => `${value};a=1`],
    ['signature', 'a length above the limit', () => `sig1=:${'A'.repeat(INBOX_LIMITS.signatureCharsMax)}:`],
    ['signature-input', 'a length above the limit', (value) => `${value};nonce="${'a'.repeat(INBOX_LIMITS.signatureCharsMax)}"`],
  ])('refuses a %s with %s', (name, _, change) => {
    expect(codeOf(altered(post9421(), name, change))).toBe('SIGNATURE');
  });

  it('reads the draft where the value of Signature is one of the draft, as Misskey does', () => {
    const facts = post({ add: [['Signature-Input', `sig1=${inputOf(COVERED)}`]] });
    for (const mode of ['enforce', 'enqueue'] as const) expect(codeOf(facts, { mode })).toBe('ok');
  });

  it('never throws', () => {
    const pieces = fc.array(fc.constantFrom('sig1=', '(', ')', '"@method"', '"@target-uri"', '"content-digest"', ' ', ';created=1', ';keyid="', '"', ';', '=', ',', ':', 'AAAA', '\\')).map((all) => all.join(''));
    fc.assert(fc.property(pieces, pieces, (input, signature) => {
      const facts = altered(altered(post9421(), 'signature-input', () => input), 'signature', () => signature);
      expect(readHead(facts, rules({ mode: 'enqueue' })).ok).toBe(false);
    }));
  });
});
