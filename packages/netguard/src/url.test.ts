import { describe, expect, it } from '@jest/globals';
import type { Code } from '@sekisho/contracts';
import { deniedAddress, hostName, hostileUrl, internalHost, publicAddress, webUrl } from '@sekisho/testkit/arbitraries';
import fc from 'fast-check';
import { createAddressPolicy } from './address-policy.ts';
import { classifyAddress } from './address.ts';
import { createHostMatcher } from './host-list.ts';
import { canonicalUrl, checkTargetUrl, ownHostSet, type PlainHttp, type TargetRules } from './url.ts';

const OWN = ownHostSet(['misskey.origin.example', 'Bücher.origin.example', 'localhost']);

const rules = (over: Partial<TargetRules> = {}): TargetRules => ({ plainHttp: 'allow', ownHosts: OWN, policy: createAddressPolicy(), ...over });
const codeOf = (url: string, over: Partial<TargetRules> = {}): Code | 'ok' => {
  const verdict = checkTargetUrl(url, rules(over));
  return verdict.ok ? 'ok' : verdict.code;
};

/** Hosts whose parsed form is the given address: the table of WHATWG host parsing. */
const NUMBERS: readonly [string, string][] = [
  ...`0177.0.0.1 0x7f.1 0x7f000001 2130706433 017700000001 127.1 127.0.1 127.0.0.1. 2130706433. ①②⑦.⓪.⓪.① 127。0。0。1
    127｡0｡0｡1 １２７.０.０.１ %31%32%37.0.0.1 127.0.0.1%2e`.split(/\s+/).map((host): [string, string] => [host, '127.0.0.1']),
  ...'0 0x 0x.0x.0 %30'.split(' ').map((host): [string, string] => [host, '0.0.0.0']),
  ['0300.0250.1', '192.168.0.1'], ['3232235777', '192.168.1.1'],
  ['[::127.0.0.1]', '::7f00:1'], ['[::ffff:127.0.0.1]', '::ffff:7f00:1'], ['[64:ff9b::127.0.0.1]', '64:ff9b::7f00:1'],
  ['[0:0:0:0:0:0:0:1]', '::1'],
];
const UNPARSEABLE = [
  ...`256.1.1.1 1.2.3.4.5 4294967296 08.1.1.1 0x7f.08 foo.09 example.127 example.0x7f [::1%25lo] [fe80::1%eth0] [::1]. [::1]x
    [::01.02.03.04] localhost%00 127.0.0.1%00.example.com exa%20mple.com exam<ple.com a.example:65536 a.example:+80`.split(/\s+/),
  'ex ample.com', 'a.example:٨٠', '',
];
const BAD_NAMES = `localhost.. 127.0.0.1.. . .. %2e %2E%2e a..b _foo.example.com a_b.example.com a'b.com foo foo. redis
  kubernetes.default.svc redis.misskey.svc.cluster.local metadata metadata.google.internal a.local a.lan a.home.arpa x.onion
  a.test a.invalid a.localhost printer.localdomain ${'a'.repeat(64)}.example`.split(/\s+/);
const GOOD_NAMES = `a.example www.example.com ａ.com faß.de xn--fa-hia.de 127.0.0.1.nip.io 0x7f.1.example.com 1.example.org
  localhost.example.org -a.com a-.com internal.example.org test.example.org ${'a'.repeat(63)}.example`.split(/\s+/);

