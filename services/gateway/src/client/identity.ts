// Who asks: the address that budgets and waiting lines are kept by. X-Forwarded-For is believed only from configured
// proxies, and only up to the first address from the right that is none of them: everything left of it is the client's
// own text, and believing it would give one client as many budgets as it likes.

import { type Address, type Prefix, parseAddress, parseCidr, prefixHolds } from '@sekisho/netguard';
import type { ClientIdentity } from '../media/types.ts';

/** Hops looked at, from the right; more proxies in a row than any set-up has. */
const HOPS_MAX = 32;
/** Parsed addresses and headers kept, each a few hundred bytes. */
const KNOWN_MAX = 10_000;
const HEADER_CHARS_MAX = 4_096;
const WARN_EVERY_MS = 60_000;
const MAPPED_BITS = 96;

export interface IdentityOptions {
  /** CIDRs of proxies in front of us. */
  readonly trustedProxies: readonly string[];
  /** Each time the header comes from anybody else; for the metric. */
  readonly onUntrusted?: () => void;
  /** At most once a minute then; `peer` is the address that sent it. */
  readonly warn?: (peer: string) => void;
  /** Monotonic ms. */
  readonly nowMs?: () => number;
}

/** Identity of a request by its peer's address and its X-Forwarded-For. */
export type Identify = (peer: string | undefined, forwardedFor: string | readonly string[] | undefined) => ClientIdentity;

interface Hop {
  readonly identity: ClientIdentity;
  readonly trusted: boolean;
}

/** A closed socket has no address any more; such requests share one budget. */
const NOBODY: ClientIdentity = { address: 'unknown', key: 'unknown', net: 'unknown' };

/** @throws TypeError when a CIDR is none. */
export function createIdentify(options: IdentityOptions): Identify {
  const trusted = options.trustedProxies.map(parseTrusted);
  const hops = new Bounded<Hop | undefined>((text) => readHop(text, trusted));
  const clients = new Bounded<ClientIdentity | undefined>((header) => walk(header, hops));
  const warn = rateLimited(options);
  return (peer, forwardedFor) => {
    const hop = peer === undefined ? undefined : hops.get(peer);
    if (hop === undefined) return NOBODY;
    if (forwardedFor === undefined) return hop.identity;
    if (!hop.trusted) {
      options.onUntrusted?.();
      warn(hop.identity.address);
      return hop.identity;
    }
    const header = typeof forwardedFor === 'string' ? forwardedFor : forwardedFor.join(',');
    // Cut from the left: only the right end is written by those we trust.
    return clients.get(header.slice(-HEADER_CHARS_MAX)) ?? hop.identity;
  };
}

function parseTrusted(text: string): Prefix {
  const prefix = parseCidr(text);
  if (prefix === undefined) throw new TypeError(`no CIDR: ${JSON.stringify(text)}`);
  const mapped = prefix.bits >= MAPPED_BITS ? unmap(prefix) : prefix;
  return mapped.family === prefix.family ? prefix : { ...mapped, bits: prefix.bits - MAPPED_BITS };
}

/** Client of a header whose sender is trusted: the rightmost untrusted hop, else the leftmost that parses. */
function walk(header: string, hops: Bounded<Hop | undefined>): ClientIdentity | undefined {
  let client: ClientIdentity | undefined;
  for (const text of header.split(',').slice(-HOPS_MAX).toReversed()) {
    const hop = hops.get(withoutPort(text.trim()));
    // What does not parse was not written by a proxy that knows its peer: stop at the last one that did.
    if (hop === undefined) return client;
    client = hop.identity;
    if (!hop.trusted) return client;
  }
  return client;
}

/** `1.2.3.4:80`, `[::1]` and `[::1]:80` are written by some proxies. */
function withoutPort(text: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text)?.[1];
  if (bracketed !== undefined) return bracketed;
  return /^(\d[\d.]*):\d{1,5}$/.exec(text)?.[1] ?? text;
}

function readHop(text: string, trusted: readonly Prefix[]): Hop | undefined {
  const parsed = parseAddress(text.replace(/%.*$/, ''));
  if (parsed === undefined) return undefined;
  const address = unmap(parsed);
  return { identity: identityOf(address), trusted: trusted.some((prefix) => prefixHolds(prefix, address)) };
}

/** ::ffff:a.b.c.d as the IPv4 address it is: a dual-stack listener shows IPv4 peers that way. */
function unmap(address: Address): Address {
  const mapped = address.family === 6 && address.bytes.slice(0, 12).every((byte, at) => byte === (at < 10 ? 0 : 0xff));
  return mapped ? { family: 4, bytes: address.bytes.slice(12) } : address;
}

function identityOf({ family, bytes }: Address): ClientIdentity {
  if (family === 4) {
    const address = bytes.join('.');
    return { address, key: address, net: `${bytes.slice(0, 3).join('.')}.0/24` };
  }
  const group = (at: number): string => (((bytes[at * 2] ?? 0) << 8) | (bytes[at * 2 + 1] ?? 0)).toString(16);
  const key = `${[0, 1, 2, 3].map(group).join(':')}::/64`;
  return { address: key, key, net: `${[0, 1, 2].map(group).join(':')}::/48` };
}

function rateLimited(options: IdentityOptions): (peer: string) => void {
  const nowMs = options.nowMs ?? (() => performance.now());
  let nextMs = Number.NEGATIVE_INFINITY;
  return (peer) => {
    if (options.warn === undefined || nowMs() < nextMs) return;
    nextMs = nowMs() + WARN_EVERY_MS;
    options.warn(peer);
  };
}

/** Values made once per text; the oldest text goes when there are too many. */
class Bounded<T> {
  readonly #known = new Map<string, T>();
  readonly #make: (text: string) => T;

  constructor(make: (text: string) => T) {
    this.#make = make;
  }

  get(text: string): T {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const made = this.#make(text);
    if (this.#known.size >= KNOWN_MAX) {
      const oldest = this.#known.keys().next().value;
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    this.#known.set(text, made);
    return made;
  }
}
