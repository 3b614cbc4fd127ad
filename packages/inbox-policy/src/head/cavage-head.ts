// Checks 9 to 13 for a signature by the draft.

import { deny } from '../denied.ts';
import { cavageAlgorithm } from '../signature/algorithm.ts';
import { type CavageParameters, parseCavage } from '../signature/cavage.ts';
import type { Denied, HeadRules, InboxHead } from '../types.ts';
import { parseDate } from './date.ts';
import { parseDigest } from './digest.ts';
import { headerOf } from './headers.ts';
import { checkCovered, checkHost, checkTimes, readKeyHost, replayKeyOf, type SignedRequest, type Times } from './signed-request.ts';

const ALWAYS_COVERED = ['(request-target)', 'host', 'digest'] as const;

export function readCavageHead(request: SignedRequest, value: string): InboxHead | Denied {
  const { lines, rules } = request;
  const parameters = parseCavage(value);
  if (!parameters.ok) return parameters;
  const keyHost = readKeyHost(parameters.keyId, rules);
  if (typeof keyHost !== 'string') return keyHost;
  const algorithm = cavageAlgorithm(parameters.algorithm);
  if (algorithm === undefined) return deny('SEKISHO_INBOX_ALGORITHM', parameters.algorithm === undefined ? 'no algorithm' : 'an algorithm that is not taken');
  const times = timesOf(request, parameters);
  const denied = checkCoverage(parameters, rules) ?? checkCovered(request, headerNames(parameters)) ?? checkHost(request) ?? checkTimes(times, rules);
  if (denied !== undefined) return denied;
  const digest = parseDigest(headerOf(lines, 'digest') ?? '');
  if (digest === undefined) return deny('SEKISHO_INBOX_DIGEST', 'Digest is not one SHA-256 in base64');
  const { keyId, covered, signature } = parameters;
  const parsed = { scheme: 'cavage', keyId, keyHost, algorithm, covered, signature, signingString: signingString(request, parameters) } as const;
  return { ok: true, signature: parsed, digest, signedAtMs: times.signedMs ?? 0, replayKey: replayKeyOf(parsed) };
}

/** Misskey insists on a signed date; `(created)` alone is enough only where Misskey's HTTP layer is not asked. */
function checkCoverage({ covered }: CavageParameters, { mode }: HeadRules): Denied | undefined {
  const missing = ALWAYS_COVERED.find((name) => !covered.includes(name));
  if (missing !== undefined) return deny('SEKISHO_INBOX_SIGNED_HEADERS', `${missing} is not signed`);
  if (covered.includes('date') || (mode === 'enqueue' && covered.includes('(created)'))) return undefined;
  return deny('SEKISHO_INBOX_SIGNED_HEADERS', 'date is not signed');
}

const headerNames = ({ covered }: CavageParameters): readonly string[] => covered.filter((name) => !name.startsWith('('));

function timesOf({ lines }: SignedRequest, { covered, created, expires }: CavageParameters): Times {
  const createdS = created === undefined ? undefined : Number(created);
  const date = parseDate(headerOf(lines, 'date') ?? '');
  const ofCreated = createdS === undefined ? undefined : createdS * 1_000;
  return { signedMs: covered.includes('date') ? date : ofCreated, createdS, expiresS: expires === undefined ? undefined : Number(expires) };
}

/** Section 2.3 of the draft. The target as it came, the query included. */
function signingString({ facts, lines }: SignedRequest, { covered, created, expires }: CavageParameters): string {
  const valueOf = (name: string): string => {
    if (name === '(request-target)') return `${facts.method.toLowerCase()} ${facts.target}`;
    if (name === '(created)') return created ?? '';
    if (name === '(expires)') return expires ?? '';
    return headerOf(lines, name) ?? '';
  };
  return covered.map((name) => `${name}: ${valueOf(name)}`).join('\n');
}
