// Keys of test actors. Making an RSA key takes a tenth of a second and more, so each is made once in a process.

import { type KeyObject, generateKeyPairSync } from 'node:crypto';

export const TEST_KEY_NAMES = ['actor', 'other', 'evil', 'rsa1024', 'rsa512', 'ed25519', 'ecdsa'] as const;
export type TestKeyName = (typeof TEST_KEY_NAMES)[number];

export interface TestKey {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  /** SPKI, PEM. */
  readonly pem: string;
}

const made = new Map<TestKeyName, TestKey>();

/** `actor`, `other` and `evil` are RSA of 2,048 bits; the rest is what its name says. */
export function testKey(name: TestKeyName = 'actor'): TestKey {
  const known = made.get(name);
  if (known !== undefined) return known;
  const { publicKey, privateKey } = generate(name);
  const key = { publicKey, privateKey, pem: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
  made.set(name, key);
  return key;
}

function generate(name: TestKeyName): { publicKey: KeyObject; privateKey: KeyObject } {
  if (name === 'ed25519') return generateKeyPairSync('ed25519');
  if (name === 'ecdsa') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return generateKeyPairSync('rsa', { modulusLength: name === 'rsa1024' ? 1_024 : name === 'rsa512' ? 512 : 2_048 });
}
