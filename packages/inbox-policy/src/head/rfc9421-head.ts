// Checks 8 to 13 for a signature by RFC 9421. Mastodon's profile: one signature, `created`, `@method`, the target and
// `Content-Digest` covered. The target is `@target-uri`, or `@authority` with the parts that make up path and query.

import { deny } from '../denied.ts';
import { rfc9421Algorithm } from '../signature/algorithm.ts';
import { parseRfc9421, type Rfc9421Parameters } from '../signature/rfc9421.ts';
import type { Denied, InboxHead } from '../types.ts';
import { parseContentDigest } from './digest.ts';
import { headerOf } from './headers.ts';
import { checkCovered, checkHost, checkTimes, readKeyHost, replayKeyOf, type SignedRequest } from './signed-request.ts';

const DERIVED: ReadonlyMap<string, (request: SignedRequest) => string> = new Map([
  ['@method', ({ facts }) => facts.method],
  ['@target-uri', ({ facts, rules }) => rules.origin + facts.target],
  ['@authority', ({ rules }) => rules.host],
  ['@scheme', ({ rules }) => new URL(rules.origin).protocol.slice(0, -1)],
  ['@request-target', ({ facts }) => facts.target],
  ['@path', ({ facts }) => facts.target.replace(/\?.*$/s, '')],
  ['@query', ({ facts }) => /\?.*$/s.exec(facts.target)?.[0] ?? '?'],
]);

export function readRfc9421Head(request: SignedRequest, value: string): InboxHead | Denied {
  const { lines, rules } = request;
  if (rules.mode !== 'enqueue') return deny('SEKISHO_INBOX_RFC9421', 'signed by RFC 9421 only');
  const parameters = parseRfc9421(headerOf(lines, 'signature-input'), value);
  if (!parameters.ok) return parameters;
  const keyHost = readKeyHost(parameters.keyId, rules);
  if (typeof keyHost !== 'string') return keyHost;
  const algorithm = rfc9421Algorithm(parameters.algorithm);
  if (algorithm === undefined) return deny('SEKISHO_INBOX_ALGORITHM', 'an algorithm that is not taken');
  const signedMs = parameters.createdS * 1_000;
  const denied = checkCoverage(request, parameters) ?? checkHost(request)
    ?? checkTimes({ signedMs, createdS: undefined, expiresS: parameters.expiresS }, rules);
  if (denied !== undefined) return denied;
  const digest = parseContentDigest(headerOf(lines, 'content-digest') ?? '');
  if (digest === undefined) return deny('SEKISHO_INBOX_DIGEST', 'Content-Digest has no SHA-256');
  const { keyId, covered, signature } = parameters;
  const parsed = { scheme: 'rfc9421', keyId, keyHost, algorithm, covered, signature, signingString: signatureBase(request, parameters) } as const;
  return { ok: true, signature: parsed, digest, signedAtMs: signedMs, replayKey: replayKeyOf(parsed) };
}

function checkCoverage(request: SignedRequest, { covered }: Rfc9421Parameters): Denied | undefined {
  const has = (name: string): boolean => covered.includes(name);
  const unknown = covered.find((name) => name.startsWith('@') && !DERIVED.has(name));
  if (unknown !== undefined) return deny('SEKISHO_INBOX_SIGNATURE', 'a derived component that requests do not have');
  const query = has('@query') || !request.facts.target.includes('?');
  const target = has('@target-uri') || (has('@authority') && (has('@request-target') || (has('@path') && query)));
  if (!has('@method') || !target || !has('content-digest')) return deny('SEKISHO_INBOX_SIGNED_HEADERS', '@method, target or content-digest is not signed');
  return checkCovered(request, covered.filter((name) => !name.startsWith('@')));
}

/** Section 2.5. */
function signatureBase(request: SignedRequest, { covered, text }: Rfc9421Parameters): string {
  const valueOf = (name: string): string => DERIVED.get(name)?.(request) ?? headerOf(request.lines, name) ?? '';
  return [...covered.map((name) => `"${name}": ${valueOf(name)}`), `"@signature-params": ${text}`].join('\n');
}
