// Public keys of actors. OpenSSL takes what looks like a key in many forms, and large numbers cost it much time.

import { Buffer } from 'node:buffer';
import { createPublicKey, type KeyObject } from 'node:crypto';
import { deny } from '../denied.ts';
import type { Denied } from '../types.ts';

const PEM_CHARS_MAX = 8 * 1024;
const RSA_BITS_MIN = 2_048;
/** Verification with 8,192 bits takes some 0.3 ms; above that a sender buys our time too cheaply. */
const RSA_BITS_MAX = 8_192;
/** With 1 everybody can sign; a long exponent makes each verification as dear as a signature. */
const RSA_EXPONENT_MIN = 3n;
const RSA_EXPONENT_MAX = 0xffff_ffffn;
/** One block and nothing around it; line breaks anywhere, since not every server breaks at 64 characters. */
const PEM = /^\s*-----BEGIN (RSA )?PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END (RSA )?PUBLIC KEY-----\s*$/;

const refused = (detail: string): Denied => deny('SEKISHO_INBOX_ACTOR_KEY', detail);

/** RSA of 2,048 to 8,192 bits (SPKI or PKCS#1), or Ed25519. */
export function parsePublicKey(pem: string): { readonly ok: true; readonly key: KeyObject } | Denied {
  if (pem.length > PEM_CHARS_MAX) return refused('the PEM is too long');
  if (pem.includes('PRIVATE')) return refused('a private key');
  const [, begin, base64, end] = PEM.exec(pem) ?? [];
  if (base64 === undefined || begin !== end) return refused('no PEM of one public key');
  const key = readKey(Buffer.from(base64, 'base64'), begin === undefined ? 'spki' : 'pkcs1');
  if (key === undefined) return refused('the key is unreadable');
  return checkKey(key) ?? { ok: true, key };
}

function readKey(der: Buffer, type: 'spki' | 'pkcs1'): KeyObject | undefined {
  try {
    return createPublicKey({ key: der, format: 'der', type });
  } catch {
    return undefined;
  }
}

function checkKey(key: KeyObject): Denied | undefined {
  if (key.asymmetricKeyType === 'ed25519') return undefined;
  if (key.asymmetricKeyType !== 'rsa') return refused('neither RSA nor Ed25519');
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < RSA_BITS_MIN || modulusLength > RSA_BITS_MAX) return refused(`RSA of ${modulusLength} bits`);
  const usual = publicExponent >= RSA_EXPONENT_MIN && publicExponent <= RSA_EXPONENT_MAX && publicExponent % 2n === 1n;
  return usual ? undefined : refused('RSA with an unusual exponent');
}
