import { Buffer } from 'node:buffer';

/** Ed25519 is the shortest, RSA of 8,192 bits the longest. */
const SIGNATURE_BYTES_MIN = 64;
const SIGNATURE_BYTES_MAX = 1_024;

/** One spelling per signature: with two, a repeat of a request would look like another one. */
export function isSignatureBase64(text: string): boolean {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length >= SIGNATURE_BYTES_MIN && bytes.length <= SIGNATURE_BYTES_MAX && bytes.toString('base64') === text;
}
