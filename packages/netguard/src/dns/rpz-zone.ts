// The response policy zone of the DNS filter. An answer that holds one denied address is refused whole, as `vetAnswer` does.
// The action is NODATA (`CNAME *.`), not NXDOMAIN: a host with a public A and a private AAAA record keeps its A record.

import { createHash } from 'node:crypto';
import type { Prefix } from '../address.ts';
import { formatPrefix } from '../address-text.ts';
import { DENIED_SUFFIXES } from '../names.ts';
import { type DeniedOptions, type DeniedPrefix, deniedPrefixes } from './denied.ts';

export const RPZ_ZONE_NAME = 'rpz.sekisho.';
/** Of the zone's own records; nobody caches them. */
const TTL_SECONDS = 60;

export interface RpzZone {
  readonly text: string;
  /** Made from the rules: equal serials mean equal rules, so that a loaded zone can be told from a rendered one. */
  readonly serial: number;
  /** Rules about addresses. */
  readonly addressRules: number;
}

/** @throws TypeError for text that is no prefix. */
export function rpzZone(options: DeniedOptions = {}): RpzZone {
  const addresses = deniedPrefixes(options).map(addressRule);
  const names = DENIED_SUFFIXES.flatMap(({ suffix, source }) => nameRules(suffix, source));
  const rules = ['; Addresses: no data.', ...addresses, '; Names: no such name.', ...names];
  const serial = serialOf(rules.join('\n'));
  return { text: `${[...HEAD, ...apex(serial), ...rules].join('\n')}\n`, serial, addressRules: addresses.length };
}

/** Owner name of the rule about a prefix: its length, then bytes or groups in reverse, `zz` for `::`. */
export function rpzIpName(prefix: Prefix): string {
  if (prefix.family === 4) return `${prefix.bits}.${[...prefix.bytes].reverse().join('.')}.rpz-ip`;
  const [text = ''] = formatPrefix(prefix).split('/');
  const [front = '', back] = text.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':').reverse());
  const all = back === undefined ? groups(front) : [...groups(back), 'zz', ...groups(front)];
  return `${prefix.bits}.${all.join('.')}.rpz-ip`;
}

const HEAD: readonly string[] = [
  '; Response policy of the DNS filter, from packages/netguard/src/address-table.ts and names.ts. Do not edit.',
  `$ORIGIN ${RPZ_ZONE_NAME}`,
  `$TTL ${TTL_SECONDS}`,
];

const apex = (serial: number): readonly string[] => [
  `@ SOA localhost. nobody.localhost. ${serial} 3600 600 86400 ${TTL_SECONDS}`,
  '@ NS localhost.',
];

const addressRule = ({ prefix, label, source }: DeniedPrefix): string =>
  `${rpzIpName(prefix)} CNAME *. ; ${formatPrefix(prefix)} ${label}: ${source}`;

const nameRules = (suffix: string, source: string): readonly string[] => [`${suffix} CNAME . ; ${source}`, `*.${suffix} CNAME .`];

/** RFC 1035: 32 bits; zero is left to zones that have none. */
const serialOf = (text: string): number => createHash('sha256').update(text).digest().readUInt32BE(0) || 1;
