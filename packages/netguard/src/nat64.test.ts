import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseAddress, parseCidr, prefixHolds } from './address.ts';
import { formatPrefix } from './address-text.ts';
import { decodeNat64, embedPrefix, NAT64_PREFIX_BITS, parseNat64Prefix } from './nat64.ts';

/** Text of the embedded address; undefined where there is none. */
const decode = (prefix: string, address: string): string | undefined => decodeNat64(parseNat64Prefix(prefix)!, parseAddress(address)!)?.bytes.join('.');

/** RFC 6052 section 2.4, with the address 192.0.2.33 in every layout. */
const LAYOUTS: readonly [string, string][] = [
  ['2001:db8::/32', '2001:db8:c000:221::'],
  ['2001:db8:100::/40', '2001:db8:1c0:2:21::'],
  ['2001:db8:122::/48', '2001:db8:122:c000:2:2100::'],
  ['2001:db8:122:300::/56', '2001:db8:122:3c0:0:221::'],
  ['2001:db8:122:344::/64', '2001:db8:122:344:c0:2:2100:0'],
  ['2001:db8:122:344::/96', '2001:db8:122:344::192.0.2.33'],
];

describe('decodeNat64()', () => {
  it.each(LAYOUTS)('reads the layout of %s', (prefix, address) => {
    expect(decode(prefix, address)).toBe('192.0.2.33');
  });

  it.each([
    ['64:ff9b::/96', '64:ff9b::a00:1', '10.0.0.1'],
    ['64:ff9b::/96', '64:ff9b::8.8.8.8', '8.8.8.8'],
    ['64:ff9b:1::/48', '64:ff9b:1:a00:0:100::', '10.0.0.1'],
    ['fd00:64::/32', 'fd00:64:808:808::', '8.8.8.8'],
  ])('in %s reads %s as %s', (prefix, address, embedded) => {
    expect(decode(prefix, address)).toBe(embedded);
  });

  it.each([
    ['64:ff9b::/96', '64:ff9c::a00:1', 'outside the prefix'],
    ['64:ff9b:1::/48', '64:ff9b:1:a00:100:100::', 'something in bits 64 to 71'],
    ['64:ff9b:1::/48', '64:ff9b:1:a00:0:100::1', 'something after the embedded address'],
    ['2001:db8::/32', '2001:db8:c000:221:0:0:1:0', 'something after the embedded address'],
  ])('in %s reads nothing in %s: %s', (prefix, address) => {
    expect(decode(prefix, address)).toBeUndefined();
  });

  it('never mixes families', () => {
    expect(decode('64:ff9b::/96', '10.0.0.1')).toBeUndefined();
  });
});

describe('parseNat64Prefix()', () => {
  it.each(['64:ff9b::/96', '64:ff9b:1::/48', '64:ff9b:1:fffe::/96', 'fd00:64::/96', '2a00:64::/64', ...LAYOUTS.map(([prefix]) => prefix)])('takes %s', (text) => {
    expect(parseNat64Prefix(text)).toEqual(parseCidr(text));
  });

  it.each([
    '', '64:ff9b::', '64:ff9b::/95', '64:ff9b::/97', '64:ff9b::/128', '2001:db8::/33', '2001:db8::/0', '10.0.0.0/32', '64:ff9b::%eth0/96', 'x/96',
    // Bits 64 to 71 are part of a /96 prefix and must be zero.
    '2a00:64:0:0:100::/96',
    // The kernel connects to IPv4 for these, or the range has another meaning.
    '::ffff:0:0/96', '::/96', '::/32', '::ffff:0:0:0/96', 'fe80::/64', 'ff02::/32', '100::/64', '5f00::/32', 'fec0::/96',
  ])('refuses %j', (text) => {
    expect(parseNat64Prefix(text)).toBeUndefined();
  });
});

describe('parseNat64Prefix() over noise', () => {
  it('never throws, and takes only the six lengths', () => {
    const noise = fc.oneof(fc.string({ maxLength: 30 }), fc.tuple(fc.oneof(fc.ipV6(), fc.ipV4()), fc.nat(130)).map(([ip, bits]) => `${ip}/${bits}`));
    fc.assert(fc.property(noise, (text) => [undefined, ...NAT64_PREFIX_BITS].includes(parseNat64Prefix(text)?.bits)), { numRuns: 1_000 });
  });
});

const layout = fc.constantFrom(...NAT64_PREFIX_BITS);
const v4Prefix = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([ip, bits]) => parseCidr(`${ip}/${bits}`)!);

describe('embedPrefix()', () => {
  it.each([
    ['64:ff9b::/96', '10.0.0.0/8', '64:ff9b::a00:0/104'],
    ['64:ff9b::/96', '169.254.0.0/16', '64:ff9b::a9fe:0/112'],
    ['64:ff9b::/96', '168.63.129.16/32', '64:ff9b::a83f:8110/128'],
    ['64:ff9b:1::/48', '10.0.0.0/8', '64:ff9b:1:a00::/56'],
    ['64:ff9b:1::/48', '192.0.2.0/24', '64:ff9b:1:c000:2::/80'],
    ['2a00:64::/64', '10.0.0.0/8', '2a00:64:0:0:a::/80'],
    ['2a00:64::/64', '0.0.0.0/0', '2a00:64::/64'],
    ['2a00::/32', '127.0.0.1/32', '2a00:0:7f00:1::/64'],
  ])('of %s and %s is %s', (prefix, embedded, expected) => {
    expect(formatPrefix(embedPrefix(parseNat64Prefix(prefix)!, parseCidr(embedded)!))).toBe(formatPrefix(parseCidr(expected)!));
  });

  it('holds exactly the addresses whose embedded address the IPv4 prefix holds', () => {
    fc.assert(
      fc.property(layout, v4Prefix, fc.ipV4(), (bits, embedded, ip) => {
        const prefix = parseNat64Prefix(`2a00:64::/${bits}`)!;
        const whole = embedPrefix(prefix, parseCidr(`${ip}/32`)!);
        const address = { family: 6, bytes: whole.bytes } as const;
        expect(decodeNat64(prefix, address)).toEqual(parseAddress(ip));
        expect(prefixHolds(embedPrefix(prefix, embedded), address)).toBe(prefixHolds(embedded, parseAddress(ip)!));
      }),
    );
  });
});

describe('formatPrefix()', () => {
  it('writes what reads back as the same prefix, as a URL parser would write it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(128), (text, length) => {
        const prefix = parseCidr(`${text}/${text.includes(':') ? length : length % 33}`)!;
        const written = formatPrefix(prefix);
        expect(parseCidr(written)).toEqual(prefix);
        const base = written.split('/')[0]!;
        if (prefix.family === 6) expect(new URL(`http://[${base}]/`).hostname).toBe(`[${base}]`);
      }),
    );
  });
});
