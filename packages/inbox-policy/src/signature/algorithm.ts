// Names of signature algorithms in both schemes. What is not here is refused: SHA-1, HMAC, DSA, ECDSA and PSS, which Misskey
// does not verify or should not.

import type { SignatureAlgorithm } from '../types.ts';

/** The draft. `ed25519` alone is what senders write; Misskey's library knows the long form only and answers 401 itself. */
const CAVAGE: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  ['rsa-sha256', 'rsa-sha256'], ['rsa-sha512', 'rsa-sha512'], ['hs2019', 'hs2019'], ['ed25519', 'ed25519'], ['ed25519-sha512', 'ed25519'],
]);
/** RFC 9421 section 3.3; SHA-512 with PKCS#1 v1.5 is not in its registry and used all the same. */
const RFC9421: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  ['rsa-v1_5-sha256', 'rsa-sha256'], ['rsa-v1_5-sha512', 'rsa-sha512'], ['ed25519', 'ed25519'],
]);

export const cavageAlgorithm = (name: string | undefined): SignatureAlgorithm | undefined =>
  name === undefined ? undefined : CAVAGE.get(name.toLowerCase());

/** Without `alg` the key decides, as `hs2019` says in the draft. */
export const rfc9421Algorithm = (name: string | undefined): SignatureAlgorithm | undefined =>
  name === undefined ? 'hs2019' : RFC9421.get(name);
