import { describe, expect, it } from '@jest/globals';
import { deniedAddress, garbledAddress, publicAddress } from '@sekisho/testkit/arbitraries';
import { NON_PUBLIC, PROBES } from '@sekisho/testkit/probes';
import fc from 'fast-check';
import { isIPv4, isIPv6 } from 'node:net';
import { IPV4_DENY, IPV6_ALLOW, IPV6_DENY, IPV6_NAMED } from './address-table.ts';
import { classifyAddress, parseAddress, parseCidr, prefixHolds } from './address.ts';

const PUBLIC = `8.8.8.8 1.1.1.1 93.184.215.14 34.118.224.1 172.15.255.255 172.32.0.0 2606:4700:4700::1111 2001:4860:4860::8888
  2a00:1450:4001:80b::200e 2000::1 3ffe:ffff::1 2a00::5eff:7f00:1 2a00:0:0:0:100:5efe:7f00:1`.split(/\s+/);

const toNumber = (bytes: readonly number[]): bigint => bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

function toText(value: bigint, width: number): string {
  if (width === 32) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.');
  return Array.from({ length: 8 }, (_, at) => ((value >> BigInt(112 - 16 * at)) & 0xffffn).toString(16)).join(':');
}

function edges(cidr: string): { first: string; last: string; before: string | undefined; after: string | undefined } {
  const prefix = parseCidr(cidr)!;
  const width = prefix.bytes.length * 8;
  const first = toNumber(prefix.bytes);
  const last = first + (1n << BigInt(width - prefix.bits)) - 1n;
  const end = 1n << BigInt(width);
  return {
    first: toText(first, width),
    last: toText(last, width),
    before: first > 0n ? toText(first - 1n, width) : undefined,
    after: last + 1n < end ? toText(last + 1n, width) : undefined,
  };
}

const rows = (list: readonly { cidr: string; label: string }[]): [string, string][] => list.map((row) => [row.cidr, row.label]);
/** Is the neighbour inside another row of the same list? */
const elsewhere = (text: string, list: readonly { cidr: string }[]): boolean =>
  list.some((row) => prefixHolds(parseCidr(row.cidr)!, parseAddress(text)!));

describe('classifyAddress()', () => {
  it('has the size that the reference names', () => {
    expect([IPV4_DENY.length, IPV6_DENY.length, PROBES.length]).toEqual([19, 5, 45]);
  });

  it.each(rows(IPV4_DENY))('denies %s (%s) up to its borders and nothing beyond', (cidr, label) => {
    const { first, last, before, after } = edges(cidr);
    for (const inside of [first, last]) expect(classifyAddress(inside)).toMatchObject({ public: false, label, cidr });
    for (const outside of [before, after]) {
      if (outside === undefined) continue;
      expect([outside, classifyAddress(outside).public]).toEqual([outside, !elsewhere(outside, IPV4_DENY)]);
    }
  });

  it.each(rows(IPV6_DENY))('denies %s (%s) up to its borders and nothing beyond', (cidr, label) => {
    const { first, last, before, after } = edges(cidr);
    for (const inside of [first, last]) expect(classifyAddress(inside)).toMatchObject({ public: false, label, cidr });
    for (const outside of [before!, after!]) {
      const expected = elsewhere(outside, [IPV6_ALLOW]) && !elsewhere(outside, IPV6_DENY);
      expect([outside, classifyAddress(outside).public]).toEqual([outside, expected]);
    }
  });

  it.each(rows(IPV6_NAMED))('names %s as %s', (cidr, label) => {
    const { first, last } = edges(cidr);
    expect(classifyAddress(last)).toMatchObject({ public: false, label });
    // The first of ::/96 is the unspecified address, which has its own name.
    expect(classifyAddress(first)).toMatchObject({ public: false, label: cidr === '::/96' ? 'unspecified' : label });
  });

  it('allows IPv6 only between the borders of 2000::/3', () => {
    const { first, last, before, after } = edges(IPV6_ALLOW.cidr);
    expect([before!, first, after!].map((text) => classifyAddress(text).public)).toEqual([false, true, false]);
    expect(classifyAddress('3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff').public).toBe(true);
    expect(classifyAddress(last).public).toBe(true);
    expect(classifyAddress('4000::')).toMatchObject({ label: 'not-global-unicast' });
  });

  it.each(NON_PUBLIC)('denies the probe %s', (text) => {
    expect(classifyAddress(text).public).toBe(false);
  });

  it.each(PUBLIC)('allows the public address %s', (text) => {
    expect(classifyAddress(text)).toEqual({ public: true });
  });

  it.each(['2a00::5efe:7f00:1', '2a00::200:5efe:a00:1'])('denies the ISATAP interface id of %s', (text) => {
    expect(classifyAddress(text)).toMatchObject({ label: 'isatap' });
  });

  it.each(['2606:4700::1%eth0', 'fe80::1%lo', '8.8.8.8%0'])('denies the zone id of %s', (text) => {
    expect(classifyAddress(text)).toMatchObject({ label: 'zone-id' });
  });

  it.each([
    '', ' 8.8.8.8', '8.8.8.8 ', '08.8.8.8', '8.8.8', '8.8.8.8.', '0x8.8.8.8', '134744072', '8.8.8.256', '①.1.1.1', '１.1.1.1',
    '[2606:4700::1]', '2606:4700:::1', '2606::1::2', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7::8:9', ':1:2:3:4:5:6:7',
    '2606:4700::g', '2606:4700::12345', '::1.2.3.4:1', '1.2.3.4::', '::01.2.3.4', '2606:4700::1\n', `2606::${'0'.repeat(50)}`,
  ])('does not take %j for an address', (text) => {
    expect(parseAddress(text)).toBeUndefined();
    expect(classifyAddress(text)).toMatchObject({ public: false, label: 'unparseable' });
  });

  it('gives all spellings of one address one verdict', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), (value) => {
        const long = toText(value, 128);
        const short = new URL(`http://[${long}]/`).hostname.slice(1, -1);
        expect(parseAddress(short)).toEqual(parseAddress(long));
        expect(classifyAddress(short.toUpperCase())).toEqual(classifyAddress(long));
      }),
      { numRuns: 300 },
    );
  });

  it('denies each address of a denied prefix and allows IPv4 outside all of them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (value) => {
        const text = toText(BigInt(value), 32);
        expect(classifyAddress(text).public).toBe(!elsewhere(text, IPV4_DENY));
      }),
      { numRuns: 500 },
    );
  });
});

