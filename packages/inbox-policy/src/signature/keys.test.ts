import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ED25519, HOST, post, RSA, rules } from '../testing/request.ts';
import type { ParsedSignature } from '../types.ts';
import { readHead } from '../head/read.ts';
import { parsePublicKey } from './public-key.ts';
import { signRequest } from './sign.ts';
import { verifySignature } from './verify.ts';

const pemOf = (key: KeyObject, type: 'spki' | 'pkcs1' = 'spki'): string => key.export({ type, format: 'pem' }).toString();
const rsa = (modulusLength: number, publicExponent = 65_537): KeyObject => generateKeyPairSync('rsa', { modulusLength, publicExponent }).publicKey;
const spki = pemOf(RSA.publicKey);
const parsed = (over: Partial<ParsedSignature> = {}): ParsedSignature => {
  const head = readHead(post(), rules());
  if (!head.ok) throw new Error(head.detail);
  return { ...head.signature, ...over };
};

describe('parsePublicKey()', () => {
  it.each([
    ['SPKI', spki], ['PKCS#1', pemOf(RSA.publicKey, 'pkcs1')], ['Ed25519', pemOf(ED25519.publicKey)], ['CRLF', spki.replaceAll('\n', '\r\n')], ['no break at the end', spki.trim()], ['space around', `\n  ${spki}\n\n`],
    ['one line', spki.replaceAll(/(?<!-)\n(?!-)/g, '')], ['breaks where it pleases', spki.replaceAll(/(?<!-)\n(?!-)/g, '').replaceAll(/([A-Za-z0-9+/]{7})/g, '$1\n ')],
  ])('reads %s', (_, pem) => {
    const result = parsePublicKey(pem);
    expect(result.ok && [RSA.publicKey, ED25519.publicKey].some((key) => key.equals(result.key))).toBe(true);
  });

  it.each([
    ['nothing', ''], ['text', 'hello'], ['a private key', RSA.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()], ['a private key of PKCS#1', RSA.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()],
    ['a private Ed25519 key', ED25519.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()], ['a private key under another name', RSA.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString().replaceAll('RSA PRIVATE', 'RSA PUBLIC')],
    ['a public and a private key', `${spki}${ED25519.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()}`], ['two keys', spki + spki], ['text in front', `x${spki}`], ['SPKI called PKCS#1', spki.replaceAll('PUBLIC', 'RSA PUBLIC')],
    ['two kinds of borders', spki.replace('END PUBLIC', 'END RSA PUBLIC')], ['a certificate', spki.replaceAll('PUBLIC KEY', 'CERTIFICATE')], ['a cut key', spki.replace(/\n.{1,64}\n.{1,64}\n-----END/, '\n-----END')], ['more than 8 KiB', `${spki}${' '.repeat(8_192)}`],
    ['ECDSA', pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)], ['X25519', pemOf(generateKeyPairSync('x25519').publicKey)], ['Ed448', pemOf(generateKeyPairSync('ed448').publicKey)],
    ['RSA-PSS', pemOf(generateKeyPairSync('rsa-pss', { modulusLength: 2_048 }).publicKey)], ['RSA of 1,024 bits', pemOf(rsa(1_024))], ['RSA of 2,047 bits', pemOf(rsa(2_047))],
  ])('refuses %s', (_, pem) => {
    expect(parsePublicKey(pem)).toMatchObject({ ok: false, code: 'SEKISHO_INBOX_ACTOR_KEY' });
  });

  it('refuses numbers that cost too much or prove nothing', () => {
    const of = (n: string, e: Buffer): string => {
      const integer = (bytes: Buffer): Buffer => tlv(2, (bytes[0] ?? 0) > 127 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes);
      const der = tlv(0x30, Buffer.concat([integer(Buffer.from(n, 'base64url')), integer(e)]));
      return `-----BEGIN RSA PUBLIC KEY-----\n${der.toString('base64')}\n-----END RSA PUBLIC KEY-----\n`;
    };
    const n = RSA.publicKey.export({ format: 'jwk' }).n ?? '';
    expect(parsePublicKey(of(n, Buffer.from([1, 0, 1]))).ok).toBe(true);
    expect(parsePublicKey(of(n, Buffer.from([3]))).ok).toBe(true);
    for (const e of [[1], [2], [1, 0, 0, 0, 1], Array.from({ length: 255 }, () => 0x55)]) expect(parsePublicKey(of(n, Buffer.from(e))).ok).toBe(false);
    expect(parsePublicKey(of(Buffer.alloc(1_024, 0xff).toString('base64url'), Buffer.from([1, 0, 1]))).ok).toBe(true);
    expect(parsePublicKey(of(Buffer.alloc(1_025, 0xff).toString('base64url'), Buffer.from([1, 0, 1]))).ok).toBe(false);
  });

  it('never throws', () => {
    const base64 = fc.oneof(fc.base64String(), fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString('base64')));
    fc.assert(fc.property(base64, (text) => { expect(parsePublicKey(`-----BEGIN PUBLIC KEY-----\n${text}\n-----END PUBLIC KEY-----`).ok).toBe(false); }));
  });
});

