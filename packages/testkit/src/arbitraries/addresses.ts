// Addresses by table. The prefixes are written down from the registries, not taken from the code under test, so that a
// hole in its table shows.

import fc from 'fast-check';

interface Prefix {
  readonly base: string;
  readonly bits: number;
  /** Where the assignment stands. */
  readonly source: string;
}

const DENIED_V4: readonly Prefix[] = [
  { base: '0.0.0.0', bits: 8, source: 'RFC 791: this network' },
  { base: '10.0.0.0', bits: 8, source: 'RFC 1918' },
  { base: '100.64.0.0', bits: 10, source: 'RFC 6598: carrier NAT' },
  { base: '127.0.0.0', bits: 8, source: 'RFC 1122: loopback' },
  { base: '169.254.0.0', bits: 16, source: 'RFC 3927: link local, cloud metadata' },
  { base: '172.16.0.0', bits: 12, source: 'RFC 1918' },
  { base: '192.0.2.0', bits: 24, source: 'RFC 5737: documentation' },
  { base: '192.168.0.0', bits: 16, source: 'RFC 1918' },
  { base: '198.18.0.0', bits: 15, source: 'RFC 2544: benchmarks' },
  { base: '198.51.100.0', bits: 24, source: 'RFC 5737: documentation' },
  { base: '203.0.113.0', bits: 24, source: 'RFC 5737: documentation' },
  { base: '224.0.0.0', bits: 4, source: 'RFC 5771: multicast' },
  { base: '240.0.0.0', bits: 4, source: 'RFC 1112: reserved, broadcast' },
];
const DENIED_V6: readonly Prefix[] = [
  { base: '::', bits: 96, source: 'RFC 4291: unspecified, loopback, IPv4-compatible' },
  { base: '::ffff:0:0', bits: 96, source: 'RFC 4291: IPv4-mapped' },
  { base: '64:ff9b::', bits: 96, source: 'RFC 6052: NAT64' },
  { base: '2001:db8::', bits: 32, source: 'RFC 3849: documentation' },
  { base: '2002::', bits: 16, source: 'RFC 3056: 6to4' },
  { base: 'fc00::', bits: 7, source: 'RFC 4193: unique local' },
  { base: 'fe80::', bits: 10, source: 'RFC 4291: link local' },
  { base: 'ff00::', bits: 8, source: 'RFC 4291: multicast' },
];
const PUBLIC_V4: readonly Prefix[] = [
  { base: '1.1.1.0', bits: 24, source: 'APNIC' },
  { base: '8.0.0.0', bits: 9, source: 'ARIN' },
  { base: '93.184.0.0', bits: 16, source: 'RIPE NCC' },
  { base: '172.32.0.0', bits: 11, source: 'ARIN, next to RFC 1918' },
  { base: '200.0.0.0', bits: 8, source: 'LACNIC' },
];
// A 64-bit prefix with an interface identifier of 48 bits: one with 5efe in it would embed an IPv4 address (RFC 5214).
const PUBLIC_V6: readonly Prefix[] = [
  { base: '2001:4860:4860::', bits: 80, source: 'ARIN' },
  { base: '2606:4700:4700::', bits: 80, source: 'ARIN' },
  { base: '2a00:1450:4001:80b::', bits: 80, source: 'RIPE NCC' },
];

/** Any IPv4 or IPv6 address, as text. */
export const anyAddress = (): fc.Arbitrary<string> => fc.oneof(fc.ipV4(), fc.ipV6());

/** Addresses that no stranger may lead to. */
export const deniedAddress = (): fc.Arbitrary<string> => fc.oneof(...[...DENIED_V4, ...DENIED_V6].map(within));

/** Addresses anybody may reach. */
export const publicAddress = (): fc.Arbitrary<string> => fc.oneof(...[...PUBLIC_V4, ...PUBLIC_V6].map(within));

/** Text that is almost an address, and addresses. */
export const garbledAddress = (): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.array(fc.constantFrom('0', '1', 'f', '255', '256', '01', '.', ':', '::', '1.2.3.4', 'ffff'), { maxLength: 12 }).map((parts) => parts.join('')),
    anyAddress(),
  );

/** Addresses of a prefix, its first and last among them. */
function within({ base, bits }: Prefix): fc.Arbitrary<string> {
  const width = base.includes(':') ? 128 : 32;
  const first = width === 128 ? readV6(base) : readV4(base);
  const last = (1n << BigInt(width - bits)) - 1n;
  return fc.oneof({ weight: 1, arbitrary: fc.constantFrom(0n, last) }, { weight: 4, arbitrary: fc.bigInt({ min: 0n, max: last }) })
    .map((offset) => (width === 128 ? writeV6(first + offset) : writeV4(first + offset)));
}

const readV4 = (text: string): bigint => text.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
const writeV4 = (value: bigint): string => [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.');

/** Of the table's own form: at most one `::`, no dotted part. */
function readV6(text: string): bigint {
  const [front = '', back = ''] = text.split('::');
  const head = front === '' ? [] : front.split(':');
  const tail = back === '' ? [] : back.split(':');
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0');
  return [...head, ...zeros, ...tail].reduce((sum, part) => (sum << 16n) | BigInt(`0x${part}`), 0n);
}
const writeV6 = (value: bigint): string =>
  Array.from({ length: 8 }, (_, at) => ((value >> BigInt(112 - 16 * at)) & 0xffffn).toString(16)).join(':');
