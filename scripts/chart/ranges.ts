// Sets of addresses as sorted intervals, exact in both families: sampling would miss the one address that an exception
// forgets.

import { IPV4_DENY, IPV6_ALLOW, IPV6_DENY, type AddressFamily, parseCidr } from '@sekisho/netguard';

export interface Range {
  readonly family: AddressFamily;
  readonly first: bigint;
  /** Belongs to the range. */
  readonly last: bigint;
}

export const EVERYTHING: readonly string[] = ['0.0.0.0/0', '::/0'];

/** @throws TypeError for what is no prefix. */
export function rangeOf(cidr: string): Range {
  const prefix = parseCidr(cidr);
  if (prefix === undefined) throw new TypeError(`no address prefix: ${JSON.stringify(cidr)}`);
  const first = prefix.bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const size = 1n << BigInt(prefix.bytes.length * 8 - prefix.bits);
  return { family: prefix.family, first, last: first + size - 1n };
}

export const rangesOf = (cidrs: readonly string[]): readonly Range[] => union(cidrs.map(rangeOf));

/** Sorted, without overlaps or neighbours. */
export function union(ranges: readonly Range[]): readonly Range[] {
  const joined: Range[] = [];
  for (const range of ranges.toSorted(byStart)) {
    const last = joined.at(-1);
    if (last !== undefined && last.family === range.family && range.first <= last.last + 1n) {
      joined[joined.length - 1] = { ...last, last: range.last > last.last ? range.last : last.last };
    } else joined.push(range);
  }
  return joined;
}

export const intersect = (left: readonly Range[], right: readonly Range[]): readonly Range[] =>
  union(left.flatMap((a) => right.flatMap((b) => overlap(a, b))));

export function subtract(from: readonly Range[], what: readonly Range[]): readonly Range[] {
  return what.reduce<readonly Range[]>((left, hole) => left.flatMap((range) => around(range, hole)), union(from));
}

export const sameRanges = (left: readonly Range[], right: readonly Range[]): boolean =>
  subtract(left, right).length === 0 && subtract(right, left).length === 0;

/** What netguard calls public, but for ISATAP identifiers, which no prefix can say. */
export interface PublicOptions {
  readonly unsafePublic?: readonly string[];
  readonly denied?: readonly string[];
  /** Prefixes of translators: an address in one is as public as the IPv4 address inside it. */
  readonly nat64?: readonly string[];
}

export function publicRanges({ unsafePublic = [], denied = [], nat64 = [] }: PublicOptions = {}): readonly Range[] {
  const untranslated = subtract(publicWithout(unsafePublic), rangesOf(denied));
  const inside = nat64.flatMap((prefix) => untranslated.filter(({ family }) => family === 4).map((range) => translated(prefix, range)));
  return union([...subtract(untranslated, rangesOf(nat64)), ...subtract(inside, rangesOf(denied))]);
}

/** Of the bits of a prefix the first address, with the IPv4 address behind them, and the zero octet where it follows. */
function translated(prefix: string, { first, last }: Range): Range {
  const { first: base } = rangeOf(prefix);
  const below = BigInt({ 32: 64, 64: 24, 96: 0 }[Number(prefix.replace(/^.*\//, ''))] ?? Number.NaN);
  return { family: 6, first: base + (first << below), last: base + ((last + 1n) << below) - 1n };
}

function publicWithout(unsafePublic: readonly string[]): readonly Range[] {
  const ipv4 = subtract(rangesOf(['0.0.0.0/0']), rangesOf(IPV4_DENY.map(({ cidr }) => cidr)));
  const ipv6 = subtract(rangesOf([IPV6_ALLOW.cidr]), rangesOf(IPV6_DENY.map(({ cidr }) => cidr)));
  return union([...ipv4, ...ipv6, ...rangesOf(unsafePublic)]);
}

/** First and last address in hexadecimal, for messages. */
export const showRange = ({ family, first, last }: Range): string => `IPv${family} ${first.toString(16)}-${last.toString(16)}`;

const byStart = (a: Range, b: Range): number => (a.family !== b.family ? a.family - b.family : a.first < b.first ? -1 : a.first > b.first ? 1 : 0);

function overlap(a: Range, b: Range): Range[] {
  const first = a.first > b.first ? a.first : b.first;
  const last = a.last < b.last ? a.last : b.last;
  return a.family === b.family && first <= last ? [{ family: a.family, first, last }] : [];
}

function around(range: Range, hole: Range): Range[] {
  if (overlap(range, hole).length === 0) return [range];
  const before = { ...range, last: hole.first - 1n };
  const after = { ...range, first: hole.last + 1n };
  return [before, after].filter(({ first, last }) => first <= last);
}
