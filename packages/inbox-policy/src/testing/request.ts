// Signed requests, in which every part can be chosen. Written apart from the code under test.

import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { HeadRules, RequestFacts } from '../types.ts';

export const HOST = 'misskey.origin.example';
export const KEY_ID = 'https://alice.peer.example/users/alice#main-key';
export const BODY = Buffer.from('{"type":"Like"}');
export const RSA = generateKeyPairSync('rsa', { modulusLength: 2_048 });
export const ED25519 = generateKeyPairSync('ed25519');
/** Whole seconds, as a Date has no more. */
export const NOW_MS = Date.UTC(2026, 2, 5, 12, 0, 0);

export const rules = (over: Partial<HeadRules> = {}): HeadRules => ({
  host: HOST, origin: `https://${HOST}`, mode: 'enforce', nowMs: NOW_MS, dateSkewS: 300,
  isPublicHost: (host) => host.endsWith('.example') && !host.includes('internal'), ...over,
});

export type Lines = readonly (readonly [string, string])[];

export interface PostOptions {
  readonly target?: string;
  readonly covered?: readonly string[];
  /** Headers beside or instead of the usual ones, before signing; undefined takes one away. */
  readonly set?: Readonly<Record<string, string | undefined>>;
  readonly params?: Readonly<Record<string, string | number | undefined>>;
  readonly key?: KeyObject;
  readonly hash?: string;
  readonly nowMs?: number;
  /** Lines that are added after signing. */
  readonly add?: Lines;
}

export const COVERED = ['(request-target)', 'host', 'date', 'digest'] as const;
export const digestOf = (body: Buffer): string => `SHA-256=${createHash('sha256').update(body).digest('base64')}`;

const usualHeaders = (nowMs: number): Record<string, string> => ({
  host: HOST, date: new Date(nowMs).toUTCString(), 'content-type': 'application/activity+json', 'content-length': String(BODY.length),
});

const signText = (text: string, key: KeyObject, hash: string): string =>
  sign(key.asymmetricKeyType === 'ed25519' ? null : hash, Buffer.from(text), key).toString('base64');

const present = (headers: Readonly<Record<string, string | undefined>>): [string, string][] =>
  Object.entries(headers).flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]]));

/** By the draft. */
export function post(options: PostOptions = {}): RequestFacts {
  const { target = '/inbox', covered = COVERED, key = RSA.privateKey, hash = 'sha256', nowMs = NOW_MS, params = {} } = options;
  const headers: Record<string, string | undefined> = { ...usualHeaders(nowMs), digest: digestOf(BODY), ...options.set };
  const special: Record<string, string | number | undefined> = { '(request-target)': `post ${target}`, '(created)': params['created'], '(expires)': params['expires'] };
  const text = covered.map((name) => `${name}: ${special[name] ?? headers[name] ?? ''}`).join('\n');
  const all = { keyId: KEY_ID, algorithm: 'rsa-sha256', headers: covered.join(' '), ...params, signature: params['signature'] ?? signText(text, key, hash) };
  const value = Object.entries(all).flatMap(([name, part]) => (part === undefined ? [] : [typeof part === 'number' ? `${name}=${part}` : `${name}="${part}"`])).join(',');
  return { method: 'POST', target, rawHeaders: [...present({ ...headers, signature: value }), ...(options.add ?? [])].flat() };
}

export interface Rfc9421Options extends Omit<PostOptions, 'params'> {
  /** Everything after the label: `("@method" …);created=…`. */
  readonly input?: string;
  readonly label?: string;
}

export const secondsOf = (ms: number): number => Math.floor(ms / 1_000);
export const inputOf = (covered: readonly string[], params = `;created=${secondsOf(NOW_MS)};keyid="${KEY_ID}"`): string =>
  `(${covered.map((name) => `"${name}"`).join(' ')})${params}`;

/** By RFC 9421. */
export function post9421(options: Rfc9421Options = {}): RequestFacts {
  const { target = '/inbox', covered = ['@method', '@target-uri', 'content-digest'], key = RSA.privateKey, nowMs = NOW_MS, label = 'sig1' } = options;
  const input = options.input ?? inputOf(covered);
  const headers: Record<string, string | undefined> = { ...usualHeaders(nowMs), 'content-digest': `sha-256=:${digestOf(BODY).slice(8)}:`, ...options.set };
  const [path = '', query = ''] = target.split('?');
  const derived: Record<string, string> = { '@method': 'POST', '@target-uri': `https://${HOST}${target}`, '@authority': HOST, '@path': path, '@query': `?${query}`, '@request-target': target, '@scheme': 'https' };
  const lines = covered.map((name) => `"${name}": ${derived[name] ?? headers[name] ?? ''}`);
  const signature = signText([...lines, `"@signature-params": ${input}`].join('\n'), key, options.hash ?? 'sha256');
  const signed = { 'signature-input': `${label}=${input}`, signature: `${label}=:${signature}:` };
  return { method: 'POST', target, rawHeaders: [...present({ ...headers, ...signed }), ...(options.add ?? [])].flat() };
}

/** The same request with the value of one header changed after signing; undefined takes the line away. */
export function altered(facts: RequestFacts, name: string, change: (value: string) => string | undefined): RequestFacts {
  const rawHeaders: string[] = [];
  for (let at = 0; at < facts.rawHeaders.length; at += 2) {
    const [own = '', value = ''] = facts.rawHeaders.slice(at, at + 2);
    const next = own === name ? change(value) : value;
    if (next !== undefined) rawHeaders.push(own, next);
  }
  return { ...facts, rawHeaders };
}

/** What Node makes of the lines. */
export const headerObject = ({ rawHeaders }: RequestFacts): Record<string, string> =>
  Object.fromEntries(rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), rawHeaders[at + 1] ?? '']] : [])));
