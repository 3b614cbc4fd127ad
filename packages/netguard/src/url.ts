// What a stranger may give as a target. Everything is judged after WHATWG parsing, because that is what will be fetched:
// http://0x7f.1/ and http://①②⑦.⓪.⓪.①/ are 127.0.0.1 by then.

import { type Code, LIMITS } from '@sekisho/contracts';
import type { AddressPolicy } from './address-policy.ts';
import { parseAddress } from './address.ts';
import type { HostMatcher } from './host-list.ts';
import { checkHostName, normalizeHost } from './names.ts';

export type PlainHttp = 'upgrade' | 'allow' | 'deny';

export interface TargetRules {
  readonly plainHttp: PlainHttp;
  /** Our own hosts, as `ownHostSet` makes them. */
  readonly ownHosts: ReadonlySet<string>;
  readonly policy: AddressPolicy;
  readonly blockedHosts?: HostMatcher | undefined;
}

export interface Target {
  readonly ok: true;
  /** Normalised: no fragment, no trailing dot, http upgraded where the mode says so. */
  readonly url: URL;
  /** Host without brackets and trailing dot. */
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}
export interface TargetRefusal {
  readonly ok: false;
  readonly code: Code;
  readonly detail: string;
}
export type TargetVerdict = Target | TargetRefusal;

export type CanonicalUrl = { readonly ok: true; readonly url: string; readonly host: string } | TargetRefusal;

/** Host names as the rules compare them; from configuration, so a bad one throws. @throws TypeError */
export function ownHostSet(hosts: readonly string[]): ReadonlySet<string> {
  return new Set(
    hosts.map((host) => {
      const parsed = URL.parse(`https://${host}/`);
      if (parsed === null) throw new TypeError(`no host name: ${JSON.stringify(host)}`);
      return hostOfUrl(parsed);
    }),
  );
}

/** Every rule that needs no resolver: scheme, userinfo, own hosts, port, name, literal address, blocked hosts. */
export function checkTargetUrl(input: string, rules: TargetRules): TargetVerdict {
  const parsed = parseTarget(input);
  if (!parsed.ok) return parsed;
  const { url, host } = parsed;
  // Before all else: a request for ourselves is a loop whatever else is wrong with it.
  if (rules.ownHosts.has(host)) return refuse('SEKISHO_LOOP', 'the target is an own host');
  if (leadsBack(url, rules.ownHosts)) return refuse('SEKISHO_LOOP', 'the target is a proxy URL that leads back to us');
  const endpoint = checkEndpoint(url, rules);
  if (!endpoint.ok) return endpoint;
  const refused = checkHost(host, endpoint.port, rules);
  if (refused !== undefined) return refused;
  return { ok: true, url, host, port: endpoint.port, tls: endpoint.tls };
}

/** The one spelling of a URL for cache keys. No judgement about the target beyond what is never fetched in any mode. */
export function canonicalUrl(input: string, plainHttp: PlainHttp): CanonicalUrl {
  const parsed = parseTarget(input);
  if (!parsed.ok) return parsed;
  const { url, host } = parsed;
  // Another port never gets TLS by upgrade, so http and https there are different resources.
  if (plainHttp === 'upgrade' && url.protocol === 'http:' && url.port === '') url.protocol = 'https:';
  return { ok: true, url: url.href, host };
}

/** Routes under which this instance fetches what others name. */
const OWN_PROXY_PATH = /^\/(?:proxy|media)(?:\/|$)/;
/** Proxy URLs within proxy URLs that are looked into: each level multiplies its escapes, so few fit the length limit. */
const NESTED_URLS_MAX = 16;

/**
 * Whether a media proxy's URL holds, in its `url` parameter and any number of proxies further in, a URL of our own proxy.
 * Two proxies that lose each other's Via, CDN-Loop and User-Agent would otherwise ask each other once per level.
 */
