import { describe, expect, it } from '@jest/globals';
import { deniedAddress, garbledAddress, publicAddress } from '@sekisho/testkit/arbitraries';
import fc from 'fast-check';
import { isIP } from 'node:net';
import { createAddressPolicy } from './address-policy.ts';
import { formatAddress } from './address-text.ts';
import { classifyAddress, parseCidr } from './address.ts';
import { parseEndpoint } from './endpoint.ts';
import { embedPrefix, NAT64_PREFIX_BITS, parseNat64Prefix } from './nat64.ts';

describe('createAddressPolicy()', () => {
  it('allows public addresses on 80 and 443 and no other port', () => {
    const policy = createAddressPolicy();
    for (const port of [80, 443]) expect(policy.check('8.8.8.8', port)).toEqual({ allowed: true, unsafeTarget: false });
    for (const port of [0, 22, 79, 81, 442, 444, 8080]) expect(policy.check('8.8.8.8', port)).toMatchObject({ allowed: false, label: 'port' });
    expect(policy.check('10.0.0.1', 443)).toMatchObject({ allowed: false, label: 'private', cidr: '10.0.0.0/8', source: 'RFC 1918' });
    expect(policy.check('010.0.0.1', 443)).toMatchObject({ allowed: false, label: 'unparseable' });
    expect(policy.check('2606:4700::1%lo', 443)).toMatchObject({ allowed: false, label: 'zone-id' });
  });

  it('denies the networks of the installation, also after they changed', () => {
    const policy = createAddressPolicy({ denyCidrs: ['34.118.224.0/20', '2a00:1::/32'] });
    expect(policy.check('34.118.239.255', 443)).toMatchObject({ allowed: false, label: 'configured', cidr: '34.118.224.0/20' });
    expect(policy.check('34.118.240.0', 443).allowed).toBe(true);
    expect(policy.check('2a00:1::1', 443).allowed).toBe(false);
    policy.setDenyCidrs(['8.8.8.0/24']);
    expect(policy.check('34.118.224.1', 443).allowed).toBe(true);
    expect(policy.check('8.8.8.8', 443).allowed).toBe(false);
  });

  it('keeps the old networks when the new ones are broken', () => {
    const policy = createAddressPolicy({ denyCidrs: ['8.8.8.0/24'] });
    expect(() => policy.setDenyCidrs(['9.9.9.9', 'nonsense'])).toThrow(/nonsense/);
    expect(policy.check('8.8.8.8', 443).allowed).toBe(false);
    expect(policy.check('9.9.9.9', 443).allowed).toBe(true);
  });

  it('takes unsafe public prefixes out of the table, but not out of the denied networks', () => {
    const policy = createAddressPolicy({ unsafePublicCidrs: ['198.51.100.0/24'], denyCidrs: ['198.51.100.7'] });
    expect(policy.check('198.51.100.1', 443)).toEqual({ allowed: true, unsafeTarget: false });
    expect(policy.check('198.51.100.7', 443).allowed).toBe(false);
    expect(policy.check('198.51.100.1', 8443).allowed).toBe(false);
    expect(policy.check('198.51.101.1', 443).allowed).toBe(true);
    expect(policy.check('203.0.113.1', 443).allowed).toBe(false);
  });

  it('lets an unsafe target pass exactly, in any spelling of its address', () => {
    const policy = createAddressPolicy({ unsafeAllowTargets: ['127.0.0.1:8443', '[::1]:9000'] });
    expect(policy.check('127.0.0.1', 8443)).toEqual({ allowed: true, unsafeTarget: true });
    expect(policy.check('0:0:0:0:0:0:0:1', 9000)).toEqual({ allowed: true, unsafeTarget: true });
    for (const [ip, port] of [['127.0.0.1', 8444], ['127.0.0.2', 8443], ['::ffff:127.0.0.1', 8443], ['127.0.0.1', 443], ['8.8.8.8', 8443]] as const) {
      expect([ip, policy.check(ip, port).allowed]).toEqual([ip, false]);
    }
    expect([...policy.allowTargetPorts]).toEqual([8443, 9000]);
  });

  it.each(['127.0.0.1', '127.0.0.1:0', '127.0.0.1:65536', '127.0.0.1:08', 'localhost:80', '::1:80', '[127.0.0.1:80', '127.1:80', ' 127.0.0.1:80'])(
    'refuses the allow target %j',
    (text) => {
      expect(parseEndpoint(text)).toBeUndefined();
      expect(() => createAddressPolicy({ unsafeAllowTargets: [text] })).toThrow(TypeError);
    },
  );
});