function tlv(tag: number, value: Buffer): Buffer {
  const { length } = value;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...head]), value]);
}

describe('verifySignature()', () => {
  it('knows the right key from another', () => {
    expect(verifySignature(parsed(), RSA.publicKey)).toBe(true);
    expect(verifySignature(parsed({ algorithm: 'hs2019' }), RSA.publicKey)).toBe(true);
    expect(verifySignature(parsed(), rsa(2_048))).toBe(false);
    expect(verifySignature(parsed({ signingString: `${parsed().signingString} ` }), RSA.publicKey)).toBe(false);
  });

  it('wants the algorithm and the key to fit', () => {
    expect(verifySignature(parsed({ algorithm: 'rsa-sha512' }), RSA.publicKey)).toBe(false);
    expect(verifySignature(parsed({ algorithm: 'ed25519' }), RSA.publicKey)).toBe(false);
    for (const algorithm of ['rsa-sha256', 'rsa-sha512', 'hs2019', 'ed25519'] as const) {
      expect(verifySignature(parsed({ algorithm }), ED25519.publicKey)).toBe(false);
      expect(verifySignature(parsed({ algorithm }), generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)).toBe(false);
    }
  });

  it('does not verify with a private key', () => {
    expect(verifySignature(parsed(), RSA.privateKey)).toBe(false);
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (signature, signingString) => {
      expect(verifySignature(parsed({ signature, signingString, algorithm: 'hs2019' }), RSA.publicKey)).toBe(false);
      expect(verifySignature(parsed({ signature, signingString, algorithm: 'hs2019' }), ED25519.publicKey)).toBe(false);
    }), { numRuns: 50 });
  });
});

describe('signRequest()', () => {
  const dateMs = Date.UTC(2026, 2, 5, 12, 0, 0, 999);

  it('signs a GET with its query', () => {
    const headers = signRequest({ method: 'GET', url: 'https://alice.peer.example/users/alice?a=b#main-key', dateMs, keyId: 'https://m.origin.example/.sekisho/actor#main-key', key: RSA.privateKey });
    expect(headers).toMatchObject({ host: 'alice.peer.example', date: 'Thu, 05 Mar 2026 12:00:00 GMT' });
    expect(headers.digest).toBeUndefined();
    const signature = /signature="([^"]+)"/.exec(headers.signature)?.[1] ?? '';
    expect(headers.signature).toBe(`keyId="https://m.origin.example/.sekisho/actor#main-key",algorithm="rsa-sha256",headers="(request-target) host date",signature="${signature}"`);
    const signingString = '(request-target): get /users/alice?a=b\nhost: alice.peer.example\ndate: Thu, 05 Mar 2026 12:00:00 GMT';
    expect(verifySignature(parsed({ signature, signingString }), RSA.publicKey)).toBe(true);
  });

  it('signs a POST that readHead() takes', () => {
    const body = Buffer.from('{}');
    const headers = signRequest({ method: 'POST', url: new URL(`https://${HOST}/inbox`), dateMs, keyId: 'https://a.peer.example/#k', key: RSA.privateKey, body });
    const head = readHead({ method: 'POST', target: '/inbox', rawHeaders: [...Object.entries(headers).flat(), 'content-type', 'application/activity+json'] }, rules());
    expect(head.ok && verifySignature(head.signature, RSA.publicKey)).toBe(true);
  });
});
