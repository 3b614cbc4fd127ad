// What a hostile name server answers, and what must come out of the filter.

import type { HostileName } from '@sekisho/testkit';

export interface Case {
  readonly name: string;
  readonly behaviour: HostileName;
  /** Of the A and the AAAA question: the addresses that pass; none: refused, however. */
  readonly a?: readonly string[];
  readonly aaaa?: readonly string[];
}

const PUBLIC = ['8.8.8.8', '2606:4700::1111'] as const;

const IPV4: readonly string[] = [
  '0.0.0.0', '0.1.2.3', '10.0.0.1', '100.64.0.1', '100.100.100.200', '127.0.0.1', '127.255.255.254', '168.63.129.16', '169.254.169.254', '169.254.170.2',
  '172.16.0.1', '172.31.255.255', '192.0.0.1', '192.0.0.192', '192.0.2.1', '192.31.196.1', '192.52.193.1', '192.88.99.1', '192.168.0.1', '192.175.48.1',
  '198.18.0.1', '198.19.255.255', '198.51.100.1', '203.0.113.1', '224.0.0.1', '240.0.0.1', '255.255.255.255',
];
const IPV6: readonly string[] = [
  '::', '::1', '::7f00:1', '::ffff:10.0.0.1', '::ffff:8.8.8.8', '::ffff:0:10.0.0.1', '64:ff9b::10.0.0.1', '64:ff9b::8.8.8.8', '64:ff9b:1::10.0.0.1',
  '100::1', '100:0:0:1::1', '2001::1', '2001:2::1', '2001:10::1', '2001:20::1', '2001:db8::1', '2002:7f00:1::', '2620:4f:8000::1', '3fff::1', '4000::1',
  '5f00::1', 'fc00::1', 'fd00:ec2::254', 'fe80::1', 'fec0::1', 'ff02::1',
];
/** Next to the rules, on the public side. */
const OPEN: readonly string[] = ['9.255.255.255', '11.0.0.0', '168.63.129.15', '172.32.0.0', '192.0.1.0', '223.255.255.255', '2001:200::1', '2003::1', '2600::1', '3ffe::1'];

const single = (ip: string): Case => {
  const type = ip.includes(':') ? 'AAAA' : 'A';
  return { name: `one-${ip.replaceAll(/[.:]/g, '-').replace(/^-+|-+$/g, 'x')}.origin.example`, behaviour: { records: [`@ ${type} ${ip}`] } };
};
const open = (ip: string): Case => ({ ...single(ip), ...(ip.includes(':') ? { aaaa: [ip] } : { a: [ip] }) });
const many = (private_: readonly string[]): HostileName => ({
  records: [...Array.from({ length: 60 }, (_, at) => `@ A 8.8.${at}.8`), ...private_.map((ip) => `@ A ${ip}`)],
});
const sixty = Array.from({ length: 60 }, (_, at) => `8.8.${at}.8`);

