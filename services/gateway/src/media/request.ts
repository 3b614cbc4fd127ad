// A raw media request as a MediaRequest, or the code it is refused with. Pure: the address rules and the loop rules
// come in as functions. What leaves here has one spelling per picture, so one cache key, one fetch and one price.

import { type Code, LIMITS, type MediaMode } from '@sekisho/contracts';
import { readMediaHeaders } from './request-headers.ts';
import { MEDIA_PREFIXES, isMediaTarget, readTarget } from './request-target.ts';
import type { MediaRequest } from './types.ts';

/** Substrings, lower case, of the User-Agents of media proxies: chained proxies amplify each other. */
const PROXY_AGENTS = ['misskey/', 'misskeymediaproxy', 'cherrypick/', 'sharkey/', 'sekisho/'] as const;
const USER_AGENT_CHARS_READ = 1_024;

export interface RawMediaRequest {
  readonly method: string;
  /** Request target as it stood in the request line. */
  readonly target: string;
  /** Node's flat list, so that repeated lines are seen. */
  readonly rawHeaders: readonly string[];
}

export type CanonicalUrl =
  | { readonly ok: true; readonly url: string }
  | { readonly ok: false; readonly code: Code };

export type LoopCheck =
  | { readonly ok: true; readonly via: readonly string[]; readonly cdnLoop: readonly string[] }
  | { readonly ok: false; readonly code: Code };

export interface RequestRules {
  /** Canonical form of a URL that may be fetched. */
  canonicalUrl(raw: string): CanonicalUrl;
  /** Loop rules over all Via and CDN-Loop lines; gives back the entries that go upstream. */
  checkLoop(lines: { readonly via: readonly string[]; readonly cdnLoop: readonly string[] }): LoopCheck;
  /** Whether the host is this instance. */
  isOwn(url: URL): boolean;
  /** Canonical URL when the target is one of the instance's own files, which the gateway reads itself. */
  ownFile(url: URL): string | undefined;
}

/** What a refusal needs to know of its request. */
export interface Asked {
  readonly method: 'GET' | 'HEAD';
  readonly fallback: boolean;
}

export type ParsedMediaRequest =
  | { readonly kind: 'media'; readonly request: MediaRequest; readonly inboundVia: boolean }
  | { readonly kind: 'options' }
  | { readonly kind: 'refused'; readonly code: Code; readonly asked: Asked };

/** What the request target alone says. */
export interface AskedTarget {
  readonly url: CanonicalUrl;
  readonly mode: MediaMode;
  readonly fallback: boolean;
  readonly origin: boolean;
}

/** Reads a request target: the part of a request that many requests share, see `createTargetMemo`. */
export function readAskedTarget(target: string, rules: RequestRules): AskedTarget {
  const { url, flags } = readTarget(target);
  return { url: resolveTarget(url, rules), mode: modeOf(flags), fallback: flags.has('fallback'), origin: flags.has('origin') };
}

/** Targets remembered and the longest of them: a page's pictures are asked again by every reader, 3 MiB at most. */
const MEMO_ENTRIES_MAX = 4_096;
const MEMO_CHARS_MAX = 384;

/** `readAskedTarget` that remembers: parsing URLs is half the cost of a cached hit's own work. */
export function createTargetMemo(rules: RequestRules): (target: string) => AskedTarget {
  const known = new Map<string, AskedTarget>();
  return (target) => {
    const remembered = known.get(target);
    if (remembered !== undefined) return remembered;
    const asked = readAskedTarget(target, rules);
    if (target.length > MEMO_CHARS_MAX) return asked;
    const oldest = known.size >= MEMO_ENTRIES_MAX ? known.keys().next().value : undefined;
    if (oldest !== undefined) known.delete(oldest);
    known.set(target, asked);
    return asked;
  };
}

/**
 * Parses a request on a media route; never throws.
 * @param read a memo of the same rules, where requests are many.
 */
export function parseMediaRequest(
  raw: RawMediaRequest,
  rules: RequestRules,
  read: (target: string) => AskedTarget = (target) => readAskedTarget(target, rules),
): ParsedMediaRequest {
  if (raw.method === 'OPTIONS') return { kind: 'options' };
  if (raw.method !== 'GET' && raw.method !== 'HEAD') {
    return { kind: 'refused', code: 'SEKISHO_REQUEST_METHOD', asked: { method: 'GET', fallback: false } };
  }
  const { url, mode, fallback, origin } = read(raw.target);
  const asked: Asked = { method: raw.method, fallback };
  const refuse = (code: Code): ParsedMediaRequest => ({ kind: 'refused', code, asked });

  const headers = readMediaHeaders(raw.rawHeaders);
  if (headers.userAgents.some(isProxyAgent)) return refuse('SEKISHO_CLIENT_PROXY');
  const loop = rules.checkLoop(headers);
  if (!loop.ok) return refuse(loop.code);
  if (!url.ok) return refuse(url.code);
  const { range, ifRange, ifNoneMatch } = headers;
  const { via, cdnLoop } = loop;
  const request: MediaRequest = { ...asked, url: url.url, mode, origin, range, ifRange, ifNoneMatch, loop: { via, cdnLoop } };
  return { kind: 'media', request, inboundVia: headers.via.length > 0 };
}

/** Mode by presence of flags: emoji and avatar (emoji's height wins) before static, preview and badge. */
export function modeOf(flags: ReadonlySet<string>): MediaMode {
  const still = flags.has('static');
  if (flags.has('emoji')) return still ? 'emoji-static' : 'emoji';
  if (flags.has('avatar')) return still ? 'avatar-static' : 'avatar';
  if (still) return 'static';
  if (flags.has('preview')) return 'preview';
  return flags.has('badge') ? 'badge' : 'asis';
}

function isProxyAgent(agent: string): boolean {
  const text = agent.slice(0, USER_AGENT_CHARS_READ).toLowerCase();
  return PROXY_AGENTS.some((name) => text.includes(name));
}

const INVALID: CanonicalUrl = { ok: false, code: 'SEKISHO_REQUEST_URL_INVALID' };
const LOOP: CanonicalUrl = { ok: false, code: 'SEKISHO_LOOP' };

/** Canonical URL of what is asked; our own media route inside is unwrapped once, as clients wrap twice by mistake. */
function resolveTarget(text: string | undefined, rules: RequestRules): CanonicalUrl {
  const outer = parseHttpUrl(text);
  if (text === undefined || outer === undefined) return INVALID;
  // The text itself, not the parsed form: what the URL parser silently drops is refused there.
  if (!rules.isOwn(outer)) return rules.canonicalUrl(text);
  if (!isMediaTarget(outer.pathname)) return ownOrLoop(outer, rules);
  const inside = readTarget(outer.pathname + outer.search).url;
  const inner = parseHttpUrl(inside);
  if (inside === undefined || inner === undefined) return INVALID;
  return rules.isOwn(inner) ? ownOrLoop(inner, rules) : rules.canonicalUrl(inside);
}

function ownOrLoop(url: URL, rules: RequestRules): CanonicalUrl {
  const file = rules.ownFile(url);
  return file === undefined ? LOOP : { ok: true, url: file };
}

function parseHttpUrl(text: string | undefined): URL | undefined {
  if (text === undefined || Buffer.byteLength(text) > LIMITS.urlBytesMax) return undefined;
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined;
  // Escaping can triple the length, and the fetch contract counts the escaped form.
  return url.href.length <= LIMITS.urlBytesMax ? url : undefined;
}

export { MEDIA_PREFIXES, isMediaTarget };
