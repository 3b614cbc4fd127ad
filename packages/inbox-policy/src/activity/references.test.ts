import { describe, expect, it } from '@jest/globals';
import { INBOX_LIMITS } from '@sekisho/contracts';
import fc from 'fast-check';
import { isPublicHost } from '../testing/activity.ts';
import { hostOf, parseReference, sameId } from './references.ts';

const allow = (host: string, authority: string): boolean => host === authority && isPublicHost(host);
const hostIn = (text: string): string | undefined => parseReference(text, allow)?.host;
const ofLength = (chars: number): string => 'https://a.example/'.padEnd(chars, 'x');

describe('parseReference()', () => {
  it.each([
    ['https://a.example/x', 'a.example'],
    ['https://a.example', 'a.example'],
    ['https://a.example?x=1#y', 'a.example'],
    ['https://a-b.c-d.example/x', 'a-b.c-d.example'],
    ['https://1.a.example/', '1.a.example'],
    // Spelled otherwise, the same for every reader after normalisation (Mastodon CVE-2023-42451).
    ['https://A.Example/X', 'a.example'],
    ['https://v。example/', 'v.example'],
    ['https://bücher.example/', 'xn--bcher-kva.example'],
    ['https://xn--bcher-kva.example/', 'xn--bcher-kva.example'],
    ['https://a.example:443/x', 'a.example'],
    ['HTTPS://a.example/x', 'a.example'],
    ['https://a.example/an article', 'a.example'],
    ['https://a.example/日本語', 'a.example'],
    ['https://a.example/@alice', 'a.example'],
    ['https://a.example/?u=x@y', 'a.example'],
  ])('takes %s', (text, host) => {
    expect(hostIn(text)).toBe(host);
  });

  it.each([
    'http://a.example/x', 'file:///etc/passwd', 'javascript:alert(1)', 'data:text/html,x', 'bear:?u=https://a.example/', 'a.example/x', '/x', '', 'a', '//a.example/x',
    'https:a.example/x', 'https:/a.example/x', 'https:///a.example/x', 'https://', 'https:///',
    'https://a.example:6379/', 'https://a.example:80/x', 'https://u@a.example/', 'https://u:p@a.example/', 'https://@a.example/', 'https://:@a.example/',
    // Addresses in every spelling that a URL parser knows.
    'https://127.0.0.1/', 'https://0.0.0.0/x', 'https://8.8.8.8/', 'https://2130706433/', 'https://0x7f000001/', 'https://0177.0.0.1/', 'https://127.1/', 'https://0x7f.1/',
    'https://[::1]/', 'https://[::ffff:127.0.0.1]/', 'https://[2001:db8::1]/', 'https://１２７.0.0.1/', 'https://127.0.0.1./', 'https://a.0x7f/', 'https://a.1/',
    'https://localhost/', 'https://redis/x', 'https://redis.misskey.svc/', 'https://x.local/', 'https://x.internal/', 'https://x.onion/',
    'https://a.example./x', 'https://.a.example/', 'https://a..example/', 'https://a.example%00.evil.example/',
    'https://a.example\\@b.example/', 'https://a.example/\\x', ' https://a.example/', 'https://a.example/ ', 'https://a.example/\n', 'ht\ntps://a.example/', 'https://a.exa\tmple/',
    'https://a.example/\u0000', 'https://a.example/\u0085', 'https://a.example/\ud800',
  ])('refuses %j', (text) => {
    expect(hostIn(text)).toBeUndefined();
  });

  it('counts characters', () => {
    expect(hostIn(ofLength(INBOX_LIMITS.urlCharsMax))).toBe('a.example');
    expect(hostIn(ofLength(INBOX_LIMITS.urlCharsMax + 1))).toBeUndefined();
  });

  it('asks for the host with its port, so that an instance may have one', () => {
    const own = (_host: string, authority: string): boolean => authority === 'm.example:8443';
    expect(parseReference('https://m.example:8443/x', own)?.host).toBe('m.example');
    expect(parseReference('https://m.example:8444/x', own)).toBeUndefined();
    expect(parseReference('https://m.example/x', own)).toBeUndefined();
  });

  it('never throws, and gives the host that a URL parser gives', () => {
    const char = fc.constantFrom(...'https://a.example:443/?#@[]\\ 0x1.-é。\u0000%2e'.split(''));
    const text = fc.oneof(fc.string(), fc.array(char, { maxLength: 40 }).map((chars) => `https://${chars.join('')}`), fc.webUrl());
    fc.assert(fc.property(text, (url) => {
      const reference = parseReference(url, () => true);
      if (reference === undefined) return;
      const parsed = new URL(url);
      expect(reference.host).toBe(parsed.hostname);
      expect(reference.host).toMatch(/^[^:@/\\[\]]+$/);
      expect(parsed.username + parsed.password).toBe('');
      expect(hostOf(url)).toBe(parsed.hostname);
    }), { numRuns: 3_000 });
  });
});

describe('sameId()', () => {
  it.each([
    ['https://a.example/u', 'https://a.example/u', true],
    ['https://A.example/u', 'https://a.example/u', true],
    ['https://a.example', 'https://a.example/', true],
    ['https://a.example/u', 'https://a.example/U', false],
    ['https://a.example/u', 'https://a.example/u/', false],
    ['https://a.example/u', 'https://a.example/u#x', false],
    ['https://a.example/u', 'https://b.example/u', false],
  ])('%s and %s: %s', (left, right, same) => {
    expect(sameId(left, right)).toBe(same);
  });
});
