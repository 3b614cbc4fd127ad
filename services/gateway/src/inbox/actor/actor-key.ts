// The private key of our own actor. Other servers keep its public half, so it outlives every process.

import { createPrivateKey, type KeyObject } from 'node:crypto';

const RSA_BITS_MIN = 2_048;
/** What others verify, and what fits the header of a fetch. */
const RSA_BITS_MAX = 8_192;

/** @throws Error with a sentence for the administrator; it never holds anything of the file. */
export function readActorKey(pem: string | Buffer): KeyObject {
  const key = parse(pem);
  if (key === undefined) throw new Error('must hold one RSA private key as PEM, without a password (openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048)');
  if (key.asymmetricKeyType !== 'rsa') throw new Error(`must hold an RSA key, not ${key.asymmetricKeyType ?? 'another one'}: servers verify RSA everywhere and the others not`);
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX) throw new Error(`must hold an RSA key of ${RSA_BITS_MIN} to ${RSA_BITS_MAX} bits, not ${bits}`);
  return key;
}

function parse(pem: string | Buffer): KeyObject | undefined {
  try {
    return createPrivateKey({ key: pem, format: 'pem' });
  } catch {
    return undefined;
  }
}
