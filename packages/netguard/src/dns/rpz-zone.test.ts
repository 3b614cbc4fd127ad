import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { deniedAddress, publicAddress } from '@sekisho/testkit/arbitraries';
import { isIsatap, parseAddress, parseCidr } from '../address.ts';
import { IPV4_DENY, IPV6_DENY, IPV6_NAMED } from '../address-table.ts';
import { createAddressPolicy } from '../address-policy.ts';
import { formatPrefix } from '../address-text.ts';
import { DENIED_SUFFIXES } from '../names.ts';
import { decodeNat64, parseNat64Prefix } from '../nat64.ts';
import { addressNumber, addressText, holds, readOwner, readZone } from '../testing/rpz.ts';
import { type DeniedOptions, deniedPrefixes } from './denied.ts';
import { rpzIpName, rpzZone } from './rpz-zone.ts';

const nameOf = (cidr: string): string => rpzIpName(parseCidr(cidr)!);

describe('rpzIpName()', () => {
  it.each([
    ['0.0.0.0/8', '8.0.0.0.0'], ['10.0.0.0/8', '8.0.0.0.10'], ['100.64.0.0/10', '10.0.0.64.100'], ['127.0.0.0/8', '8.0.0.0.127'],
    ['169.254.0.0/16', '16.0.0.254.169'], ['172.16.0.0/12', '12.0.0.16.172'], ['192.0.0.0/24', '24.0.0.0.192'], ['192.0.2.0/24', '24.0.2.0.192'],
    ['192.31.196.0/24', '24.0.196.31.192'], ['192.52.193.0/24', '24.0.193.52.192'], ['192.88.99.0/24', '24.0.99.88.192'],
    ['192.168.0.0/16', '16.0.0.168.192'], ['192.175.48.0/24', '24.0.48.175.192'], ['198.18.0.0/15', '15.0.0.18.198'],
    ['198.51.100.0/24', '24.0.100.51.198'], ['203.0.113.0/24', '24.0.113.0.203'], ['224.0.0.0/4', '4.0.0.0.224'], ['240.0.0.0/4', '4.0.0.0.240'],
    ['168.63.129.16/32', '32.16.129.63.168'],
    ['::/3', '3.zz'], ['4000::/2', '2.zz.4000'], ['8000::/1', '1.zz.8000'], ['2001::/23', '23.zz.2001'], ['2001:db8::/32', '32.zz.db8.2001'],
    ['2002::/16', '16.zz.2002'], ['2620:4f:8000::/48', '48.zz.8000.4f.2620'], ['3fff::/20', '20.zz.3fff'],
    ['::/0', '0.zz'], ['::1', '128.1.zz'], ['2001:db8::10', '128.10.zz.db8.2001'], ['2001:db8:1:2:3:4:5:6', '128.6.5.4.3.2.1.db8.2001'],
    ['2001:0:0:1::/64', '64.zz.1.0.0.2001'], ['2001:db8:0:1:1:1:1:1', '128.1.1.1.1.1.0.db8.2001'],
  ])('writes %s as %s', (cidr, labels) => {
    expect(nameOf(cidr)).toBe(`${labels}.rpz-ip`);
  });

  it('loses nothing: each prefix can be read back', () => {
    const cidr = fc.oneof(
      fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })), fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })),
    ).map(([ip, bits]) => `${ip}/${bits}`);
    fc.assert(fc.property(cidr, (text) => {
      const prefix = parseCidr(text)!;
      const rule = readOwner(rpzIpName(prefix));
      expect(rule.family).toBe(prefix.family);
      expect(formatPrefix(parseCidr(`${addressText(rule.family, rule.first)}/${prefix.bits}`)!)).toBe(formatPrefix(prefix));
      expect(rule.last - rule.first + 1n).toBe(1n << BigInt(prefix.bytes.length * 8 - prefix.bits));
    }));
  });
});

/** What no prefix can say; the in-process check has it. */
function beyondPrefixes(address: string, options: DeniedOptions): boolean {
  const parsed = parseAddress(address)!;
  if (isIsatap(parsed)) return true;
  const translator = (options.nat64Prefixes ?? []).map((text) => parseNat64Prefix(text)!).find((prefix) => holds([readOwner(rpzIpName(prefix))], parsed.family, addressNumber(address)));
  return translator !== undefined && decodeNat64(translator, parsed) === undefined;
}

const zoneDenies = (options: DeniedOptions) => {
  const { rules } = readZone(rpzZone(options).text);
  return (address: string): boolean => holds(rules, address.includes(':') ? 6 : 4, addressNumber(address));
};

/** First, last, and the neighbours of each. */
function edgesOf(cidr: string): string[] {
  const { family, first, last } = readOwner(nameOf(cidr));
  const top = (1n << (family === 4 ? 32n : 128n)) - 1n;
  return [first - 1n, first, first + 1n, last - 1n, last, last + 1n].filter((value) => value >= 0n && value <= top).map((value) => addressText(family, value));
}

