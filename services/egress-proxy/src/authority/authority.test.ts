import { describe, expect, it } from '@jest/globals';
import { parseAddress } from '@sekisho/netguard';
import { corpusFolder, readSsrfCases } from '@sekisho/testkit';
import { hostName, internalHost } from '@sekisho/testkit/arbitraries';
import fc from 'fast-check';
import { parseAuthority } from './authority.ts';

const kindOf = (text: string): string => parseAuthority(text).kind;
const RUNS = { numRuns: 2_000 };

describe('parseAuthority()', () => {
  it.each([
    ['a.origin.example:443', 'a.origin.example', 443], ['A.Origin.EXAMPLE:443', 'a.origin.example', 443], ['a.origin.example.:443', 'a.origin.example', 443],
    ['a.origin.example:1', 'a.origin.example', 1], ['a.origin.example:65535', 'a.origin.example', 65_535], ['xn--bcher-kva.origin.example:443', 'xn--bcher-kva.origin.example', 443],
    ['127.0.0.1.origin.example:443', '127.0.0.1.origin.example', 443], ['0x7f.origin.example:443', '0x7f.origin.example', 443],
  ])('takes %s', (text, host, port) => {
    expect(parseAuthority(text)).toEqual({ kind: 'name', host, port });
  });

  it.each([
    '', ':', ':443', 'a.origin.example', 'a.origin.example:', 'a.origin.example:0', 'a.origin.example:65536', 'a.origin.example:0443', 'a.origin.example:+443', 'a.origin.example:443 ',
    ' a.origin.example:443', 'a.origin.example:4 43', 'a.origin.example:443/', 'a.origin.example:443/../', 'a.origin.example:443?x', 'a.origin.example:443#x', 'a.origin.example:443:443',
    'user@a.origin.example:443', 'user:p@a.origin.example:443', 'http://a.origin.example:443', 'https://a.origin.example:443/', '//a.origin.example:443', '/', '*', 'a.origin.example\\:443',
    '::1:443', '::ffff:127.0.0.1:443', '[::1]', '[::1]443', '[::1]x:443', '[::1%25lo]:443', '[::1%lo]:443', '[fe80::1%eth0]:443', '[127.0.0.1]:443', '[]:443', '[v1.x]:443', '[::g]:443', '[:::1]:443',
    'a%2eorigin.example:443', '%31%32%37.0.0.1:443', 'exämple.example:443', '①②⑦.0.0.1:443', 'a。b.example:443', 'a\tb.example:443', 'a.origin.example:４４３', 'a\0.example:443', `${'a'.repeat(260)}:443`,
  ])('finds %j malformed', (text) => {
    expect(kindOf(text)).toBe('malformed');
  });

  it.each([
    '127.0.0.1:443', '0x7f.1:443', '0X7F.1:443', '0177.0.0.1:443', '2130706433:443', '127.1:443', '127.0.1:443', '0:443', '0x:443', '256.1.1.1:443', '1.2.3.4.5:443', '127.0.0.1.:443', '127.0.0.1..:443',
    'foo.09:443', 'example.127:443', 'example.0x7f:443', '[::1]:443', '[::]:443', '[::ffff:127.0.0.1]:443', '[64:ff9b::127.0.0.1]:443', '[2606:4700:4700::1111]:443', '1.1.1.1:443', '08.1.1.1:443',
  ])('finds a literal in %s', (text) => {
    expect(kindOf(text)).toBe('literal');
  });

  it.each([
    'localhost:443', 'localhost.:443', 'redis:6379', 'kubernetes.default.svc:443', 'postgres.misskey.svc.cluster.local:443', 'metadata.google.internal:443', '.origin.example:443', 'a..origin.example:443', '..:443', '.:443',
    '*.origin.example:443', 'a_b.origin.example:443', "a'b.origin.example:443", 'a.origin.example..:443', `${'a'.repeat(64)}.origin.example:443`, 'a.onion:443', 'a.test:443',
  ])('finds no public name in %s', (text) => {
    expect(kindOf(text)).toBe('bad-name');
  });

  it('never takes what is not exactly a public name and a port', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.webAuthority({ withPort: true, withUserInfo: true }), fc.webUrl()), (text) => {
        const authority = parseAuthority(text);
        if (authority.kind !== 'name') return;
        const [, host = '', port = ''] = /^([A-Za-z0-9.-]+):([1-9]\d{0,4})$/.exec(text) ?? [];
        expect([host.toLowerCase().replace(/\.$/, ''), Number(port)]).toEqual([authority.host, authority.port]);
      }),
      RUNS,
    );
  });

  it('agrees with the URL parser on what an address is', () => {
    const part = fc.oneof(fc.nat(300).map(String), fc.nat(255).map((n) => `0x${n.toString(16)}`), fc.nat(255).map((n) => `0${n.toString(8)}`), fc.constantFrom('a', '', '0x', 'g', '0xg'));
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('.')), (host) => {
        const parsed = URL.parse(`https://${host}/`);
        if (parsed !== null && parseAddress(parsed.hostname) === undefined) return;
        // An address, or one that the parser refuses for its number: never a name for us.
        expect(kindOf(`${host}:443`)).not.toBe('name');
      }),
      RUNS,
    );
  });

  it('takes names of the world, and none that lead inside', () => {
    fc.assert(fc.property(hostName(), (host) => kindOf(`${host}:443`) === 'name'));
    fc.assert(fc.property(internalHost(), (host) => kindOf(`${host}:443`) !== 'name'));
  });
});

const cases = corpusFolder() === undefined ? [] : readSsrfCases().filter(({ kind }) => kind === 'authority');
(cases.length === 0 ? describe.skip : describe)('SSRF corpus', () => {
  it('has cases of both verdicts', () => {
    expect(new Set(cases.map(({ expected }) => expected))).toEqual(new Set(['blocked', 'allowed']));
  });

  it.each(cases.map(({ input, expected }) => [input, expected]))('%j is %s', (input, expected) => {
    const authority = parseAuthority(input);
    expect(authority.kind === 'name' && authority.port === 443 ? 'allowed' : 'blocked').toBe(expected);
  });
});
