// URLs in an activity. Misskey follows most of them by itself, so each must lead to a public host by https, and must name
// that host in a way that all readers understand alike.

import { INBOX_LIMITS } from '@sekisho/contracts';

export interface Reference {
  /** One spelling for all that lead to the same place: for comparing, not for passing on. */
  readonly href: string;
  /** Lower case, punycode. */
  readonly host: string;
}

/** Whether a host may be named; `authority` has the port, if there is one. */
export type HostCheck = (host: string, authority: string) => boolean;

const SCHEME = 'https://';
/** Host in its plain spelling; what stands in it otherwise (capitals, escapes, ports, punycode) takes the long way. */
const PLAIN_HOST = /^[a-z0-9][a-z0-9.-]*$/;
const PLAIN_REST = /^[\x21-\x5b\x5d-\x7e]*$/;
/** The last label: what begins with a letter is no number to any parser. */
const LETTER = /[a-z]/;
/** Read away by some parsers and kept by others: controls, blanks at the ends, backslashes. */
const TREACHEROUS = /^\s|[\p{Cc}\\]|\s$/u;
/** `https:/a.example` and `https:///a.example` lead to hosts in some parsers only. */
const COMPLETE = /^https:\/\/[^/]/i;
/** Addresses, and names with an empty label: at the end it is the root, which reads the same to DNS alone. */
const NO_NAME = /^$|^\[|^\.|\.\.|\.$|(?:^|\.)(?:\d+|0x[0-9a-f]*)$/;
const HOST_CHARS_MAX = 253;

/** Undefined: not https, too long, a port or credentials, an address in any spelling, or a host that `isAllowed` refuses. */
export function parseReference(text: string, isAllowed: HostCheck): Reference | undefined {
  if (text.length > INBOX_LIMITS.urlCharsMax) return undefined;
  return readPlain(text, isAllowed) ?? readUrl(text, isAllowed);
}

/** The usual spelling, without the cost of a URL parser. */
function readPlain(text: string, isAllowed: HostCheck): Reference | undefined {
  if (!text.startsWith(SCHEME)) return undefined;
  const end = endOfAuthority(text);
  const host = text.slice(SCHEME.length, end);
  const rest = text.slice(end);
  if (!isPlainHost(host) || !PLAIN_REST.test(rest) || !isAllowed(host, host)) return undefined;
  return { href: `${SCHEME}${host}${rest.startsWith('/') ? rest : `/${rest}`}`, host };
}

function endOfAuthority(text: string): number {
  for (let at = SCHEME.length; at < text.length; at++) {
    const char = text[at];
    if (char === '/' || char === '?' || char === '#') return at;
  }
  return text.length;
}

function isPlainHost(host: string): boolean {
  if (host.length > HOST_CHARS_MAX || !PLAIN_HOST.test(host) || host.includes('..') || host.includes('xn--')) return false;
  const dot = host.lastIndexOf('.');
  return dot > 0 && LETTER.test(host[dot + 1] ?? '');
}

function readUrl(text: string, isAllowed: HostCheck): Reference | undefined {
  if (TREACHEROUS.test(text) || !text.isWellFormed() || !COMPLETE.test(text)) return undefined;
  const url = URL.parse(text);
  if (url === null || hasCredentials(text, url) || NO_NAME.test(url.hostname)) return undefined;
  return isAllowed(url.hostname, url.host) ? { href: url.href, host: url.hostname } : undefined;
}

const hasCredentials = (text: string, url: URL): boolean =>
  url.username !== '' || url.password !== '' || text.slice(0, endOfAuthority(text)).includes('@');

/** Whether two ids are one, however their hosts are spelled. */
export function sameId(left: string, right: string): boolean {
  return left === right || (URL.parse(left)?.href ?? left) === (URL.parse(right)?.href ?? right);
}

/** Host of a text that has been read as a reference; of any other text whatever a URL parser finds. */
export function hostOf(text: string): string {
  const host = text.startsWith(SCHEME) ? text.slice(SCHEME.length, endOfAuthority(text)) : '';
  return isPlainHost(host) && !text.includes('\\') ? host : (URL.parse(text)?.hostname ?? '');
}
