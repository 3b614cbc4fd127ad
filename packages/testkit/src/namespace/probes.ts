// Addresses that no service may ever connect to, and names that lead there in every way: data for programs in a namespace
// where all of them listen.

import type { DnsZone } from '../dns/index.ts';

/** What smokescreen (28), fedify's validator (16) and ipaddr.js (5 to 9) let through in part. */
export const PROBES = `0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 127.0.0.1 169.254.169.254 192.0.0.1 192.0.0.192 192.0.2.1 192.31.196.1
  192.52.193.1 192.88.99.1 192.175.48.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255
  168.63.129.16 :: ::1 ::7f00:1 ::ffff:7f00:1 ::ffff:0:7f00:1 64:ff9b::7f00:1 64:ff9b:1::7f00:1 100::1 100:0:0:1::1
  2001::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2620:4f:8000::1 3fff::1 4000::1 5f00::1 fc00::1
  fe80::1 fec0::1 ff02::1 2a00::5efe:7f00:1 fd00:ec2::254`.split(/\s+/);
/** Further metadata services of clouds. */
const METADATA = `169.254.170.2 169.254.170.23 fd00:ec2::23 fd20:ce::254 169.254.169.252 169.254.169.253 169.254.169.123
  100.100.100.200 169.254.0.23`.split(/\s+/);
export const NON_PUBLIC: readonly string[] = [...PROBES, ...METADATA];
export const PUBLIC = { v4: '8.8.8.8', v6: '2606:4700:4700::1111' } as const;

const family = (ip: string): 'a' | 'aaaa' => (ip.includes(':') ? 'aaaa' : 'a');
const goodOf = (ip: string): string => (ip.includes(':') ? PUBLIC.v6 : PUBLIC.v4);

/** Names that lead to the n-th address in every way; `go` leads to a public one, for redirects. */
const zoneOf = (ip: string, at: number): DnsZone => ({
  [`go${at}.peer.example`]: { a: [PUBLIC.v4] },
  [`name${at}.peer.example`]: { [family(ip)]: [ip] },
  [`cname${at}.peer.example`]: { cname: `name${at}.peer.example` },
  [`chain${at}.peer.example`]: { cname: `cname${at}.peer.example` },
  [`before${at}.peer.example`]: { [family(ip)]: [ip, goodOf(ip)] },
  [`after${at}.peer.example`]: { [family(ip)]: [goodOf(ip), ip] },
  [`many${at}.peer.example`]: { [family(ip)]: [...Array<string>(20).fill(goodOf(ip)), ip] },
  [`rebind${at}.peer.example`]: { alternate: [{ [family(ip)]: [goodOf(ip)] }, { [family(ip)]: [ip] }] },
});
export const PROBE_ZONE: DnsZone = Object.assign({ 'good.peer.example': { a: [PUBLIC.v4] }, 'good6.peer.example': { aaaa: [PUBLIC.v6] } }, ...NON_PUBLIC.map(zoneOf)) as DnsZone;

/** Those of the zone that are refused at once. */
export const PROBE_NAMES = ['name', 'cname', 'chain', 'before', 'after', 'many'];
