// The borders of every row, written down by hand from the registries and not worked out from the table: a digit too many or
// too few in a row shows here, and nowhere else.

import { describe, expect, it } from '@jest/globals';
import { createAddressPolicy } from './address-policy.ts';
import { IPV4_DENY, IPV6_DENY, IPV6_NAMED } from './address-table.ts';
import { classifyAddress } from './address.ts';
import { vetAnswer } from './vet.ts';

interface Row {
  readonly cidr: string;
  readonly inside: readonly string[];
  /** Neighbours that are public. */
  readonly outside: readonly string[];
}

/** A line is: prefix, first and last address, `|`, the neighbours that are public. */
const read = (text: string): Row[] =>
  text.trim().split('\n').map((line) => {
    const [inner = '', outer = ''] = line.split('|');
    const [cidr = '', ...inside] = inner.trim().split(/\s+/);
    return { cidr, inside, outside: outer.trim() === '' ? [] : outer.trim().split(/\s+/) };
  });

const V4 = read(`
  0.0.0.0/8         0.0.0.0         0.255.255.255   | 1.0.0.0
  10.0.0.0/8        10.0.0.0        10.255.255.255  | 9.255.255.255 11.0.0.0
  100.64.0.0/10     100.64.0.0      100.127.255.255 | 100.63.255.255 100.128.0.0
  127.0.0.0/8       127.0.0.0       127.255.255.255 | 126.255.255.255 128.0.0.0
  168.63.129.16/32  168.63.129.16   168.63.129.16   | 168.63.129.15 168.63.129.17
  169.254.0.0/16    169.254.0.0     169.254.255.255 | 169.253.255.255 169.255.0.0
  172.16.0.0/12     172.16.0.0      172.31.255.255  | 172.15.255.255 172.32.0.0
  192.0.0.0/24      192.0.0.0       192.0.0.255     | 191.255.255.255 192.0.1.0
  192.0.2.0/24      192.0.2.0       192.0.2.255     | 192.0.1.255 192.0.3.0
  192.31.196.0/24   192.31.196.0    192.31.196.255  | 192.31.195.255 192.31.197.0
  192.52.193.0/24   192.52.193.0    192.52.193.255  | 192.52.192.255 192.52.194.0
  192.88.99.0/24    192.88.99.0     192.88.99.255   | 192.88.98.255 192.88.100.0
  192.168.0.0/16    192.168.0.0     192.168.255.255 | 192.167.255.255 192.169.0.0
  192.175.48.0/24   192.175.48.0    192.175.48.255  | 192.175.47.255 192.175.49.0
  198.18.0.0/15     198.18.0.0      198.19.255.255  | 198.17.255.255 198.20.0.0
  198.51.100.0/24   198.51.100.0    198.51.100.255  | 198.51.99.255 198.51.101.0
  203.0.113.0/24    203.0.113.0     203.0.113.255   | 203.0.112.255 203.0.114.0
  224.0.0.0/4       224.0.0.0       239.255.255.255 | 223.255.255.255
  240.0.0.0/4       240.0.0.0       255.255.255.255 |`);

const V6 = read(`
  2001::/23         2001::              2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff     | 2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff 2001:200::
  2001:db8::/32     2001:db8::          2001:db8:ffff:ffff:ffff:ffff:ffff:ffff     | 2001:db7:ffff:ffff:ffff:ffff:ffff:ffff 2001:db9::
  2002::/16         2002::              2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff    | 2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff 2003::
  2620:4f:8000::/48 2620:4f:8000::      2620:4f:8000:ffff:ffff:ffff:ffff:ffff      | 2620:4f:7fff:ffff:ffff:ffff:ffff:ffff 2620:4f:8001::
  3fff::/20         3fff::              3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff     | 3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff 3fff:1000::`);

