// charts/sekisho/files/addresses/public.yaml from netguard's table: the address blocks that NetworkPolicies call public.
// A row stays a row (no neighbours are joined), so that a reader finds the reason of each exception and unsafe.publicCIDRs
// can name one.

import { type AddressRow, IPV4_DENY, IPV6_ALLOW, IPV6_DENY } from '@sekisho/netguard';

const HEAD = `# Generated from packages/netguard/src/address-table.ts by npm run generate. Do not edit.
# What a NetworkPolicy calls public: these two blocks without their exceptions. The fetcher itself judges each address by
# the same rows.`;

const PUBLIC_IPV4 = '0.0.0.0/0';

export const renderPublicBlocks = (): string =>
  `${[HEAD, ...block('ipv4', PUBLIC_IPV4, IPV4_DENY), ...block('ipv6', IPV6_ALLOW.cidr, IPV6_DENY)].join('\n')}\n`;

const block = (family: string, cidr: string, rows: readonly AddressRow[]): readonly string[] => [
  `${family}:`,
  `  cidr: "${cidr}"`,
  '  except:',
  ...rows.map((row) => `    - "${row.cidr}" # ${row.label}: ${row.source}`),
];
