// A request as exact bytes, signed in the way of draft-cavage-http-signatures or of RFC 9421. Everything that an attacker
// may choose can be chosen.

import { type KeyObject, createHash, sign } from 'node:crypto';
import { testKey } from './keys.ts';

export type Header = readonly [name: string, value: string];

/** What goes over the wire; no header is added on the way. */
export interface ExactRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly Header[];
  readonly body: Buffer;
  /** The body goes as chunks, without a length. */
  readonly chunked?: boolean;
}

interface SigningCommon {
  readonly body: Buffer;
  /** Value of Host; also the host in RFC 9421's target URI. */
  readonly host: string;
  readonly keyId: string;
  readonly key?: KeyObject;
  readonly method?: string;
  readonly target?: string;
  readonly contentType?: string;
  readonly nowMs?: number;
  /** Further headers, after the signed ones; unsigned unless `covered` names them. */
  readonly headers?: readonly Header[];
}

export interface CavageOptions extends SigningCommon {
  /** Names in the order in which they are signed; default (request-target) host date digest content-type. */
  readonly covered?: readonly string[];
  /** `algorithm` as it is claimed; null: none. Default rsa-sha256, and hs2019 for keys that are not RSA. */
  readonly algorithm?: string | null;
  readonly hash?: 'sha1' | 'sha256' | 'sha512';
  /** Value of Date; default the time now. */
  readonly date?: string;
  readonly dateOffsetS?: number;
  /** Value of Digest; null: none. */
  readonly digest?: string | null;
  /** `(created)` and `(expires)` against now. */
  readonly createdOffsetS?: number;
  readonly expiresOffsetS?: number;
  /** Value of Signature before `{signature}` is put in; default keyId, algorithm, headers, signature. */
  readonly template?: string;
}

export const COVERED = ['(request-target)', 'host', 'date', 'digest', 'content-type'] as const;

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64');

export function signCavage(options: CavageOptions): ExactRequest {
  const { body, host, keyId, method = 'POST', target = '/inbox', contentType = 'application/activity+json', key = testKey().privateKey } = options;
  const nowMs = options.nowMs ?? Date.now();
  const { covered = COVERED, digest = `SHA-256=${sha256(body)}`, algorithm = key.asymmetricKeyType === 'rsa' ? 'rsa-sha256' : 'hs2019' } = options;
  const date = options.date ?? new Date(nowMs + (options.dateOffsetS ?? 0) * 1_000).toUTCString();
  const created = Math.floor(nowMs / 1_000) + (options.createdOffsetS ?? 0);
  const expires = Math.floor(nowMs / 1_000) + (options.expiresOffsetS ?? 300);
  const headers: Header[] = [['Host', host], ['Date', date], ...(digest === null ? [] : [['Digest', digest] as const]), ['Content-Type', contentType]];
  headers.push(...(options.headers ?? []));
  const special: Record<string, string> = { '(request-target)': `${method.toLowerCase()} ${target}`, '(created)': String(created), '(expires)': String(expires) };
  const lines = covered.map((name) => `${name}: ${special[name] ?? headers.filter(([own]) => own.toLowerCase() === name).map(([, value]) => value).join(', ')}`);
  const signature = signBytes(lines.join('\n'), key, options.hash);
  const parts = [`keyId="${keyId}"`, ...(algorithm === null ? [] : [`algorithm="${algorithm}"`])];
  if (covered.includes('(created)')) parts.push(`created=${created}`);
  if (covered.includes('(expires)')) parts.push(`expires=${expires}`);
  const template = options.template ?? [...parts, `headers="${covered.join(' ')}"`, 'signature="{signature}"'].join(',');
  headers.push(['Signature', template.replace('{signature}', signature)]);
  return { method, target, headers: [...headers, ['Content-Length', String(body.length)]], body };
}

export interface Rfc9421Options extends SigningCommon {
  /** Components in the order in which they are signed; default "@method" "@target-uri" "content-digest". */
  readonly covered?: readonly string[];
  /** `alg`; null, the default: none, as the key tells it. */
  readonly algorithm?: string | null;
  readonly createdOffsetS?: number;
  /** Value of Content-Digest; null: none. */
  readonly contentDigest?: string | null;
  readonly label?: string;
}

export function signRfc9421(options: Rfc9421Options): ExactRequest {
  const { body, host, keyId, method = 'POST', target = '/inbox', contentType = 'application/activity+json', key = testKey().privateKey } = options;
  const { covered = ['@method', '@target-uri', 'content-digest'], algorithm = null, label = 'sig1', contentDigest = `sha-256=:${sha256(body)}:` } = options;
  const nowMs = options.nowMs ?? Date.now();
  const created = Math.floor(nowMs / 1_000) + (options.createdOffsetS ?? 0);
  const headers: Header[] = [['Host', host], ['Date', new Date(nowMs).toUTCString()], ['Content-Type', contentType]];
  if (contentDigest !== null) headers.push(['Content-Digest', contentDigest]);
  headers.push(...(options.headers ?? []));
  const params = `(${covered.map((name) => `"${name}"`).join(' ')});created=${created};keyid="${keyId}"${algorithm === null ? '' : `;alg="${algorithm}"`}`;
  const derived: Record<string, string> = {
    '@method': method, '@target-uri': `https://${host}${target}`, '@authority': host, '@request-target': target, '@scheme': 'https',
    '@path': target.split('?')[0] ?? '', '@query': `?${target.split('?')[1] ?? ''}`,
  };
  const lines = covered.map((name) => `"${name}": ${derived[name] ?? headers.filter(([own]) => own.toLowerCase() === name).map(([, value]) => value).join(', ')}`);
  const signature = signBytes([...lines, `"@signature-params": ${params}`].join('\n'), key);
  headers.push(['Signature-Input', `${label}=${params}`], ['Signature', `${label}=:${signature}:`]);
  return { method, target, headers: [...headers, ['Content-Length', String(body.length)]], body };
}

const signBytes = (text: string, key: KeyObject, hash = 'sha256'): string =>
  sign(key.asymmetricKeyType === 'ed25519' ? null : hash, Buffer.from(text), key).toString('base64');

/** The same request with this header in another way; undefined takes it away. */
export const withHeader = (request: ExactRequest, name: string, value: string | undefined): ExactRequest => ({
  ...request,
  headers: request.headers.flatMap(([own, old]): Header[] => own.toLowerCase() !== name.toLowerCase() ? [[own, old]] : value === undefined ? [] : [[own, value]]),
});
