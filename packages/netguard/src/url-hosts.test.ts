// Every odd way to write a host, and what becomes of it: first what the WHATWG URL parser of this Node makes of it (a fact,
// held here so that another Node cannot change it unseen), then our verdict.

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createAddressPolicy } from './address-policy.ts';
import { classifyAddress } from './address.ts';
import { checkHostName } from './names.ts';
import { checkTargetUrl, type TargetRules } from './url.ts';

const rules: TargetRules = { plainHttp: 'allow', ownHosts: new Set(), policy: createAddressPolicy() };

function judge(host: string): string {
  const verdicts = ['http', 'https'].map((scheme) => checkTargetUrl(`${scheme}://${host}/`, rules));
  const [first, second] = verdicts.map((verdict) => (verdict.ok ? `ok ${verdict.host}` : verdict.code.replace('SEKISHO_TARGET_', '')));
  expect(second).toBe(first);
  return first ?? '';
}

const parsedHost = (host: string): string | undefined => URL.parse(`https://${host}/`)?.hostname;

const to = (host: string, ...inputs: readonly string[]): [string, string][] => inputs.map((input) => [input, host]);

/** Number forms and IPv6 literals: the parser gives an address. */
const ADDRESSES: readonly [string, string][] = [
  ...to('127.0.0.1', '0177.0.0.1', '0x7f.1', '0x7f000001', '2130706433', '017700000001', '127.1', '127.0.1', '127.0.0.1.', '2130706433.',
    '①②⑦.⓪.⓪.①', '127。0。0。1', '127｡0｡0｡1', '１２７.０.０.１', '%31%32%37.0.0.1', '127.0.0.1%2e'),
  ...to('0.0.0.0', '0', '0x', '0x.0x.0', '%30'),
  ...to('192.168.0.1', '0300.0250.1'), ...to('192.168.1.1', '3232235777'),
  ...to('[::7f00:1]', '[::127.0.0.1]'), ...to('[::ffff:7f00:1]', '[::ffff:127.0.0.1]'), ...to('[64:ff9b::7f00:1]', '[64:ff9b::127.0.0.1]'),
  ...to('[::1]', '[0:0:0:0:0:0:0:1]'),
];
/** Number forms of public addresses are just addresses. */
const PUBLIC_NUMBERS: readonly [string, string][] = [...to('1.2.0.3', '1.2.3'), ...to('63.0.0.1', '0𝟕𝟕.1'), ...to('8.8.8.8', '134744072', '0x08080808')];

const ERRORS = [
  '256.1.1.1', '1.2.3.4.5', '4294967296', '08.1.1.1', '0x7f.08', 'foo.09', 'example.127', 'example.0x7f', '[::1%25lo]', '[fe80::1%eth0]', '[::1].', '[::1]x',
  '[::01.02.03.04]', 'localhost%00', '127.0.0.1%00.example.com', 'ex ample.com', 'exa%20mple.com', 'exam<ple.com', 'example.com:65536', 'example.com:+80',
  'example.com:٨٠', '',
];

/** What stays a name, and whether it may be asked for. */
const NAMES: readonly [string, string, string][] = [
  ['localhost.', 'localhost.', 'NAME'], ['localhost..', 'localhost..', 'NAME'], ['127.0.0.1..', '127.0.0.1..', 'NAME'], ['.', '.', 'NAME'], ['..', '..', 'NAME'],
  ['%2e', '.', 'NAME'], ['%2E%2e', '..', 'NAME'], ['a..b', 'a..b', 'NAME'], ['_foo.example.com', '_foo.example.com', 'NAME'], ['a_b', 'a_b', 'NAME'],
  ["a'b.com", "a'b.com", 'NAME'], ['LOCALHOST', 'localhost', 'NAME'], ['ⓛⓞⓒⓐⓛⓗⓞⓢⓣ', 'localhost', 'NAME'], ['local\u00adhost', 'localhost', 'NAME'],
  ['local\u200bhost', 'localhost', 'NAME'], ['ｌocalhost', 'localhost', 'NAME'],
  // Looks like a name everywhere: its answer decides.
  ['-a.com', '-a.com', 'ok -a.com'], ['foo.0xg', 'foo.0xg', 'ok foo.0xg'], ['0x7f.1.example.com', '0x7f.1.example.com', 'ok 0x7f.1.example.com'],
  ['127.0.0.1.nip.io', '127.0.0.1.nip.io', 'ok 127.0.0.1.nip.io'], ['ａ.com', 'a.com', 'ok a.com'], ['faß.de', 'xn--fa-hia.de', 'ok xn--fa-hia.de'],
  // No search list is ever used, so this is not the Service.
  ['kubernetes.default', 'kubernetes.default', 'ok kubernetes.default'],
  ['a.com.', 'a.com.', 'ok a.com'], ['a。com', 'a.com', 'ok a.com'],
];

