// What the readers of the two signature schemes share.

import { hash } from 'node:crypto';
import { deny } from '../denied.ts';
import type { Denied, HeadRules, ParsedSignature, RequestFacts } from '../types.ts';
import { headerOf, type HeaderLines, PLAIN_VALUE } from './headers.ts';
import { keyHostOf } from './key-id.ts';

const SECOND_MS = 1_000;

export interface SignedRequest {
  readonly facts: RequestFacts;
  readonly lines: HeaderLines;
  readonly rules: HeadRules;
}

export function checkHost({ lines, rules }: SignedRequest): Denied | undefined {
  return headerOf(lines, 'host') === rules.host ? undefined : deny('SEKISHO_INBOX_HOST', 'Host is not ours');
}

export function readKeyHost(keyId: string, rules: HeadRules): string | Denied {
  return keyHostOf(keyId, rules.isPublicHost) ?? deny('SEKISHO_INBOX_KEY_ID', 'keyId is no https URL of a public host');
}

/** Values that the signing string takes from header lines: there, once, and the same bytes in every encoding. */
export function checkCovered({ facts, lines }: SignedRequest, names: readonly string[]): Denied | undefined {
  if (!/^[\x21-\x7e]+$/.test(facts.target)) return deny('SEKISHO_INBOX_SIGNATURE', 'a target that is not ASCII');
  for (const name of names) {
    const values = lines.get(name) ?? [];
    if (values.length > 1) return deny('SEKISHO_INBOX_HEADERS', `${name} is signed and stands twice`);
    if (values.some((value) => !PLAIN_VALUE.test(value))) return deny('SEKISHO_INBOX_SIGNATURE', `${name} is signed and not ASCII`);
    if (values.length === 0 && !LATER.has(name)) return deny('SEKISHO_INBOX_SIGNATURE', `${name} is signed and not there`);
  }
  return undefined;
}

/** Their absence has a code of its own. */
const LATER: ReadonlySet<string> = new Set(['host', 'date', 'digest', 'content-digest']);

export interface Times {
  /** Time at which the request claims to be signed. */
  readonly signedMs: number | undefined;
  readonly createdS: number | undefined;
  readonly expiresS: number | undefined;
}

/** All of them within the skew, whichever counts: a reader may look at another one than Misskey does. */
export function checkTimes({ signedMs, createdS, expiresS }: Times, { nowMs, dateSkewS }: HeadRules): Denied | undefined {
  const skewMs = dateSkewS * SECOND_MS;
  const near = (ms: number): boolean => Math.abs(nowMs - ms) <= skewMs;
  if (signedMs === undefined || !near(signedMs)) return deny('SEKISHO_INBOX_DATE', signedMs === undefined ? 'no readable Date' : `Date is ${Math.round((nowMs - signedMs) / SECOND_MS)} s old`);
  if (createdS !== undefined && !near(createdS * SECOND_MS)) return deny('SEKISHO_INBOX_DATE', 'created is too far from now');
  if (expiresS !== undefined && nowMs - expiresS * SECOND_MS > skewMs) return deny('SEKISHO_INBOX_DATE', 'expires is over');
  return undefined;
}

/**
 * Of what was signed and the signature itself: without the latter anybody who guesses the text could mark it as seen. keyId
 * and algorithm are left out, as they are not signed and a repeat with others must be noticed.
 */
export const replayKeyOf = ({ signature, signingString }: Pick<ParsedSignature, 'signature' | 'signingString'>): string =>
  hash('sha256', `${signature}\n${signingString}`, 'base64url');
