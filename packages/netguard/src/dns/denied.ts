// The address policy as a list of denied prefixes, for walls that know nothing but prefixes. Pure.
// Two things no prefix can say are left to the in-process check: ISATAP interface identifiers inside public prefixes, and
// NAT64 addresses whose padding is not zero.

import { parseCidr, type Prefix } from '../address.ts';
import { type AddressRow, IPV4_DENY, IPV6_ALLOW, IPV6_DENY } from '../address-table.ts';
import { formatPrefix } from '../address-text.ts';
import { embedPrefix, parseNat64Prefix } from '../nat64.ts';
import { subtract } from './prefix.ts';

export interface DeniedOptions {
  readonly table?: AddressTable;
  /** Networks of the installation, denied on top of the table. */
  readonly denyCidrs?: readonly string[];
  /** Prefixes taken out of the table (not out of `denyCidrs`). Cluster tests only. */
  readonly unsafePublicCidrs?: readonly string[];
  /** Prefixes of NAT64 translators: the IPv4 rules hold inside them, in the place of their own. */
  readonly nat64Prefixes?: readonly string[];
}

export interface AddressTable {
  readonly ipv4Deny: readonly AddressRow[];
  readonly ipv6Allow: AddressRow;
  readonly ipv6Deny: readonly AddressRow[];
}

export interface DeniedPrefix {
  readonly prefix: Prefix;
  /** Short name of the class; `configured` for those of the installation. */
  readonly label: string;
  readonly source: string;
}

const TABLE: AddressTable = { ipv4Deny: IPV4_DENY, ipv6Allow: IPV6_ALLOW, ipv6Deny: IPV6_DENY };

/** No two are equal; some hold others. @throws TypeError for text that is no prefix. */
export function deniedPrefixes(options: DeniedOptions = {}): readonly DeniedPrefix[] {
  const { ipv4Deny, ipv6Allow, ipv6Deny } = options.table ?? TABLE;
  const exempt = (options.unsafePublicCidrs ?? []).map(toPrefix);
  const nat64 = (options.nat64Prefixes ?? []).map(toNat64Prefix);
  const own = (options.denyCidrs ?? []).map((cidr) => ({ prefix: toPrefix(cidr), label: 'configured', source: 'configuration' }));
  const ipv4 = [...ipv4Deny.map(fromRow).flatMap((row) => cut(row, exempt)), ...own.filter(({ prefix }) => prefix.family === 4)];
  const ipv6 = [...outside(ipv6Allow), ...ipv6Deny.map(fromRow)].flatMap((row) => cut(row, [...exempt, ...nat64]));
  const embedded = nat64.flatMap((translator) => ipv4.map((row) => ({ ...row, prefix: embedPrefix(translator, row.prefix) })));
  return distinct([...ipv4, ...ipv6, ...embedded, ...own.filter(({ prefix }) => prefix.family === 6)]);
}

/** All of IPv6 but the one range that addresses are assigned from. */
const outside = (allow: AddressRow): readonly DeniedPrefix[] =>
  subtract(toPrefix('::/0'), [toPrefix(allow.cidr)]).map((prefix) => ({ prefix, label: 'not-global-unicast', source: `${allow.source}: only ${allow.cidr} is assigned` }));

/**
 * An exception is cut out of the rule rather than put beside it as a rule of its own: in a mixed answer a filter applies
 * the rule of the first address it finds, and one exempted address would let private ones in behind it.
 */
const cut = (row: DeniedPrefix, holes: readonly Prefix[]): readonly DeniedPrefix[] =>
  subtract(row.prefix, holes).map((prefix) => ({ ...row, prefix }));

function distinct(rows: readonly DeniedPrefix[]): readonly DeniedPrefix[] {
  const byText = new Map<string, DeniedPrefix>();
  for (const row of rows) {
    const text = formatPrefix(row.prefix);
    if (!byText.has(text)) byText.set(text, row);
  }
  return [...byText.values()];
}

const fromRow = ({ cidr, label, source }: AddressRow): DeniedPrefix => ({ prefix: toPrefix(cidr), label, source });

function toPrefix(cidr: string): Prefix {
  const prefix = parseCidr(cidr);
  if (prefix === undefined) throw new TypeError(`no address prefix: ${JSON.stringify(cidr)}`);
  return prefix;
}

function toNat64Prefix(text: string): Prefix {
  const prefix = parseNat64Prefix(text);
  if (prefix === undefined) throw new TypeError(`no NAT64 prefix: ${JSON.stringify(text)}`);
  return prefix;
}
