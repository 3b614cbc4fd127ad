import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readKeyDocument } from './key-document.ts';

const pemOf = (bits: number): string => generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({ type: 'spki', format: 'pem' }).toString();
const PEM = pemOf(2_048);
const WEAK = pemOf(1_024);
const ED = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
const PRIVATE = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

const A = 'https://r.example/users/a';
const KEY = `${A}#main-key`;
const publicKey = (over: object = {}): object => ({ id: KEY, owner: A, publicKeyPem: PEM, ...over });
const actor = (over: object = {}): object => ({ '@context': 'https://www.w3.org/ns/activitystreams', id: A, type: 'Person', publicKey: publicKey(), ...over });
const read = (document: object | string, url = A): string => {
  const result = readKeyDocument(Buffer.from(typeof document === 'string' ? document : JSON.stringify(document)), url);
  if (result.kind === 'actor') return `actor ${result.keys.map(({ id, owner }) => `${id} of ${owner}`).join(', ')}`;
  return result.kind === 'owner' ? `owner ${result.url}` : `refused: ${result.detail}`;
};
const NO_KEY = 'refused: the actor lists no usable key of his own';

describe('readKeyDocument() of an actor', () => {
  it.each<[string, object, string]>([
    ['plain', actor(), `actor ${KEY} of ${A}`],
    ['of several types', actor({ type: ['Person', 'Thing'] }), `actor ${KEY} of ${A}`],
    ['with Ed25519', actor({ publicKey: publicKey({ publicKeyPem: ED }) }), `actor ${KEY} of ${A}`],
    ['with two keys', actor({ publicKey: [publicKey(), publicKey({ id: `${A}#second` })] }), `actor ${KEY} of ${A}, ${A}#second of ${A}`],
    ['with a key of another URL on its host', actor({ publicKey: publicKey({ id: `${A}/main-key` }) }), `actor ${A}/main-key of ${A}`],
    ['with one good and one foreign key', actor({ publicKey: [publicKey({ id: 'https://v.example/k' }), publicKey()] }), `actor ${KEY} of ${A}`],
    ['written in another case', actor({ id: 'HTTPS://R.example/users/a', publicKey: publicKey({ owner: 'https://R.EXAMPLE/users/a' }) }), `actor ${KEY} of ${A}`],
    ['without a key', actor({ publicKey: undefined }), NO_KEY],
    ['with a key of another owner', actor({ publicKey: publicKey({ owner: 'https://r.example/users/b' }) }), NO_KEY],
    ['with a key without an owner', actor({ publicKey: publicKey({ owner: undefined }) }), NO_KEY],
    ['with a key on another host', actor({ publicKey: publicKey({ id: 'https://v.example/users/a#main-key' }) }), NO_KEY],
    ['with a weak key', actor({ publicKey: publicKey({ publicKeyPem: WEAK }) }), NO_KEY],
    ['with a private key', actor({ publicKey: publicKey({ publicKeyPem: PRIVATE }) }), NO_KEY],
    ['with a key that is text', actor({ publicKey: PEM }), NO_KEY],
    ['of another host', actor({ id: 'https://v.example/users/a' }), 'refused: the key document claims to be of another host'],
    ['of another port', actor({ id: 'https://r.example:444/users/a' }), 'refused: the key document claims to be of another host'],
    ['without an id', actor({ id: undefined }), 'refused: the key document has no https id'],
    ['with a list of ids', actor({ id: [A] }), 'refused: the key document has no https id'],
    ['in the clear', actor({ id: 'http://r.example/users/a' }), 'refused: the key document has no https id'],
    ['that is a note', actor({ type: 'Note' }), 'refused: the owner of the key is no actor'],
    ['without type', actor({ type: undefined }), 'refused: the owner of the key is no actor'],
  ])('%s', (_name, document, expected) => {
    expect(read(document)).toBe(expected);
  });

  it.each([
    ['no JSON', '<html>'],
    ['a list', '[]'],
    ['an id twice', `{"id":"https://v.example/users/a","id":"${A}"}`],
    ['a byte order mark', `\u{feff}${JSON.stringify(actor())}`],
  ])('refuses %s', (_name, text) => {
    expect(read(text)).toMatch(/^refused: the key document: /);
  });
});

describe('readKeyDocument() at the URL of a key', () => {
  const url = `${A}/main-key`;
  it.each<[string, object, string]>([
    ['a key', { id: url, owner: A, publicKeyPem: PEM }, `owner ${A}`],
    ['a key with a controller', { id: url, controller: A, publicKeyPem: PEM }, `owner ${A}`],
    ['the stub of an actor', { id: A, type: 'Person', preferredUsername: 'a', publicKey: publicKey({ id: url }) }, `owner ${A}`],
    ['a key of another URL', { id: `${A}/other-key`, owner: A, publicKeyPem: PEM }, 'refused: the key document is neither an actor nor a key'],
    ['a key without an owner', { id: url, publicKeyPem: PEM }, 'refused: the key document is neither an actor nor a key'],
    ['a key whose owner is on another host', { id: url, owner: 'https://v.example/users/a', publicKeyPem: PEM }, 'refused: the owner of the key is on another host'],
    ['a key that owns itself', { id: url, owner: url, publicKeyPem: PEM }, 'refused: the owner of the key is no actor'],
    ['a note', { id: `${A}/note`, type: 'Note' }, 'refused: the key document is neither an actor nor a key'],
  ])('%s', (_name, document, expected) => {
    expect(read(document, url)).toBe(expected);
  });
});

describe('readKeyDocument() of anything', () => {
  const url = fc.constantFrom(A, KEY, `${A}/main-key`, 'https://r.example/users/b', 'https://v.example/users/a', 'https://r.example:444/users/a', 'http://r.example/users/a', 'https://R.example/users/a', '', 'x');
  // Mostly right, so that most documents are wrong in one or two places.
  const any = fc.oneof({ arbitrary: fc.constant(A), weight: 12 }, { arbitrary: url, weight: 3 }, { arbitrary: fc.constantFrom<unknown>(null, 1, [], {}, undefined), weight: 1 });
  const key = fc.record({ id: any, owner: any, controller: any, publicKeyPem: fc.constantFrom(PEM, ED, WEAK, '', null) });
  const document = fc.record({
    id: any, type: fc.constantFrom<unknown>('Person', ['Service'], 'Note', 'Key', null, {}), owner: any, publicKeyPem: fc.constantFrom<unknown>(PEM, undefined, undefined),
    publicKey: fc.oneof(any, key, fc.array(key, { maxLength: 12 })),
  });

  it('never throws, and finds no key but those that the actor at the URL has on its own host', () => {
    let found = 0;
    fc.assert(fc.property(document, fc.constantFrom(A, `${A}/main-key`), (value, at) => {
      const result = readKeyDocument(Buffer.from(JSON.stringify(value)), at);
      if (result.kind === 'owner') return new URL(result.url).host === 'r.example' && result.url !== at;
      if (result.kind === 'refused') return true;
      found += 1;
      return result.keys.length <= 8 && result.keys.every(({ id, owner }) => new URL(id).host === 'r.example' && owner.split('#')[0] === at);
    }), { numRuns: 6_000 });
    expect(found).toBeGreaterThan(100);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => readKeyDocument(bytes, A).kind === 'refused'), { numRuns: 500 });
  });
});
