// Ids of charges. Whoever knows one may settle it, so they are not to be guessed.

import { randomBytes } from 'node:crypto';

const ID_BYTES = 16;
/** Drawn at once: a system call for each took 0.02 ms, of 1.6 that an activity takes. */
const POOL_IDS = 128;

let pool = Buffer.alloc(0);
let at = 0;

/** 128 random bits, 22 characters of base64url. */
export function chargeId(): string {
  if (at >= pool.length) {
    pool = randomBytes(POOL_IDS * ID_BYTES);
    at = 0;
  }
  const id = pool.toString('base64url', at, at + ID_BYTES);
  at += ID_BYTES;
  return id;
}