function leadsBack(target: URL, ownHosts: ReadonlySet<string>): boolean {
  let inner = URL.parse(target.searchParams.get('url') ?? '');
  for (let level = 0; inner !== null && level < NESTED_URLS_MAX; level += 1) {
    if (ownHosts.has(hostOfUrl(inner)) && OWN_PROXY_PATH.test(inner.pathname)) return true;
    inner = URL.parse(inner.searchParams.get('url') ?? '');
  }
  return inner !== null;
}

const refuse = (code: Code, detail: string): TargetRefusal => ({ ok: false, code, detail });

function parseTarget(input: string): { readonly ok: true; readonly url: URL; readonly host: string } | TargetRefusal {
  const malformed = textProblem(input);
  if (malformed !== undefined) return refuse('SEKISHO_TARGET_URL', malformed);
  const url = URL.parse(input);
  if (url === null) return refuse('SEKISHO_TARGET_URL', 'no URL');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return refuse('SEKISHO_TARGET_URL', 'scheme is not http or https');
  if (url.username !== '' || url.password !== '') return refuse('SEKISHO_TARGET_URL', 'userinfo');
  const host = hostOfUrl(url);
  if (host === '') return refuse('SEKISHO_TARGET_NAME', 'empty host');
  if (url.hostname.endsWith('.')) url.hostname = host;
  url.hash = '';
  if (url.href.length > LIMITS.urlBytesMax) return refuse('SEKISHO_TARGET_URL', 'longer than the limit');
  return { ok: true, url, host };
}

/** What the URL parser would silently repair or drop. */
function textProblem(input: string): string | undefined {
  if (input.length > LIMITS.urlBytesMax) return 'longer than the limit';
  // Tabs and newlines vanish anywhere: what was logged or blocked would not be what is fetched.
  if (hasControl(input)) return 'control characters';
  // Other parsers read a backslash as part of userinfo or host: example.org\@127.0.0.1.
  if (/^[^?#]*\\/.test(input)) return 'backslash';
  // Empty userinfo leaves no trace after parsing.
  return /^ *[a-z]+:\/*[^/?#]*@/i.test(input) ? 'userinfo' : undefined;
}

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const hasControl = (text: string): boolean => /[\u0000-\u001f\u007f]/.test(text);

/** Host of a parsed URL without brackets and one trailing dot: as `ownHostSet` spells hosts. */
export function hostOfUrl(url: URL): string {
  const { hostname } = url;
  return hostname.startsWith('[') ? hostname.slice(1, -1) : normalizeHost(hostname);
}

type Endpoint = { readonly ok: true; readonly port: number; readonly tls: boolean } | TargetRefusal;

/** Port and scheme; may turn the URL's http into https. */
function checkEndpoint(url: URL, rules: TargetRules): Endpoint {
  const plain = url.protocol === 'http:';
  const standard = plain ? 80 : 443;
  const port = url.port === '' ? standard : Number(url.port);
  if (port !== standard) {
    // Any other port only in tests: the connect step then demands that the address is an allow target with this port.
    if (!rules.policy.allowTargetPorts.has(port)) return refuse('SEKISHO_TARGET_URL', 'port');
    return { ok: true, port, tls: !plain };
  }
  if (!plain) return { ok: true, port, tls: true };
  if (rules.plainHttp === 'deny') return refuse('SEKISHO_TARGET_PLAIN_HTTP', 'plain http');
  if (rules.plainHttp === 'allow') return { ok: true, port, tls: false };
  url.protocol = 'https:';
  return { ok: true, port: 443, tls: true };
}

function checkHost(host: string, port: number, rules: TargetRules): TargetRefusal | undefined {
  if (rules.blockedHosts?.(host) === true) return refuse('SEKISHO_TARGET_BLOCKED', 'the host is blocked');
  if (parseAddress(host) !== undefined) {
    const verdict = rules.policy.check(host, port);
    return verdict.allowed ? undefined : refuse('SEKISHO_TARGET_ADDRESS', `${verdict.label} ${verdict.cidr}`.trim());
  }
  const name = checkHostName(host);
  return name.ok ? undefined : refuse('SEKISHO_TARGET_NAME', name.detail);
}