/** The parser repairs or drops a part; what is left would be another target than the text says. */
const REPAIRED: readonly [string, string][] = [
  ['127.0.0.1\t.example', '127.0.0.1.example'], ['example\n.com', 'example.com'], ['user:pass@127.0.0.1', '127.0.0.1'], ['127.0.0.1:80@example.com', 'example.com'],
  ['@example.com', 'example.com'], ['example.com\\@127.0.0.1', 'example.com'], ['127.0.0.1:0', '127.0.0.1'], ['example.com:0', 'example.com'],
  ['example.com:22', 'example.com'],
];

describe('a host written oddly', () => {
  it.each(ADDRESSES)('%s is %s and refused by its address', (input, host) => {
    expect(parsedHost(input)).toBe(host);
    expect(classifyAddress(host.replace(/^\[|\]$/g, '')).public).toBe(false);
    expect(judge(input)).toBe('ADDRESS');
  });

  it.each(PUBLIC_NUMBERS)('%s is the public address %s', (input, host) => {
    expect([parsedHost(input), judge(input)]).toEqual([host, `ok ${host}`]);
  });

  it.each(ERRORS)('%j is no host', (input) => {
    expect([parsedHost(input), judge(input)]).toEqual([undefined, 'URL']);
  });

  it.each(NAMES)('%s is the name %s: %s', (input, host, verdict) => {
    expect([parsedHost(input), judge(input)]).toEqual([host, verdict]);
  });

  it.each(REPAIRED)('%j is refused as it is written, although the parser reads %s', (input, host) => {
    expect([parsedHost(input), judge(input)]).toEqual([host, 'URL']);
  });

  it.each(['example.com#@127.0.0.1', 'example.com?@127.0.0.1'])('%s leads to example.com', (input) => {
    expect(judge(input)).toBe('ok example.com');
  });
});

describe('names of metadata services and of clusters', () => {
  it.each([
    'metadata.google.internal', 'metadata', 'instance-data', 'metadata.tencentyun.com', 'metadata.packet.net', 'rancher-metadata', 'kubernetes.default.svc',
    'kubernetes', 'kubernetes.default.svc.cluster.local', 'instance-data.ec2.internal', 'METADATA.Google.Internal.',
  ])('%s is never asked for', (name) => {
    expect(judge(name)).toBe('NAME');
  });
});

describe('checkHostName()', () => {
  const noise = fc.string({ unit: fc.constantFrom('a', 'Z', '0', '9', '.', '-', '_', ':', '[', ']', '%', '@', '/', ' ', '\0', 'ü', '①', 'x', '0x', 'local', 'svc'), maxLength: 24 });

  it('never throws, and passes only what no parser takes for an address: for raw authorities too', () => {
    fc.assert(
      fc.property(noise, (text) => {
        const verdict = checkHostName(text);
        if (!verdict.ok) return;
        expect(verdict.name).toMatch(/^[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+$/);
        expect(verdict.name).not.toMatch(/(?:^|\.)(?:localhost|local|internal|lan|home\.arpa|cluster\.local|svc|onion|invalid|test)$/);
        expect(classifyAddress(verdict.name)).toMatchObject({ label: 'unparseable' });
        const parsed = parsedHost(verdict.name);
        // Punycode that decodes to nothing is no URL; everything else keeps its name.
        if (parsed !== undefined) expect(parsed).toBe(verdict.name);
        expect(checkHostName(verdict.name)).toEqual(verdict);
      }),
      { numRuns: 3_000 },
    );
  });

  it.each(['0x7f.1', '0177.0.0.1', '2130706433', '127.1', '①②⑦.⓪.⓪.①', 'fe80::1%lo', '[::1]', '::1', '10.0.0.1', '1.2.3.4.', 'a.0x', 'a.0X1f', 'a.1.'])(
    'refuses %s, which a resolver of the system would take',
    (host) => {
      expect(checkHostName(host).ok).toBe(false);
    },
  );
});