describe('classifyAddress() by the registries', () => {
  it('denies what they reserve and allows what they give out', () => {
    fc.assert(fc.property(deniedAddress(), (text) => !classifyAddress(text).public));
    fc.assert(fc.property(publicAddress(), (text) => classifyAddress(text).public));
  });
});

describe('parseAddress()', () => {
  it('agrees with node:net on what an address is, zones apart', () => {
    fc.assert(
      fc.property(garbledAddress(), (text) => {
        fc.pre(!text.includes('%'));
        const family = parseAddress(text)?.family;
        expect(family === 4).toBe(isIPv4(text));
        expect(family === 6).toBe(isIPv6(text));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('parseCidr()', () => {
  it.each([
    ['10.1.2.3/8', '10.0.0.0', 8],
    ['10.1.2.3', '10.1.2.3', 32],
    ['0.0.0.0/0', '0.0.0.0', 0],
    ['fd00::1/8', 'fd00::', 8],
    ['fd00::1', 'fd00::1', 128],
  ])('reads %s', (text, base, bits) => {
    expect(parseCidr(text)).toEqual({ ...parseAddress(base)!, bytes: parseAddress(base)!.bytes, bits });
  });

  it.each(['10.0.0.0/33', '::/129', '10.0.0.0/', '/8', '10.0.0.0/08', '10.0.0.0/8/8', '10.0.0.0/-1', '10.0.0/8', ''])(
    'refuses %j',
    (text) => {
      expect(parseCidr(text)).toBeUndefined();
    },
  );

  it('is monotone: what a longer prefix holds, every shorter one of the same base holds', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), fc.integer({ min: 0, max: 32 }), fc.integer({ min: 0, max: 32 }), (base, other, a, b) => {
        const [short, long] = a < b ? [a, b] : [b, a];
        const address = parseAddress(other)!;
        if (prefixHolds(parseCidr(`${base}/${long}`)!, address)) {
          expect(prefixHolds(parseCidr(`${base}/${short}`)!, address)).toBe(true);
        }
        expect(prefixHolds(parseCidr(`${base}/${long}`)!, parseAddress(base)!)).toBe(true);
      }),
    );
  });

  it('never mixes families', () => {
    expect(prefixHolds(parseCidr('::/0')!, parseAddress('10.0.0.1')!)).toBe(false);
    expect(prefixHolds(parseCidr('0.0.0.0/0')!, parseAddress('::1')!)).toBe(false);
  });
});