/** Nothing beside these is public either; the line says only what the class is called. */
const NAMED = read(`
  ::/128            ::                  ::
  ::1/128           ::1                 ::1
  ::ffff:0:0/96     ::ffff:0:0          ::ffff:255.255.255.255
  ::/96             ::2                 ::255.255.255.255
  ::ffff:0:0:0/96   ::ffff:0:0:0        ::ffff:0:ffff:ffff
  64:ff9b::/96      64:ff9b::           64:ff9b::ffff:ffff
  64:ff9b:1::/48    64:ff9b:1::         64:ff9b:1:ffff:ffff:ffff:ffff:ffff
  100::/64          100::               100::ffff:ffff:ffff:ffff
  100:0:0:1::/64    100:0:0:1::         100::1:ffff:ffff:ffff:ffff
  5f00::/16         5f00::              5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff
  fc00::/7          fc00::              fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
  fe80::/10         fe80::              febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff
  fec0::/10         fec0::              feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
  ff00::/8          ff00::              ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff`);

/** Outside every named range and outside 2000::/3. */
const NOWHERE = `::fffe:0:0 ::1:0:0:0 64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff 64:ff9b::1:0:0 64:ff9b:0:ffff:ffff:ffff:ffff:ffff 64:ff9b:2::
  ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 100:0:0:2:: 200:: 1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 4000:: 5eff:: 5f01:: 8000:: fbff:ffff:: fe00:: fe7f:ffff::`.split(/\s+/);

const named = (list: readonly { readonly cidr: string }[]): string[] => list.map(({ cidr }) => cidr).sort();

describe('the address table by its borders', () => {
  it('has these rows and no others', () => {
    expect([named(IPV4_DENY), named(IPV6_DENY), named(IPV6_NAMED)]).toEqual([named(V4), named(V6), named(NAMED)]);
  });

  it.each([...V4, ...V6, ...NAMED])('$cidr holds $inside', ({ cidr, inside }) => {
    for (const ip of inside) expect([ip, classifyAddress(ip)]).toEqual([ip, expect.objectContaining({ public: false, cidr })]);
  });

  it.each([...V4, ...V6])('$cidr does not hold $outside (positive control)', ({ outside }) => {
    for (const ip of outside) expect([ip, classifyAddress(ip)]).toEqual([ip, { public: true }]);
  });

  it.each(NOWHERE)('%s is no global unicast address', (ip) => {
    expect(classifyAddress(ip)).toMatchObject({ public: false, label: 'not-global-unicast' });
  });

  it.each([
    // ISATAP, one bit away from it, and elsewhere in the address.
    ['2a00::5efe:7f00:1', false], ['2a00::200:5efe:808:808', false], ['2a00::100:5efe:808:808', true], ['2a00::5eff:7f00:1', true], ['2a00::5efd:7f00:1', true],
    ['2a00::1:5efe:7f00:1', true], ['2a00:5efe::1', true], ['2a00::5efe', true], ['2a00::5efe:0', true],
    // A public IPv4 address in a transition format makes none of them public.
    ['::ffff:8.8.8.8', false], ['::8.8.8.8', false], ['::ffff:0:8.8.8.8', false], ['64:ff9b::8.8.8.8', false], ['2002:808:808::1', false], ['2001:0:808:808::1', false],
  ])('%s is public: %s', (ip, isPublic) => {
    expect(classifyAddress(ip).public).toBe(isPublic);
  });
});

describe('an answer with a public address and one inside a row', () => {
  const policy = createAddressPolicy();
  it.each([...V4, ...V6, ...NAMED])('$cidr takes its family with it, and the clean family is used', ({ inside }) => {
    for (const ip of inside) {
      const isV6 = ip.includes(':');
      const good = isV6 ? '2606:4700::1' : '8.8.8.8';
      for (const mixed of [[good, ip], [ip, good], [good, good, ip, good]]) {
        const answer = isV6 ? { v4: [], v6: mixed } : { v4: mixed, v6: [] };
        expect(vetAnswer(answer, policy, 443).ok).toBe(false);
        const both = isV6 ? { v4: ['8.8.8.8'], v6: mixed } : { v4: mixed, v6: ['2606:4700::1'] };
        expect(vetAnswer(both, policy, 443)).toEqual({ ok: true, addresses: isV6 ? ['8.8.8.8'] : ['2606:4700::1'] });
      }
    }
  });
});
