// Digest and Content-Digest. Misskey takes exactly one `SHA-256=<base64>` and compares the text, so several values or another
// spelling of the base64 would be refused there.

import { Buffer } from 'node:buffer';
import { hash, timingSafeEqual } from 'node:crypto';
import { deny } from '../denied.ts';
import type { Denied, InboxHead } from '../types.ts';

const SHA256_BYTES = 32;
const DIGEST = /^sha-256=([A-Za-z0-9+/]{43}=)$/i;
/** RFC 9530 as one or two members of a dictionary; SHA-512 beside SHA-256 is signed as well and not needed. */
const CONTENT_DIGEST = /^(?:sha-512=:[A-Za-z0-9+/]{86}==:, ?)?sha-256=:([A-Za-z0-9+/]{43}=):(?:, ?sha-512=:[A-Za-z0-9+/]{86}==:)?$/;

export const parseDigest = (value: string): Buffer | undefined => sha256(DIGEST.exec(value)?.[1]);

export const parseContentDigest = (value: string): Buffer | undefined => sha256(CONTENT_DIGEST.exec(value)?.[1]);

function sha256(base64: string | undefined): Buffer | undefined {
  if (base64 === undefined) return undefined;
  const bytes = Buffer.from(base64, 'base64');
  return bytes.length === SHA256_BYTES && bytes.toString('base64') === base64 ? bytes : undefined;
}

/** Whether the body is the one of which the head speaks. */
export function checkDigest(head: Pick<InboxHead, 'digest'>, bytes: Uint8Array): undefined | Denied {
  const actual = hash('sha256', bytes, 'buffer');
  if (actual.length === head.digest.length && timingSafeEqual(actual, head.digest)) return undefined;
  return deny('SEKISHO_INBOX_DIGEST', 'the digest is of another body');
}
