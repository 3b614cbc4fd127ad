// How Misskey's signature library reads a request (draft-cavage-http-signatures): lenient as it is, so that a proxy in front
// is tried against what the server really accepts. Only node: imports, as the stub also runs where nothing is installed.
// The tests hold it against the library itself.

import type { IncomingHttpHeaders } from 'node:http';

const SKEW_S = 300;
const REQUIRED = ['(request-target)', 'host', 'date'] as const;
const PARAM = /([A-Za-z]+)=(?:"([^"]*)"|(\d+))(?:,|$)/y;
const ALGORITHM = /^(?:hs2019(?:-.*)?|(?:rsa|dsa|ecdsa|ed25519|hmac)-sha(?:1|256|512))$/;

/** What is put into the queue beside the activity. */
export interface StubSignature {
  readonly scheme: 'Signature';
  readonly params: Readonly<Record<string, unknown>> & { readonly headers: readonly string[] };
  readonly signingString: string;
  readonly algorithm: string;
  readonly keyId: string;
}

export interface SignedHead {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** The signature; undefined where the library throws. */
export function parseSignature(head: SignedHead, nowMs = Date.now()): StubSignature | undefined {
  const params = parseParams(head.headers);
  if (params === undefined) return undefined;
  const { keyId = '', algorithm = '', signature = '' } = params;
  if (keyId === '' || signature === '' || !ALGORITHM.test(algorithm.toLowerCase())) return undefined;
  const covered = (params['headers'] ?? (head.headers['x-date'] === undefined ? 'date' : 'x-date')).toLowerCase().split(' ');
  const signingString = signingStringOf(head, params, covered);
  if (signingString === undefined || !isFresh(head.headers, params, nowMs) || REQUIRED.some((name) => !covered.includes(name))) return undefined;
  return { scheme: 'Signature', params: { ...params, algorithm: algorithm.toLowerCase(), headers: covered }, signingString, algorithm: algorithm.toUpperCase(), keyId };
}

/** Of `Signature`, or of `Authorization: Signature …` where there is none. Of a repeated parameter the last one counts. */
function parseParams(headers: IncomingHttpHeaders): Record<string, string> | undefined {
  const own = headers['signature'];
  const text = typeof own === 'string' && own !== '' ? own : /^Signature (.*)$/.exec(headers.authorization ?? '')?.[1];
  if (text === undefined) return undefined;
  const params: Record<string, string> = {};
  PARAM.lastIndex = 0;
  while (PARAM.lastIndex < text.length) {
    const [, name = '', quoted, digits] = PARAM.exec(text) ?? [];
    if (name === '') return undefined;
    params[name] = quoted ?? digits ?? '';
  }
  return params;
}

function signingStringOf({ method, url, headers }: SignedHead, params: Readonly<Record<string, string>>, covered: readonly string[]): string | undefined {
  const lines = covered.map((name) => {
    if (name === '(request-target)') return `${name}: ${method.toLowerCase()} ${url}`;
    const param = /^\((keyid|algorithm|created|expires|opaque)\)$/.exec(name)?.[1];
    if (param !== undefined) return `${name}: ${params[param === 'keyid' ? 'keyId' : param] ?? 'undefined'}`;
    const value = headers[name];
    return value === undefined ? undefined : `${name}: ${String(value)}`;
  });
  return lines.includes(undefined) ? undefined : lines.join('\n');
}

/** An unreadable date passes, and X-Date goes before Date: both are so in the library. */
function isFresh(headers: IncomingHttpHeaders, params: Readonly<Record<string, string>>, nowMs: number): boolean {
  const date = headers['x-date'] ?? headers.date;
  if (date !== undefined && Math.abs(nowMs - Date.parse(String(date))) > SKEW_S * 1_000) return false;
  const nowS = Math.floor(nowMs / 1_000);
  return !(Number(params['created'] ?? 0) - nowS > SKEW_S) && !(nowS - Number(params['expires'] ?? Infinity) > SKEW_S);
}