describe('createAddressPolicy() over noise', () => {
  it('never throws, and allows nothing but public addresses in their own spelling', () => {
    const policy = createAddressPolicy();
    fc.assert(
      fc.property(fc.oneof(garbledAddress(), deniedAddress(), publicAddress()), fc.constantFrom(80, 443), (text, port) => {
        expect(policy.check(text, port).allowed).toBe(classifyAddress(text).public);
        for (const odd of [`${text}%lo`, `[${text}]`, ` ${text}`, `${text}.`, `0${text}`, `::ffff:${text}`]) {
          if (isIP(odd) === 0 || odd.includes('%') || odd.startsWith('::ffff:')) expect([odd, policy.check(odd, port).allowed]).toEqual([odd, false]);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('createAddressPolicy() with NAT64', () => {
  const policy = createAddressPolicy({
    nat64Prefixes: ['64:ff9b::/96', '64:ff9b:1::/48', '2a00:64::/96'], denyCidrs: ['34.118.224.0/20', '64:ff9b::8.8.4.4'],
    unsafeAllowTargets: ['127.0.0.1:8443'], unsafePublicCidrs: ['198.51.100.0/24'],
  });

  it.each(['64:ff9b::8.8.8.8', '64:ff9b:1:808:8:800::', '2a00:64::808:808', '64:ff9b::c633:6401', '2606:4700::1', '8.8.8.8'])('allows %s', (ip) => {
    expect(policy.check(ip, 443)).toEqual({ allowed: true, unsafeTarget: false });
  });

  it.each([
    ['64:ff9b::a00:1', 'private'], ['64:ff9b::127.0.0.1', 'loopback'], ['64:ff9b::169.254.169.254', 'link-local'], ['64:ff9b:1:a00:0:100::', 'private'],
    ['2a00:64::a9fe:a9fe', 'link-local'], ['64:ff9b::34.118.224.1', 'configured'], ['64:ff9b::8.8.4.4', 'configured'],
    ['64:ff9b:1:808:8:800::1', 'nat64-malformed'], ['64:ff9b:1:808:108:800::', 'nat64-malformed'],
    ['64:ff9b:2::8.8.8.8', 'not-global-unicast'], ['::ffff:8.8.8.8', 'ipv4-mapped'],
  ])('denies %s as %s', (ip, label) => {
    expect(policy.check(ip, 443)).toMatchObject({ allowed: false, label });
  });

  it('gives no unsafe target through the translator, and no other port', () => {
    expect(policy.check('64:ff9b::127.0.0.1', 8443).allowed).toBe(false);
    expect(policy.check('64:ff9b::8.8.8.8', 8443)).toMatchObject({ allowed: false, label: 'port' });
  });

  it('denies all of it without the option', () => {
    for (const ip of ['64:ff9b::8.8.8.8', '64:ff9b:1:808:8:800::']) expect(createAddressPolicy().check(ip, 443).allowed).toBe(false);
    // A prefix of ordinary addresses is nobody's translator until somebody says so.
    expect(createAddressPolicy().check('2a00:64::10.0.0.1', 443).allowed).toBe(true);
  });

  it('still denies an interface id that embeds an address', () => {
    const odd = createAddressPolicy({ nat64Prefixes: ['2a00:64:0:0:0:5efe::/96'] });
    expect(odd.check('2a00:64::5efe:808:808', 443)).toMatchObject({ allowed: false, label: 'isatap' });
  });

  it.each(['10.0.0.0/8', '64:ff9b::', '::ffff:0:0/96', 'x'])('refuses the prefix %j', (text) => {
    expect(() => createAddressPolicy({ nat64Prefixes: [text] })).toThrow(TypeError);
  });

  it('agrees with the embedded address on every layout and address', () => {
    const plain = createAddressPolicy();
    fc.assert(
      fc.property(fc.constantFrom(...NAT64_PREFIX_BITS), fc.oneof(fc.ipV4(), deniedAddress().filter((ip) => !ip.includes(':'))), (bits, ip) => {
        const prefix = `2a00:64::/${bits}`;
        const address = formatAddress(embedPrefix(parseNat64Prefix(prefix)!, parseCidr(`${ip}/32`)!));
        expect(createAddressPolicy({ nat64Prefixes: [prefix] }).check(address, 443).allowed).toBe(plain.check(ip, 443).allowed);
      }),
    );
  });
});

describe('createAddressPolicy() with ports', () => {
  it('allows the given ports and no web port beside them', () => {
    const smtp = createAddressPolicy({ ports: [465, 587] });
    expect([465, 587, 25, 80, 443].map((port) => smtp.check('8.8.8.8', port).allowed)).toEqual([true, true, false, false, false]);
    expect(smtp.check('10.0.0.1', 587)).toMatchObject({ allowed: false, label: 'private' });
  });
});
