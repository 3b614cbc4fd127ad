// Address text to bytes, prefixes, and the question "is this address public?".
// The parser is strict on purpose: getaddrinfo and inet_aton read 0177.1, 0x7f.1 and 2130706433 as addresses; here they are
// no addresses at all, so nothing is vetted under one spelling and connected to under another.

import {
  type AddressFamily,
  type AddressRow,
  IPV4_DENY,
  IPV6_ALLOW,
  IPV6_DENY,
  IPV6_NAMED,
  ISATAP,
  OUTSIDE_GLOBAL_UNICAST,
  UNPARSEABLE,
  ZONE_ID,
} from './address-table.ts';

/** Longest text of an IPv6 address: eight groups, the last two as IPv4. */
const ADDRESS_CHARS_MAX = 45;
const IPV6_GROUPS = 8;

export interface Address {
  readonly family: AddressFamily;
  /** 4 or 16 bytes, network order. */
  readonly bytes: readonly number[];
}

export interface Prefix extends Address {
  readonly bits: number;
}

export type AddressClass =
  | { readonly public: true }
  | { readonly public: false; readonly label: string; readonly cidr: string; readonly source: string };

/** IPv4 dotted quad or IPv6 text (no zone, no brackets) as bytes; undefined for anything else. */
export function parseAddress(text: string): Address | undefined {
  if (text.length === 0 || text.length > ADDRESS_CHARS_MAX) return undefined;
  const family: AddressFamily = text.includes(':') ? 6 : 4;
  const bytes = family === 6 ? parseIpv6(text) : parseIpv4(text);
  return bytes === undefined ? undefined : { family, bytes };
}

/** `address/bits` or a bare address as a prefix; host bits are cleared. Undefined for anything else. */
export function parseCidr(text: string): Prefix | undefined {
  const [head = '', tail, ...rest] = text.split('/');
  const address = parseAddress(head);
  if (address === undefined || rest.length > 0) return undefined;
  const width = address.bytes.length * 8;
  if (tail !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(tail)) return undefined;
  const bits = tail === undefined ? width : Number(tail);
  if (bits > width) return undefined;
  return { family: address.family, bytes: address.bytes.map((byte, at) => byte & maskByte(bits, at)), bits };
}

/** Does the prefix hold the address? Families never mix: ::/0 holds no IPv4 address. */
export function prefixHolds(prefix: Prefix, address: Address): boolean {
  if (prefix.family !== address.family) return false;
  return prefix.bytes.every((byte, at) => byte === ((address.bytes[at] ?? 0) & maskByte(prefix.bits, at)));
}

/** Is the address public? Unparseable text and zone ids are not. */
export function classifyAddress(text: string): AddressClass {
  if (text.includes('%')) return denied(ZONE_ID);
  const address = parseAddress(text);
  return address === undefined ? denied(UNPARSEABLE) : classifyParsed(address);
}

export function classifyParsed(address: Address): AddressClass {
  const row = address.family === 4 ? firstMatch(V4_ROWS, address) : ipv6Reason(address);
  return row === undefined ? { public: true } : denied(row);
}

/** One spelling per address, for comparing and as a map key. */
export const addressKey = (address: Address): string => `${address.family}:${address.bytes.join('.')}`;

interface CompiledRow {
  readonly row: AddressRow;
  readonly prefix: Prefix;
}

const compile = (row: AddressRow): CompiledRow => {
  const prefix = parseCidr(row.cidr);
  if (prefix === undefined || prefix.family !== row.family) throw new Error(`bad row in the address table: ${row.cidr}`);
  return { row, prefix };
};
const V4_ROWS = IPV4_DENY.map(compile);
const V6_ROWS = IPV6_DENY.map(compile);
const V6_NAMED_ROWS = IPV6_NAMED.map(compile);
const V6_PUBLIC = compile(IPV6_ALLOW).prefix;

const denied = (row: AddressRow): AddressClass => ({ public: false, label: row.label, cidr: row.cidr, source: row.source });

function ipv6Reason(address: Address): AddressRow | undefined {
  if (!prefixHolds(V6_PUBLIC, address)) return firstMatch(V6_NAMED_ROWS, address) ?? OUTSIDE_GLOBAL_UNICAST;
  return firstMatch(V6_ROWS, address) ?? (isIsatap(address) ? ISATAP : undefined);
}

const firstMatch = (rows: readonly CompiledRow[], address: Address): AddressRow | undefined =>
  rows.find(({ prefix }) => prefixHolds(prefix, address))?.row;

/** Interface id 0000:5efe:a.b.c.d or 0200:5efe:a.b.c.d: a tunnel end that a border router may unwrap to the IPv4 address. */
export function isIsatap({ family, bytes }: Address): boolean {
  if (family === 4) return false;
  const [universal, zero, high, low] = bytes.slice(8, 12);
  return (universal === 0 || universal === 2) && zero === 0 && high === 0x5e && low === 0xfe;
}

function maskByte(bits: number, at: number): number {
  const left = Math.min(8, Math.max(0, bits - at * 8));
  return (0xff << (8 - left)) & 0xff;
}

function parseIpv4(text: string): number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part))) return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

function parseIpv6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [headText = '', tailText] = halves;
  // An IPv4 tail is allowed at the very end only, so never before a "::".
  const head = parseGroups(headText, tailText === undefined);
  const tail = tailText === undefined ? [] : parseGroups(tailText, true);
  if (head === undefined || tail === undefined) return undefined;
  const missing = IPV6_GROUPS - head.length - tail.length;
  if (tailText === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array<number>(missing).fill(0), ...tail];
  return groups.flatMap((group) => [group >> 8, group & 0xff]);
}

function parseGroups(text: string, ipv4Tail: boolean): number[] | undefined {
  if (text === '') return [];
  const parts = (ipv4Tail ? hexTail(text) : text).split(':');
  if (parts.length > IPV6_GROUPS || !parts.every((part) => /^[0-9a-fA-F]{1,4}$/.test(part))) return undefined;
  return parts.map((part) => Number.parseInt(part, 16));
}

/** A dotted quad at the end as two groups; text without one is returned as it is. */
function hexTail(text: string): string {
  const at = text.lastIndexOf(':') + 1;
  const [a, b, c, d] = parseIpv4(text.slice(at)) ?? [];
  if (a === undefined || b === undefined || c === undefined || d === undefined) return text;
  return `${text.slice(0, at)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}
