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

/** Parses a request on a media route; never throws. */
export function parseMediaRequest(raw: RawMediaRequest, rules: RequestRules): ParsedMediaRequest {
  if (raw.method === 'OPTIONS') return { kind: 'options' };
  if (raw.method !== 'GET' && raw.method !== 'HEAD') {
    return { kind: 'refused', code: 'SEKISHO_REQUEST_METHOD', asked: { method: 'GET', fallback: false } };
  }
  const target = readTarget(raw.target);
  const asked: Asked = { method: raw.method, fallback: target.flags.has('fallback') };
  const refuse = (code: Code): ParsedMediaRequest => ({ kind: 'refused', code, asked });

  const headers = readMediaHeaders(raw.rawHeaders);
  if (headers.userAgents.some(isProxyAgent)) return refuse('SEKISHO_CLIENT_PROXY');
  const loop = rules.checkLoop(headers);
  if (!loop.ok) return refuse(loop.code);
  const url = resolveTarget(target.url, rules);
  if (!url.ok) return refuse(url.code);
  const request: MediaRequest = {
    ...asked,
    url: url.url,
    mode: modeOf(target.flags),
    origin: target.flags.has('origin'),
    range: headers.range,
    ifRange: headers.ifRange,
    ifNoneMatch: headers.ifNoneMatch,
    loop: { via: loop.via, cdnLoop: loop.cdnLoop },
  };
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