describe('checkTargetUrl()', () => {
  it.each(NUMBERS)('refuses %s, which is %s', (host, address) => {
    expect(classifyAddress(address).public).toBe(false);
    for (const scheme of ['http', 'https']) expect(codeOf(`${scheme}://${host}/`)).toBe('SEKISHO_TARGET_ADDRESS');
  });

  it.each(UNPARSEABLE)('refuses the unparseable host %j', (host) => {
    expect(codeOf(`https://${host}/`)).toBe('SEKISHO_TARGET_URL');
  });

  it.each(BAD_NAMES)('refuses the name %s', (host) => {
    expect(codeOf(`https://${host}/`, { ownHosts: new Set() })).toBe('SEKISHO_TARGET_NAME');
  });

  it.each(GOOD_NAMES)('passes the name %s', (host) => {
    expect(codeOf(`https://${host}/a?b#c`)).toBe('ok');
  });

  it('passes public literals', () => {
    for (const host of ['8.8.8.8', '[2606:4700::1]', '0x08.8.8.8', '1.2.3']) expect(codeOf(`https://${host}/`)).toBe('ok');
    expect(checkTargetUrl('https://[2606:4700:0::1]/', rules())).toMatchObject({ host: '2606:4700::1', port: 443, tls: true });
  });

  it.each(['user:pass@a.example', 'user@a.example', '@a.example', ':@a.example', '127.0.0.1:80@a.example', '//user@a.example'])(
    'refuses userinfo in %s',
    (rest) => {
      expect(codeOf(`https://${rest}/`)).toBe('SEKISHO_TARGET_URL');
    },
  );

  it.each(['a.example/@b', 'a.example?@b', 'a.example#@127.0.0.1'])('does not take the @ of %s for userinfo', (rest) => {
    expect(codeOf(`https://${rest}`)).toBe('ok');
  });

  it.each([
    'ftp://a.example/', 'file:///etc/passwd', 'gopher://a.example/', 'javascript:alert(1)', 'data:text/plain,x', 'ws://a.example/', 'a.example', '//a.example/', '',
    'https://a.ex\tample/', 'https://a.example/\n', 'https://a.example/\u0000', 'https://a.example\\@127.0.0.1/', 'https:\\\\a.example/',
    `https://a.example/${'x'.repeat(8_192)}`, `https://a.example/${'ü'.repeat(2_000)}`,
  ])('refuses %j', (url) => {
    expect(codeOf(url)).toBe('SEKISHO_TARGET_URL');
  });

  it.each(['0', '1', '22', '79', '81', '444', '8080', '8443', '65535'])('refuses port %s', (port) => {
    for (const scheme of ['http', 'https']) expect(codeOf(`${scheme}://a.example:${port}/`)).toBe('SEKISHO_TARGET_URL');
  });

  it.each(['misskey.origin.example', 'MISSKEY.Origin.Example', 'misskey.origin.example.', 'misskey.origin.example:8443', 'ｍisskey.origin.example',
    'bücher.origin.example', 'xn--bcher-kva.origin.example', 'localhost', 'localhost.', 'misskey%2eorigin.example'])('calls the own host %s a loop', (host) => {
    for (const scheme of ['http', 'https']) {
      for (const plainHttp of ['upgrade', 'allow', 'deny'] satisfies PlainHttp[]) expect(codeOf(`${scheme}://${host}/x`, { plainHttp })).toBe('SEKISHO_LOOP');
    }
  });

  describe('with proxy URLs in proxy URLs', () => {
    const nest = (hosts: readonly string[], last: string): string => hosts.reduceRight((inner, host) => `https://${host}/proxy/x.webp?url=${encodeURIComponent(inner)}`, last);
    const others = (count: number): string[] => Array.from({ length: count }, () => 'b.example');

    it.each([1, 2, 6])('finds our own proxy behind %i others', (count) => {
      expect(codeOf(nest([...others(count), 'Misskey.origin.example.:8443'], 'https://c.example/a.png'))).toBe('SEKISHO_LOOP');
      expect(codeOf(nest([...others(count), 'c.example'], 'https://c.example/a.png'))).toBe('ok');
    });

    it.each<[string, Code | 'ok']>([
      ['https://misskey.origin.example/media/x?url=y', 'SEKISHO_LOOP'], ['https://misskey.origin.example/media', 'SEKISHO_LOOP'],
      ['https://misskey.origin.example/mediator', 'ok'], ['https://misskey.origin.example/files/a', 'ok'], ['no URL', 'ok'],
    ])('says of %s inside: %s', (inner, code) => {
      expect(codeOf(`https://b.example/?a=1&url=${encodeURIComponent(inner)}`)).toBe(code);
    });

    it('refuses more levels than it looks into', () => {
      const plain = (count: number): string => `https://b.example/?url=${'https://b.example/?url='.repeat(count)}https://c.example/`;
      expect(codeOf(plain(15))).toBe('ok');
      expect(codeOf(plain(16))).toBe('SEKISHO_LOOP');
    });
  });

  it('refuses blocked hosts and their subdomains', () => {
    const blockedHosts = createHostMatcher(['evil.example', '8.8.8.8']);
    for (const host of ['evil.example', 'a.EVIL.example.', '8.8.8.8', '134744072']) expect(codeOf(`https://${host}/`, { blockedHosts })).toBe('SEKISHO_TARGET_BLOCKED');
    for (const host of ['notevil.example', 'evil.example.org', '8.8.4.4']) expect(codeOf(`https://${host}/`, { blockedHosts })).toBe('ok');
  });

  it.each<[PlainHttp, string, Code | 'ok', string]>([
    ['upgrade', 'http://a.example/x?y#z', 'ok', 'https://a.example/x?y'],
    ['upgrade', 'http://a.example.:80/', 'ok', 'https://a.example/'],
    ['allow', 'http://a.example/x', 'ok', 'http://a.example/x'],
    ['deny', 'http://a.example/x', 'SEKISHO_TARGET_PLAIN_HTTP', ''],
    ['deny', 'https://a.example/x', 'ok', 'https://a.example/x'],
    ['upgrade', 'http://a.example:443/', 'SEKISHO_TARGET_URL', ''],
    ['upgrade', 'https://a.example:80/', 'SEKISHO_TARGET_URL', ''],
  ])('in mode %s makes of %s: %s %s', (plainHttp, url, code, href) => {
    expect(codeOf(url, { plainHttp })).toBe(code);
    const verdict = checkTargetUrl(url, rules({ plainHttp }));
    if (verdict.ok) expect([verdict.url.href, verdict.tls, verdict.port]).toEqual([href, href.startsWith('https:'), href.startsWith('https:') ? 443 : 80]);
  });

  it('lets a port of an unsafe target pass, with http kept as it is, but no other literal on it', () => {
    const policy = createAddressPolicy({ unsafeAllowTargets: ['127.0.0.1:8443'] });
    for (const plainHttp of ['upgrade', 'allow', 'deny'] satisfies PlainHttp[]) {
      expect(checkTargetUrl('http://a.example:8443/', rules({ policy, plainHttp }))).toMatchObject({ ok: true, port: 8443, tls: false });
      expect(checkTargetUrl('https://127.0.0.1:8443/', rules({ policy, plainHttp }))).toMatchObject({ ok: true, port: 8443, tls: true });
    }
    expect(codeOf('http://127.0.0.2:8443/', { policy })).toBe('SEKISHO_TARGET_ADDRESS');
    expect(codeOf('http://8.8.8.8:8443/', { policy })).toBe('SEKISHO_TARGET_ADDRESS');
    expect(codeOf('http://127.0.0.1/', { policy })).toBe('SEKISHO_TARGET_ADDRESS');
    expect(codeOf('http://a.example:8444/', { policy })).toBe('SEKISHO_TARGET_URL');
  });

  it('passes names and addresses of the world and refuses internal ones, whatever they are', () => {
    const urlOf = (host: string): string => `https://${host.includes(':') ? `[${host}]` : host}/`;
    fc.assert(fc.property(fc.oneof(hostName(), publicAddress()), (host) => checkTargetUrl(urlOf(host), rules()).ok));
    fc.assert(fc.property(internalHost(), (host) => codeOf(urlOf(host)) === 'SEKISHO_TARGET_NAME'));
    fc.assert(fc.property(deniedAddress(), (host) => codeOf(urlOf(host)) === 'SEKISHO_TARGET_ADDRESS'));
  });

  it('never throws, and what passes is http(s), without userinfo, on a web port and no non-public literal', () => {
    fc.assert(
      fc.property(hostileUrl(), fc.constantFrom<PlainHttp>('upgrade', 'allow', 'deny'), (url, plainHttp) => {
        const verdict = checkTargetUrl(url, rules({ plainHttp }));
        if (!verdict.ok) return;
        expect(verdict.url.username + verdict.url.password + verdict.url.hash).toBe('');
        expect(verdict.tls ? [443, 'https:'] : [80, 'http:']).toEqual([verdict.port, verdict.url.protocol]);
        expect(verdict.host.endsWith('.')).toBe(false);
        const literal = classifyAddress(verdict.host);
        if (!literal.public) expect(literal.label).toBe('unparseable');
        expect(checkTargetUrl(verdict.url.href, rules())).toMatchObject({ ok: true, host: verdict.host });
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('canonicalUrl()', () => {
  it.each<[string, PlainHttp, string]>([
    ['HTTPS://A.Example:443/x#y', 'upgrade', 'https://a.example/x'],
    ['http://a.example./x?b=2&a=1', 'upgrade', 'https://a.example/x?b=2&a=1'],
    ['http://a.example:80/x', 'allow', 'http://a.example/x'],
    ['http://a.example/x', 'deny', 'http://a.example/x'],
    ['http://a.example:8080/x', 'upgrade', 'http://a.example:8080/x'],
    ['https://a.example', 'upgrade', 'https://a.example/'],
    ['https://a.example/?', 'upgrade', 'https://a.example/?'],
    ['https://faß.de/ü', 'upgrade', 'https://xn--fa-hia.de/%C3%BC'],
    ['https://a.example/a/../b', 'upgrade', 'https://a.example/b'],
  ])('folds %s (%s) to %s', (url, plainHttp, expected) => {
    expect(canonicalUrl(url, plainHttp)).toMatchObject({ ok: true, url: expected });
  });

  it.each(['https://u:p@a.example/', 'ftp://a.example/', 'x', ''])('refuses %j', (url) => {
    expect(canonicalUrl(url, 'upgrade')).toMatchObject({ ok: false, code: 'SEKISHO_TARGET_URL' });
  });

  it('is idempotent, and names the URL that would be fetched', () => {
    fc.assert(
      fc.property(webUrl(), (url) => {
        const once = canonicalUrl(url, 'upgrade');
        if (!once.ok) return;
        expect(canonicalUrl(once.url, 'upgrade')).toEqual(once);
        const target = checkTargetUrl(url, rules({ plainHttp: 'upgrade' }));
        if (target.ok) expect(target.url.href).toBe(once.url);
      }),
    );
  });
});

describe('ownHostSet()', () => {
  it('refuses what is no host', () => {
    expect(() => ownHostSet(['a b'])).toThrow(TypeError);
  });
});
