// The target of a CONNECT request: authority-form, `uri-host ":" port` (RFC 9112 section 3.2.3), and nothing near it. Pure.
// What is not exactly that is refused, never repaired: a resolver reads numbers, brackets and zone ids in ways of its own.

import { checkHostName, normalizeHost, parseAddress } from '@sekisho/netguard';

/** A name of 253 characters with its trailing dot, a colon and five digits. */
const AUTHORITY_CHARS_MAX = 260;

export type Authority =
  | { readonly kind: 'malformed'; readonly detail: string }
  /** An IP address in any spelling, IPv4 numbers as WHATWG URL counts them included. */
  | { readonly kind: 'literal'; readonly host: string; readonly port: number }
  /** No name of the public DNS. */
  | { readonly kind: 'bad-name'; readonly host: string; readonly port: number; readonly detail: string }
  /** `host` is in lower case, without the trailing dot. */
  | { readonly kind: 'name'; readonly host: string; readonly port: number };

export function parseAuthority(text: string): Authority {
  if (text.length > AUTHORITY_CHARS_MAX) return malformed('too long');
  // Characters of reg-name (RFC 3986 section 3.2.2) without percent-encoding: what has to be decoded would be guessed.
  const match = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._~!$&'()*+,;=-]+)):([1-9][0-9]{0,4})$/.exec(text);
  if (match === null) return malformed('not host:port');
  const port = Number(match[3]);
  if (port > 65_535) return malformed('no port number');
  if (match[1] !== undefined) {
    return parseAddress(match[1])?.family === 6 ? { kind: 'literal', host: match[1], port } : malformed('no IPv6 address');
  }
  return judgeHost(match[2] ?? '', port);
}

const malformed = (detail: string): Authority => ({ kind: 'malformed', detail });

function judgeHost(text: string, port: number): Authority {
  const host = normalizeHost(text);
  if (isNumber(host)) return { kind: 'literal', host, port };
  // As sent: folded twice, a second trailing dot would be lost.
  const verdict = checkHostName(text);
  return verdict.ok ? { kind: 'name', host: verdict.name, port } : { kind: 'bad-name', host, port, detail: verdict.detail };
}

/** Would a URL parser or getaddrinfo take this for an IPv4 address? The last label decides (WHATWG URL, "ends in a number"). */
const isNumber = (host: string): boolean => /(?:^|\.)(?:\d+|0x[0-9a-f]*)\.?$/.test(host);