export const CASES: readonly Case[] = [
  ...[...IPV4, ...IPV6].map(single),
  ...[...PUBLIC, ...OPEN].map(open),
  { name: 'mixed.origin.example', behaviour: { records: ['@ A 8.8.8.8', '@ A 10.0.0.1'] } },
  { name: 'mixed-first.origin.example', behaviour: { records: ['@ A 10.0.0.1', '@ A 8.8.8.8', '@ A 169.254.169.254'] } },
  { name: 'mixed-six.origin.example', behaviour: { records: ['@ AAAA 2606:4700::1111', '@ AAAA fd00::1'] } },
  { name: 'sixty-one.origin.example', behaviour: many(['10.0.0.1']) },
  { name: 'sixty.origin.example', behaviour: many([]), a: sixty },
  { name: 'dual.origin.example', behaviour: { records: ['@ A 8.8.8.8', '@ AAAA fd00::1'] }, a: ['8.8.8.8'] },
  { name: 'dual-six.origin.example', behaviour: { records: ['@ A 10.0.0.1', '@ AAAA 2606:4700::1111'] }, aaaa: ['2606:4700::1111'] },
  { name: 'alias-private.origin.example', behaviour: { records: ['@ CNAME one-10-0-0-1.origin.example'] } },
  { name: 'alias-public.origin.example', behaviour: { records: ['@ CNAME one-8-8-8-8.origin.example'] }, a: ['8.8.8.8'] },
  { name: 'alias-mixed.origin.example', behaviour: { records: ['@ CNAME mixed.origin.example'] } },
  { name: 'alias-two.origin.example', behaviour: { records: ['@ CNAME step.peer.example'] } },
  { name: 'step.peer.example', behaviour: { records: ['@ CNAME one-10-0-0-1.origin.example'] } },
  // The address of a Service out of public space, as GKE has them: only the name gives it away.
  { name: 'alias-service.origin.example', behaviour: { records: ['@ CNAME redis.misskey.svc.cluster.local'], additional: ['redis.misskey.svc.cluster.local A 8.8.4.4'] } },
  { name: 'alias-service-two.origin.example', behaviour: { records: ['@ CNAME step-service.peer.example'] } },
  { name: 'step-service.peer.example', behaviour: { records: ['@ CNAME redis.misskey.svc.cluster.local'] } },
  { name: 'redis.misskey.svc.cluster.local', behaviour: { records: ['@ A 34.118.224.9', '@ AAAA 2606:4700::9'] } },
  { name: 'alias-localhost.origin.example', behaviour: { records: ['@ CNAME localhost'] } },
  { name: 'localhost', behaviour: { records: ['@ A 8.8.8.8'] } },
  { name: 'a.localhost', behaviour: { records: ['@ A 8.8.8.8'] } },
  { name: 'alias-metadata.origin.example', behaviour: { records: ['@ CNAME metadata.google.internal'] } },
  { name: 'metadata.google.internal', behaviour: { records: ['@ A 8.8.8.8'] } },
  { name: 'alias-metadata-ip.origin.example', behaviour: { records: ['@ CNAME one-169-254-169-254.origin.example'] } },
];

/** Records in which a private address is not the answer itself. */
export const BESIDE: readonly { readonly type: 'MX' | 'SRV'; readonly name: string; readonly behaviour: HostileName }[] = [
  { type: 'MX', name: 'mx.origin.example', behaviour: { records: ['@ MX 10 mail.origin.example'], additional: ['mail.origin.example A 10.0.0.1', 'mail.origin.example AAAA fd00::1'] } },
  { type: 'SRV', name: 'srv.origin.example', behaviour: { records: ['@ SRV 1 1 443 host.origin.example'], additional: ['host.origin.example A 10.0.0.1'] } },
];

/** What passes every DNS filter: addresses in answers of types that we never ask for. */
export const HINTS: readonly { readonly type: 'HTTPS' | 'SVCB' | 'NS'; readonly name: string; readonly behaviour: HostileName }[] = [
  { type: 'HTTPS', name: 'hint.origin.example', behaviour: { records: ['@ HTTPS 1 . ipv4hint=10.0.0.1'] } },
  { type: 'HTTPS', name: 'hint-six.origin.example', behaviour: { records: ['@ HTTPS 1 . ipv6hint=fd00::1'] } },
  { type: 'HTTPS', name: 'hint-mixed.origin.example', behaviour: { records: ['@ HTTPS 1 . ipv4hint=8.8.8.8,10.0.0.1'] } },
  { type: 'SVCB', name: 'binding.origin.example', behaviour: { records: ['@ SVCB 1 . ipv4hint=10.0.0.1'] } },
  { type: 'NS', name: 'ns.origin.example', behaviour: { records: ['@ NS ns1.origin.example'], additional: ['ns1.origin.example A 127.0.0.1'] } },
  { type: 'HTTPS', name: 'hint-alias.origin.example', behaviour: { records: ['@ HTTPS 0 one-10-0-0-1.origin.example'] } },
];