const OPTIONS: readonly DeniedOptions[] = [
  {},
  { denyCidrs: ['34.118.224.0/20', '2600:1f00::/24', '8.8.8.8'] },
  { unsafePublicCidrs: ['203.0.113.0/24', '2001:db8::/32', '127.0.0.5', '10.88.0.0/16'], denyCidrs: ['10.88.7.0/24', '203.0.113.9'] },
  { unsafePublicCidrs: ['0.0.0.0/0'], denyCidrs: ['198.51.100.0/24'] },
  { nat64Prefixes: ['64:ff9b::/96'], denyCidrs: ['34.118.224.0/20'], unsafePublicCidrs: ['203.0.113.0/24'] },
  { nat64Prefixes: ['64:ff9b:1::/48', '2a00:64::/32', '2a00:65::/96'], denyCidrs: ['2a00:64:808::/48'] },
];

describe('rpzZone()', () => {
  it('has one rule for each row of the table, and the rest of IPv6', () => {
    const { rules } = readZone(rpzZone().text);
    expect(rules.map(({ owner }) => owner)).toEqual([...IPV4_DENY.map(({ cidr }) => cidr), '::/3', '4000::/2', '8000::/1', ...IPV6_DENY.map(({ cidr }) => cidr)].map(nameOf));
    expect(rpzZone().addressRules).toBe(rules.length);
  });

  it.each(OPTIONS.map((options, at) => [at, options] as const))('agrees with the address policy at every edge, options %d', (_at, options) => {
    const policy = createAddressPolicy(options);
    const denies = zoneDenies(options);
    const cidrs = [...IPV4_DENY, ...IPV6_DENY, ...IPV6_NAMED].map(({ cidr }) => cidr);
    const own = [...(options.denyCidrs ?? []), ...(options.unsafePublicCidrs ?? []), ...deniedPrefixes(options).map(({ prefix }) => formatPrefix(prefix))];
    const edges = [...cidrs, '2000::/3', ...own].flatMap(edgesOf).filter((address) => !beyondPrefixes(address, options));
    expect(edges.length).toBeGreaterThan(150);
    expect(edges.filter((address) => denies(address) === policy.check(address, 443).allowed)).toEqual([]);
  });

  it('agrees with the address policy on any address and any options', () => {
    const cidr = fc.oneof(
      fc.tuple(fc.oneof(fc.ipV4(), deniedAddress(), publicAddress()), fc.integer({ min: 1, max: 32 })).map(([ip, bits]) => `${ip}/${bits}`),
      fc.constantFrom('10.0.0.0/8', '2000::/3', '::/0', '0.0.0.0/0', '203.0.113.0/24'),
    );
    const settings = fc.record({ denyCidrs: fc.array(cidr, { maxLength: 4 }), unsafePublicCidrs: fc.array(cidr, { maxLength: 4 }), nat64Prefixes: fc.subarray(['64:ff9b::/96', '2a00:64::/64']) });
    const address = fc.oneof(fc.ipV4(), fc.ipV6(), deniedAddress(), publicAddress());
    fc.assert(fc.property(settings, fc.array(address, { minLength: 8, maxLength: 8 }), (options, addresses) => {
      const policy = createAddressPolicy(options);
      const denies = zoneDenies(options);
      for (const ip of addresses.filter((text) => !beyondPrefixes(text, options))) expect([ip, denies(ip)]).toEqual([ip, !policy.check(ip, 443).allowed]);
    }));
  });

  it('leaves ISATAP and padded NAT64 addresses to the in-process check', () => {
    expect(zoneDenies({})('2a00::5efe:7f00:1')).toBe(false);
    expect(createAddressPolicy().check('2a00::5efe:7f00:1', 443).allowed).toBe(false);
    expect(zoneDenies({ nat64Prefixes: ['64:ff9b:1::/48'] })('64:ff9b:1:808:8:800::1')).toBe(false);
  });

  it('never writes an exception as a rule of its own', () => {
    expect(rpzZone({ unsafePublicCidrs: ['127.0.0.5', '203.0.113.0/24'] }).text).not.toMatch(/passthru|CNAME (?!\*\.|\.)/);
  });

  it('refuses internal names and what is below them', () => {
    const { names } = readZone(rpzZone().text);
    expect(names).toEqual(DENIED_SUFFIXES.flatMap(({ suffix }) => [suffix, `*.${suffix}`]));
    expect(names).toEqual(expect.arrayContaining(['cluster.local', '*.cluster.local', 'localhost', '*.internal']));
  });

  it('has a serial that tells rules apart and nothing else', () => {
    const serials = OPTIONS.map((options) => rpzZone(options).serial);
    expect(new Set(serials).size).toBe(OPTIONS.length);
    expect(OPTIONS.map((options) => rpzZone(options).serial)).toEqual(serials);
    for (const serial of serials) expect(serial > 0 && serial < 2 ** 32).toBe(true);
    expect(readZone(rpzZone().text).serial).toBe(serials[0]);
  });

  it.each([{ denyCidrs: ['10.0.0.0/33'] }, { unsafePublicCidrs: ['x'] }, { nat64Prefixes: ['64:ff9b::/95'] }])('refuses %j', (options) => {
    expect(() => rpzZone(options)).toThrow(TypeError);
  });

  it('is made from another table too', () => {
    const row = { cidr: '9.0.0.0/8', family: 4, label: 'x', source: 'y' } as const;
    const { rules } = readZone(rpzZone({ table: { ipv4Deny: [row], ipv6Allow: { ...row, family: 6, cidr: '::/1' }, ipv6Deny: [] } }).text);
    expect(rules.map(({ owner }) => owner)).toEqual(['8.0.0.0.9.rpz-ip', '1.zz.8000.rpz-ip']);
  });
});
