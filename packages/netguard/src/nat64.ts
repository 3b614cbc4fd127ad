// NAT64 addresses (RFC 6052): an IPv6 address that a translator turns into the IPv4 address inside it. Only an installation
// that names its prefix has such a translator; then what counts is the embedded address. Pure.

import { type Address, parseCidr, type Prefix, prefixHolds } from './address.ts';
import { IPV6_NAMED } from './address-table.ts';

/** RFC 6052 section 2.2. */
export const NAT64_PREFIX_BITS: readonly number[] = [32, 40, 48, 56, 64, 96];
/** Bits 64 to 71 are always zero; the embedded address jumps over them. */
const U_OCTET = 8;

/** Named ranges that a translator may own; in any other the prefix would mean something else to the kernel or the network. */
const NAT64_RANGES: ReadonlySet<string> = new Set(['nat64', 'nat64-local', 'unique-local']);

/** A translation prefix in one of the six layouts; undefined for anything that cannot be one. */
export function parseNat64Prefix(text: string): Prefix | undefined {
  const prefix = text.includes('/') ? parseCidr(text) : undefined;
  if (prefix === undefined || prefix.family !== 6 || !NAT64_PREFIX_BITS.includes(prefix.bits)) return undefined;
  if (prefix.bytes[U_OCTET] !== 0) return undefined;
  const elsewhere = FOREIGN_RANGES.some((range) => prefixHolds(range, prefix) || prefixHolds(prefix, range));
  return elsewhere ? undefined : prefix;
}

const FOREIGN_RANGES: readonly Prefix[] = IPV6_NAMED.filter(({ label }) => !NAT64_RANGES.has(label)).flatMap(({ cidr }) => parseCidr(cidr) ?? []);

/**
 * The IPv4 address in an address of the prefix. Undefined when the bits around it are not zero: a translator ignores them,
 * no resolver writes them, so somebody made the address by hand.
 */
export function decodeNat64(prefix: Prefix, address: Address): Address | undefined {
  if (!prefixHolds(prefix, address)) return undefined;
  const at = embeddedAt(prefix.bits);
  const rest = address.bytes.filter((_, index) => index >= prefix.bits / 8 && !at.includes(index));
  if (rest.some((byte) => byte !== 0)) return undefined;
  return { family: 4, bytes: at.map((index) => address.bytes[index] ?? 0) };
}

/** The part of the NAT64 prefix whose addresses embed the addresses of an IPv4 prefix. */
export function embedPrefix(prefix: Prefix, embedded: Prefix): Prefix {
  const at = embeddedAt(prefix.bits);
  const bytes = prefix.bytes.map((byte, index) => byte | (embedded.bytes[at.indexOf(index)] ?? 0));
  const end = prefix.bits + embedded.bits;
  // A prefix that reaches beyond bit 64 has the zero octet inside it.
  const crosses = prefix.bits <= 64 && end > 64;
  return { family: 6, bytes, bits: crosses ? end + 8 : end };
}

/** The four bytes of the embedded address. */
function embeddedAt(bits: number): readonly number[] {
  const free = Array.from({ length: 16 }, (_, index) => index).slice(bits / 8);
  return (bits === 96 ? free : free.filter((index) => index !== U_OCTET)).slice(0, 4);
}

/** The well-known prefix (RFC 6052 section 2.1). */
export const NAT64_WELL_KNOWN = '64:ff9b::/96';

