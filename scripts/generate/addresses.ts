// docs/reference/addresses.md from netguard's table.

import { type AddressRow, DENIED_SUFFIXES, IPV4_DENY, IPV6_ALLOW, IPV6_DENY, IPV6_NAMED, NAT64_PREFIX_BITS, NAT64_WELL_KNOWN } from '@sekisho/netguard';
import { code, page, table } from './markdown.ts';

const INTRO = `Which addresses a stranger may lead the fetcher to, and Misskey through the egress-proxy. Every address of an answer is judged, the connection goes to exactly the
judged address, and every hop of a redirect is judged again. One refused address refuses all addresses of its family in the
answer; the other family is used if it is clean. Networks of your own come on top with \`SEKISHO_DENY_CIDRS\` and
\`SEKISHO_DENY_CIDRS_FILE\`. The DNS filter and the NetworkPolicies are made from the same rows.`;

const NAT64 = `Only with \`SEKISHO_NAT64_PREFIX\`, for a cluster that reaches IPv4 through a translator. The prefix is \`${NAT64_WELL_KNOWN}\` or your
own with ${NAT64_PREFIX_BITS.slice(0, -1).join(', ')} or ${NAT64_PREFIX_BITS.at(-1)} bits (RFC 6052). An address in it is judged by the IPv4 address inside it, by the rows above and by your
own networks, and refused when the bits around that are not zero. Without the variable no address of the well-known ranges is
public. A translator's prefix of your own inside ${code(IPV6_ALLOW.cidr)} looks like any other network: it must be named here, or strangers
reach your IPv4 networks through it.`;

const rows = (list: readonly AddressRow[]): string =>
  table(['prefix', 'class', 'source'], list.map(({ cidr, label, source }) => [code(cidr), label, source]));

export const renderAddresses = (): string =>
  page('Addresses', 'packages/netguard/src/address-table.ts and names.ts', [
    INTRO,
    '## IPv4: public unless it stands here',
    rows(IPV4_DENY),
    '## IPv6: public only here',
    rows([IPV6_ALLOW]),
    'and in none of these ranges within it; an address whose interface identifier embeds an IPv4 address (ISATAP) and one with a zone are refused too:',
    rows(IPV6_DENY),
    '## IPv6: names of ranges that are refused anyway',
    rows(IPV6_NAMED),
    '## NAT64',
    NAT64,
    '## Names that are never resolved',
    table(['suffix', 'source'], DENIED_SUFFIXES.map((row) => [code(row.suffix), row.source])),
  ]);
