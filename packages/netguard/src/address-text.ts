// Addresses and prefixes back to text, in the one spelling that a URL parser writes too (RFC 5952).

import type { Address, Prefix } from './address.ts';

export function formatAddress({ family, bytes }: Address): string {
  if (family === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[at * 2] ?? 0) << 8) | (bytes[at * 2 + 1] ?? 0));
  const { start, length } = longestZeros(groups);
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  if (length < 2) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

export const formatPrefix = (prefix: Prefix): string => `${formatAddress(prefix)}/${prefix.bits}`;

interface Run {
  readonly start: number;
  readonly length: number;
}

/** The first of the longest runs of zero groups. */
function longestZeros(groups: readonly number[]): Run {
  let best: Run = { start: 0, length: 0 };
  let start = 0;
  for (const [at, group] of groups.entries()) {
    if (group !== 0) start = at + 1;
    else if (at + 1 - start > best.length) best = { start, length: at + 1 - start };
  }
  return best;
}
