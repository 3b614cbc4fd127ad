// The Signature header of draft-cavage-http-signatures-12, in the subset on which readers agree. Misskey's library takes the
// last of two equal parameters, drops a number at the end and reads names by case; others do not.

import { INBOX_LIMITS } from '@sekisho/contracts';
import { deny } from '../denied.ts';
import type { Denied } from '../types.ts';
import { isSignatureBase64 } from './base64.ts';

const PARAMETERS_MAX = 16;
const COVERED_MAX = 32;
const KNOWN: ReadonlySet<string> = new Set(['keyId', 'algorithm', 'headers', 'signature', 'created', 'expires', 'opaque']);
const KNOWN_LOWER: ReadonlySet<string> = new Set([...KNOWN].map((name) => name.toLowerCase()));
const PARAMETER = /([A-Za-z]+)=(?:"([\x20-\x21\x23-\x7e]*)"|(\d+))(?:,(?=[A-Za-z])|$)/y;
const SECONDS = /^[1-9]\d{0,11}$/;
/** Of the names in parentheses, those that senders use. `request-line` and the rest differ from reader to reader. */
const COVERED = /^(?:\((?:request-target|created|expires)\)|(?!request-line$)[a-z0-9!#$%&'*+.^_`|~-]+)$/;

export interface CavageParameters {
  readonly ok: true;
  readonly keyId: string;
  readonly algorithm: string | undefined;
  readonly covered: readonly string[];
  readonly signature: string;
  /** As they came, for the signing string: seconds since the epoch. */
  readonly created: string | undefined;
  readonly expires: string | undefined;
}

const malformed = (detail: string): Denied => deny('SEKISHO_INBOX_SIGNATURE', detail);

export function parseCavage(value: string): CavageParameters | Denied {
  if (value.length > INBOX_LIMITS.signatureCharsMax) return malformed('Signature is too long');
  const parameters = readParameters(value);
  if ('ok' in parameters) return parameters;
  const of = (name: string): string | undefined => parameters.get(name);
  const signature = of('signature');
  if (signature === undefined || !isSignatureBase64(signature)) return malformed('the signature is no canonical base64 of a usual length');
  const covered = readCovered(of('headers'));
  if ('ok' in covered) return covered;
  return checkTimeParameters(parameters, covered) ?? { ok: true, keyId: of('keyId') ?? '', algorithm: of('algorithm'), covered, signature, created: of('created'), expires: of('expires') };
}

function checkTimeParameters(parameters: ReadonlyMap<string, string>, covered: readonly string[]): Denied | undefined {
  for (const name of ['created', 'expires']) {
    const value = parameters.get(name);
    if (value !== undefined && !SECONDS.test(value)) return malformed(`${name} is no time`);
    if (value === undefined && covered.includes(`(${name})`)) return malformed(`(${name}) is signed and not there`);
  }
  return undefined;
}

function readParameters(value: string): ReadonlyMap<string, string> | Denied {
  const parameters = new Map<string, string>();
  const seen = new Set<string>();
  for (let at = 0; at < value.length; at = PARAMETER.lastIndex) {
    PARAMETER.lastIndex = at;
    const match = PARAMETER.exec(value);
    if (match === null || seen.size === PARAMETERS_MAX) return malformed(`not name="value" pairs, at character ${at}`);
    const name = match[1] ?? '';
    const lower = name.toLowerCase();
    if (seen.has(lower)) return malformed('a parameter stands twice');
    if (KNOWN_LOWER.has(lower) && !KNOWN.has(name)) return malformed('a parameter in another case');
    seen.add(lower);
    parameters.set(name, match[2] ?? match[3] ?? '');
  }
  return parameters;
}

/** Without `headers` the draft means `(created)` and Misskey `date`; either is too little, so nothing is covered. */
function readCovered(headers: string | undefined): readonly string[] | Denied {
  if (headers === undefined) return [];
  const covered = headers.toLowerCase().split(' ');
  if (covered.length > COVERED_MAX || !covered.every((name) => COVERED.test(name))) return malformed('headers is no list of header names');
  return new Set(covered).size === covered.length ? covered : malformed('a header is signed twice');
}
