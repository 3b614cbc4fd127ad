// Loop protection: Via (RFC 9110 section 7.6.3) and CDN-Loop (RFC 8586). A request that already passed us, or too many
// others, is refused before anything is fetched. Contents of both headers are untrusted and only ever make us stricter.

import { createHash } from 'node:crypto';
import { domainToASCII } from 'node:url';
import { type Code, LIMITS } from '@sekisho/contracts';
import { formatAddress } from './address-text.ts';
import { parseAddress } from './address.ts';
import { splitList } from './list-header.ts';
import { normalizeHost } from './names.ts';
import { ownHostSet } from './url.ts';

export interface LoopIdentity {
  /** Name in Via; the same in all replicas. */
  readonly pseudonym: string;
  /** Public host, named in CDN-Loop. */
  readonly publicHost: string;
  /** All own hosts, the public one included, as `ownHostSet` spells them. */
  readonly hosts: ReadonlySet<string>;
}

export interface LoopLines {
  /** Header lines as received, in order. */
  readonly via: readonly string[];
  readonly cdnLoop: readonly string[];
}

export interface LoopEntries {
  readonly via: readonly string[];
  readonly cdnLoop: readonly string[];
}

export type LoopVerdict =
  | ({ readonly ok: true } & LoopEntries)
  | { readonly ok: false; readonly code: Code; readonly detail: string };

/** Pseudonym of an instance: says nothing about its inside, and is the same in all replicas. */
export const pseudonymOf = (publicHost: string): string =>
  `sekisho-${createHash('sha256').update(normalizeHost(publicHost)).digest('hex').slice(0, 16)}`;

/** @param ownHosts further own hosts. Without port, in any spelling of a URL. @throws TypeError when one is no host. */
export function loopIdentity(publicHost: string, ownHosts: Iterable<string> = []): LoopIdentity {
  const host = normalizeHost(publicHost);
  return { pseudonym: pseudonymOf(host), publicHost: host, hosts: ownHostSet([host, ...ownHosts]) };
}

/** Did this request pass us already, or too many others? Otherwise the entries to keep, those that parse. */
export function checkLoop(lines: LoopLines, identity: LoopIdentity): LoopVerdict {
  const via = checkHeader(lines.via, VIA, identity);
  if (typeof via === 'string') return { ok: false, code: 'SEKISHO_LOOP', detail: via };
  const cdnLoop = checkHeader(lines.cdnLoop, CDN_LOOP, identity);
  if (typeof cdnLoop === 'string') return { ok: false, code: 'SEKISHO_LOOP', detail: cdnLoop };
  return { ok: true, via, cdnLoop };
}

/** Headers of the outgoing request: the kept entries with ours appended. */
export function outgoingLoopHeaders(entries: LoopEntries, identity: LoopIdentity): { readonly via: string; readonly 'cdn-loop': string } {
  return {
    via: [...entries.via, `1.1 ${identity.pseudonym}`].join(', '),
    'cdn-loop': [...entries.cdnLoop, identity.publicHost].join(', '),
  };
}

interface HeaderSyntax {
  readonly name: string;
  readonly comments: boolean;
  /** Host or pseudonym of an element; undefined when the element does not parse. */
  readonly nameOf: (element: string) => string | undefined;
}

// received-by and cdn-id: a token, or a host with an optional port (IPv6 literals in brackets).
const WHO = String.raw`(?:\[[0-9A-Fa-f:.]{2,45}\](?::\d{1,5})?|[!#$%&'*+.^_\x60|~0-9A-Za-z-]+(?::\d{1,5})?)`;
const TOKEN = String.raw`[!#$%&'*+.^_\x60|~0-9A-Za-z-]+`;
const QUOTED = String.raw`"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"`;
const VIA_HEAD = new RegExp(String.raw`^(?:${TOKEN}/)?${TOKEN}[ \t]+(${WHO})`);
const CDN_ELEMENT = new RegExp(String.raw`^(${WHO})(?:[ \t]*;[ \t]*${TOKEN}=(?:${TOKEN}|${QUOTED}))*$`);

const VIA: HeaderSyntax = {
  name: 'Via',
  comments: true,
  nameOf: (element) => {
    const match = VIA_HEAD.exec(element);
    if (match === null) return undefined;
    const rest = element.slice(match[0].length);
    return rest === '' || isComment(rest) ? match[1] : undefined;
  },
};
const CDN_LOOP: HeaderSyntax = { name: 'CDN-Loop', comments: false, nameOf: (element) => CDN_ELEMENT.exec(element)?.[1] };

/** Blanks, then exactly one comment that closes at the end; balanced outside of escapes. */
function isComment(text: string): boolean {
  const trimmed = text.replace(/^[ \t]+/, '');
  // oxlint-disable-next-line no-control-regex -- bytes that no comment may hold
  if (trimmed.length === text.length || !trimmed.startsWith('(') || /[\u0000-\u0008\u000a-\u001f\u007f]/.test(trimmed)) return false;
  let depth = 0;
  for (let at = 0; at < trimmed.length; at += 1) {
    const char = trimmed[at];
    if (char === '\\') at += 1;
    else if (char === '(') depth += 1;
    else if (char === ')') depth -= 1;
    if (depth === 0) return at === trimmed.length - 1;
  }
  return false;
}

/** Entries that parse, or the reason why this is a loop. */
function checkHeader(lines: readonly string[], syntax: HeaderSyntax, identity: LoopIdentity): readonly string[] | string {
  const list = splitList(lines, syntax);
  // Nobody but us writes our pseudonym; wherever it stands, in a comment or in a broken element, it came by way of us.
  if (lines.some((line) => line.toLowerCase().includes(identity.pseudonym))) return `${syntax.name} names us`;
  if (list.elements.length > LIMITS.loopEntriesMax) return `${syntax.name} has more than ${LIMITS.loopEntriesMax} entries`;
  const kept: string[] = [];
  for (const element of list.elements) {
    const who = syntax.nameOf(element);
    if (who === undefined ? mentions(element, identity.hosts) : identity.hosts.has(hostOf(who))) return `${syntax.name} names us`;
    if (who !== undefined) kept.push(element);
  }
  // Longer than anything honest; dropping a part would drop what the next hop needs to see the loop.
  if (kept.join(', ').length > LIMITS.loopBytesMax) return `${syntax.name} is longer than ${LIMITS.loopBytesMax} bytes`;
  return kept;
}

/** As `ownHostSet` spells it. More dots and longer ports than a host can have only make us stricter. */
function hostOf(who: string): string {
  const literal = parseAddress(/^\[([^\]]*)\]/.exec(who)?.[1] ?? '');
  return literal === undefined ? who.toLowerCase().replace(/:\d*$/, '').replace(/\.+$/, '') : formatAddress(literal);
}

/** A broken element could hide an entry from the parser: there an own host anywhere on a word border counts. */
function mentions(element: string, hosts: ReadonlySet<string>): boolean {
  // Node reads header bytes as Latin-1; whoever writes a name in Unicode means UTF-8.
  const text = Buffer.from(element, 'latin1').toString('utf8');
  const words = text.split(/[^\p{L}\p{M}\p{N}.:[\]-]+/u).map((word) => hostOf(word.replace(/:+$/, '')));
  return words.some((word) => hosts.has(word) || hosts.has(domainToASCII(word)));
}
