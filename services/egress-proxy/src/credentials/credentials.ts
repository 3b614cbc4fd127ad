// Basic credentials of the clients (RFC 7617). Pure but for the key, which is drawn once per process.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

export const CREDENTIALS_BYTES_MAX = 64 * 1024;
/** One pair per client that may use the proxy, and spare ones for rotation. */
const PAIRS_MAX = 64;
const PAIR_CHARS_MAX = 512;
const HEADER_CHARS_MAX = 1_024;

const KEY = randomBytes(32);
const digest = (text: string): Buffer => createHmac('sha256', KEY).update(text).digest();

/** Digests of the accepted pairs. */
export type Credentials = readonly Buffer[];

/** One `user:password` per line; blank lines and `#` lines are skipped. @throws Error that names the line, never its text. */
export function parseCredentials(text: string): Credentials {
  const lines = text.split(/\r?\n/).map((line, at) => ({ line, number: at + 1 }));
  const pairs = lines.filter(({ line }) => line.trim() !== '' && !line.startsWith('#'));
  for (const { line, number } of pairs) {
    if (!/^[^:\s]+:\S+$/.test(line) || line.length > PAIR_CHARS_MAX) throw new Error(`line ${number} is no user:password`);
  }
  // An empty list would lock everybody out, which nobody means.
  if (pairs.length === 0) throw new Error('no credentials');
  if (pairs.length > PAIRS_MAX) throw new Error(`more than ${PAIRS_MAX} credentials`);
  return pairs.map(({ line }) => digest(line));
}

/** Compares with every pair in the same time, whichever fits. */
export function mayPass(header: string | undefined, credentials: Credentials): boolean {
  const encoded = header === undefined || header.length > HEADER_CHARS_MAX ? undefined : /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header)?.[1];
  const given = digest(encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8'));
  let found = false;
  for (const accepted of credentials) found = timingSafeEqual(accepted, given) || found;
  return found && encoded !== undefined;
}
