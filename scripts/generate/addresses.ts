// docs/reference/addresses.md from netguard's table.

import { type AddressRow, DENIED_SUFFIXES, IPV4_DENY, IPV6_ALLOW, IPV6_DENY, IPV6_NAMED } from '@sekisho/netguard';
import { code, page, table } from './markdown.ts';

const INTRO = `Which addresses a stranger may lead the fetcher to. Every address of an answer is judged, the connection goes to exactly the
judged address, and every hop of a redirect is judged again. One refused address refuses all addresses of its family in the
answer. Networks of your own come on top with \`SEKISHO_DENY_CIDRS\` and \`SEKISHO_DENY_CIDRS_FILE\`.`;

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
    '## Names that are never resolved',
    table(['suffix', 'source'], DENIED_SUFFIXES.map((row) => [code(row.suffix), row.source])),
  ]);
