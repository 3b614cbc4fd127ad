// The cryptographic check. Everything it is given was parsed before; it answers, and never throws.

import { Buffer } from 'node:buffer';
import { type KeyObject, verify } from 'node:crypto';
import type { ParsedSignature } from '../types.ts';

/** Digest names of node:crypto to try, in order; null is what Ed25519 wants. */
type Hash = 'sha256' | 'sha512' | null;

export function verifySignature(signature: ParsedSignature, key: KeyObject): boolean {
  if (key.type !== 'public') return false;
  const bytes = Buffer.from(signature.signature, 'base64');
  const signed = Buffer.from(signature.signingString);
  return hashesOf(signature.algorithm, key.asymmetricKeyType).some((hash) => fits({ hash, signed, key, bytes }));
}

/**
 * `hs2019` leaves the algorithm to the key. The draft means PSS with SHA-512 by it, but senders sign with PKCS#1 v1.5 and
 * SHA-256, rarely SHA-512, so these two are tried. An algorithm that does not fit the key verifies nothing.
 */
function hashesOf(algorithm: ParsedSignature['algorithm'], keyType: KeyObject['asymmetricKeyType']): readonly Hash[] {
  if (keyType === 'ed25519') return algorithm === 'ed25519' || algorithm === 'hs2019' ? [null] : [];
  if (keyType !== 'rsa') return [];
  switch (algorithm) {
    case 'rsa-sha256': return ['sha256'];
    case 'rsa-sha512': return ['sha512'];
    case 'hs2019': return ['sha256', 'sha512'];
    case 'ed25519': return [];
  }
}

interface Check {
  readonly hash: Hash;
  readonly signed: Buffer;
  readonly key: KeyObject;
  readonly bytes: Buffer;
}

function fits({ hash, signed, key, bytes }: Check): boolean {
  try {
    return verify(hash, signed, key, bytes);
  } catch {
    // OpenSSL throws for some keys and lengths instead of saying no.
    return false;
  }
}
