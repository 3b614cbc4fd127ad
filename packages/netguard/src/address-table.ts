// Which addresses are public: data only. The deny reason, the DNS filter, the `except` lists of NetworkPolicies and the
// documentation are all made from these rows, so that they cannot disagree.
// IPv4 is public unless a row denies it. IPv6 is public only inside 2000::/3 and outside the rows within it; the rows
// outside 2000::/3 exist to name the reason.

export type AddressFamily = 4 | 6;

export interface AddressRow {
  readonly cidr: string;
  readonly family: AddressFamily;
  /** Short name of the class, a closed set, fit for logs. */
  readonly label: string;
  /** The document that reserves the range, or why it is denied. */
  readonly source: string;
}

const v4 = (cidr: string, label: string, source: string): AddressRow => ({ cidr, family: 4, label, source });
const v6 = (cidr: string, label: string, source: string): AddressRow => ({ cidr, family: 6, label, source });

/** IPv4 ranges that are never a web host on the public internet. */
export const IPV4_DENY: readonly AddressRow[] = [
  v4('0.0.0.0/8', 'this-network', 'RFC 791 section 3.2'),
  v4('10.0.0.0/8', 'private', 'RFC 1918'),
  v4('100.64.0.0/10', 'cgnat', 'RFC 6598'),
  v4('127.0.0.0/8', 'loopback', 'RFC 1122 section 3.2.1.3'),
  // Azure's wire server lies in public space and serves credentials to whoever asks from inside.
  v4('168.63.129.16/32', 'azure-wire-server', 'Microsoft Azure, "What is IP address 168.63.129.16"'),
  v4('169.254.0.0/16', 'link-local', 'RFC 3927'),
  v4('172.16.0.0/12', 'private', 'RFC 1918'),
  v4('192.0.0.0/24', 'ietf-protocol', 'RFC 6890 section 2.1'),
  v4('192.0.2.0/24', 'documentation', 'RFC 5737'),
  v4('192.31.196.0/24', 'as112', 'RFC 7535'),
  v4('192.52.193.0/24', 'amt', 'RFC 7450'),
  v4('192.88.99.0/24', '6to4-relay', 'RFC 7526'),
  v4('192.168.0.0/16', 'private', 'RFC 1918'),
  v4('192.175.48.0/24', 'as112', 'RFC 7534'),
  v4('198.18.0.0/15', 'benchmarking', 'RFC 2544'),
  v4('198.51.100.0/24', 'documentation', 'RFC 5737'),
  v4('203.0.113.0/24', 'documentation', 'RFC 5737'),
  v4('224.0.0.0/4', 'multicast', 'RFC 5771'),
  v4('240.0.0.0/4', 'reserved', 'RFC 1112 section 4'),
];

/** The only IPv6 range from which global unicast addresses are assigned. */
export const IPV6_ALLOW: AddressRow = v6('2000::/3', 'global-unicast', 'RFC 3587');

/** Ranges inside 2000::/3 that are not public. */
export const IPV6_DENY: readonly AddressRow[] = [
  v6('2001::/23', 'ietf-protocol', 'RFC 2928 (Teredo, benchmarking, AMT, ORCHID, DRIP)'),
  v6('2001:db8::/32', 'documentation', 'RFC 3849'),
  v6('2002::/16', '6to4', 'RFC 3056'),
  v6('2620:4f:8000::/48', 'as112', 'RFC 7534'),
  v6('3fff::/20', 'documentation', 'RFC 9637'),
];

/** Well-known ranges outside 2000::/3, the more specific first; they are denied anyway, this names them. */
export const IPV6_NAMED: readonly AddressRow[] = [
  v6('::/128', 'unspecified', 'RFC 4291 section 2.5.2'),
  v6('::1/128', 'loopback', 'RFC 4291 section 2.5.3'),
  v6('::ffff:0:0/96', 'ipv4-mapped', 'RFC 4291 section 2.5.5.2'),
  v6('::/96', 'ipv4-compatible', 'RFC 4291 section 2.5.5.1'),
  v6('::ffff:0:0:0/96', 'ipv4-translated', 'RFC 2765'),
  v6('64:ff9b::/96', 'nat64', 'RFC 6052'),
  v6('64:ff9b:1::/48', 'nat64-local', 'RFC 8215'),
  v6('100::/64', 'discard', 'RFC 6666'),
  v6('100:0:0:1::/64', 'dummy', 'RFC 9780'),
  v6('5f00::/16', 'srv6', 'RFC 9602'),
  v6('fc00::/7', 'unique-local', 'RFC 4193'),
  v6('fe80::/10', 'link-local', 'RFC 4291 section 2.5.6'),
  v6('fec0::/10', 'site-local', 'RFC 3879'),
  v6('ff00::/8', 'multicast', 'RFC 4291 section 2.7'),
];

/** Reasons that are not a range of their own. */
export const OUTSIDE_GLOBAL_UNICAST: AddressRow = v6('::/0', 'not-global-unicast', 'RFC 3587: only 2000::/3 is assigned');
export const ISATAP: AddressRow = v6('2000::/3', 'isatap', 'RFC 5214 section 6.1: the interface id embeds an IPv4 address');
export const NAT64_MALFORMED: AddressRow = v6('::/0', 'nat64-malformed', 'RFC 6052 section 2.2: the bits around the embedded address are zero');
export const ZONE_ID: AddressRow = v6('::/0', 'zone-id', 'RFC 4007: a zone is local to a host');
export const UNPARSEABLE: AddressRow = { cidr: '', family: 4, label: 'unparseable', source: 'no address in canonical spelling' };
