import { describe, expect, it } from '@jest/globals';
import { MEDIA_MODES } from '@sekisho/contracts';
import { loopIdentity } from '@sekisho/netguard';
import { hostileUrl, mediaTarget, webUrl } from '@sekisho/testkit/arbitraries';
import * as fc from 'fast-check';
import { cacheKey } from './key.ts';
import { createRequestRules } from './request-own.ts';
import { isMediaTarget } from './request-target.ts';
import { type ParsedMediaRequest, createTargetMemo, parseMediaRequest, readAskedTarget } from './request.ts';

const PUBLIC = new URL('https://site.example');
const identity = loopIdentity(PUBLIC.hostname, ['old.site.example']);
const OURS = identity.pseudonym;
const rules = createRequestRules({
  publicUrl: PUBLIC,
  ownHosts: ['old.site.example'],
  fileOrigins: [PUBLIC.origin],
  plainHttp: 'upgrade',
  identity,
});
const parse = (target: string, rawHeaders: string[] = [], method = 'GET'): ParsedMediaRequest =>
  parseMediaRequest({ method, target, rawHeaders }, rules);
const media = (target: string, rawHeaders: string[] = []) => {
  const parsed = parse(target, rawHeaders);
  if (parsed.kind !== 'media') throw new Error(JSON.stringify(parsed));
  return parsed.request;
};
const enc = encodeURIComponent;
const X = enc('https://a.origin.example/x.png');

describe('isMediaTarget()', () => {
  it.each([
    '/proxy', '/proxy/', '/proxy?url=x', '/proxy/image.webp?url=x', '/media', '/media/a/b', '/proxy#x', '/%70roxy/x', '/prox%79?url=',
    'http://site.example/proxy/x', 'HTTPS://site.example:8443/%6dedia?x', '/proxy;x?url=y', '/proxy%2Fx', '/%70roxy/%ff',
  ])('takes %s', (target) => expect(isMediaTarget(target)).toBe(true));

  it.each(['/', '/proxyx', '/mediax/', '/files/proxy', '/api/proxy', '//proxy', '/x?/proxy', '*', '/%ff', '/Proxy', 'site.example:443'])(
    'leaves %s to others',
    (target) => expect(isMediaTarget(target)).toBe(false),
  );
});

describe('parseMediaRequest(): which URL', () => {
  it.each([
    ['name and parameter', `/proxy/image.webp?url=${X}`],
    ['empty path', `/proxy/?url=${X}`],
    ['no slash', `/media?url=${X}`],
    ['deep path', `/media/a/b/c.png?url=${X}`],
    ['io dialect', `/proxy/image/${enc('a.origin.example/x.png')}`],
    ['io dialect with flags first', `/proxy/emoji/${enc('a.origin.example/x.png')}?fallback=1`],
    ['io dialect with a scheme', `/media/svg/${X}`],
    ['io dialect with slashes that an ingress decoded', '/proxy/redirect/a.origin.example/x.png'],
    ['parameter wins over the path', `/proxy/emoji/${enc('b.origin.example/y.png')}?url=${X}`],
    ['own proxy inside, once', `/proxy/image.webp?url=${enc(`https://site.example/proxy/static.webp?url=${X}&static=1`)}`],
    ['own proxy of another own name inside', `/proxy/image.webp?url=${enc(`http://OLD.site.example.:8080/media?url=${X}`)}`],
    ['own proxy inside, io dialect', `/proxy/image.webp?url=${enc(`https://site.example/proxy/emoji/${enc('a.origin.example/x.png')}`)}`],
    ['fragment', `/proxy/x?url=${enc('https://a.origin.example/x.png#y')}`],
    ['case of scheme and host', `/proxy/x?url=${enc('HTTPS://A.Origin.EXAMPLE/x.png')}`],
    ['default port', `/proxy/x?url=${enc('https://a.origin.example:443/x.png')}`],
    ['trailing dot', `/proxy/x?url=${enc('https://a.origin.example./x.png')}`],
    ['plain http', `/proxy/x?url=${enc('http://a.origin.example/x.png')}`],
    ['dot segments', `/proxy/x?url=${enc('https://a.origin.example/b/../x.png')}`],
  ])('reads %s as the same picture', (_name, target) => {
    expect(media(target).url).toBe('https://a.origin.example/x.png');
  });

  it.each([
    ['double encoding', 'https://a.origin.example/x%2520.png', 'https://a.origin.example/x%20.png'],
    ['query', 'https://a.origin.example/x?a=1', 'https://a.origin.example/x?a=2'],
    ['case of the path', 'https://a.origin.example/X', 'https://a.origin.example/x'],
  ])('keeps pictures apart that differ in %s', (_name, a, b) => {
    expect(media(`/proxy/x?url=${enc(a)}`).url).not.toBe(media(`/proxy/x?url=${enc(b)}`).url);
  });

  it.each([
    ['no url', '/proxy/image.webp'],
    ['unknown io type', `/proxy/picture/${enc('a.origin.example/x.png')}`],
    ['io type without a URL', '/proxy/image/'],
    ['io dialect with a broken escape', '/proxy/image/%E0%A4%A'],
    ['empty url', '/proxy/x?url='],
    ['two urls', `/proxy/x?url=${X}&url=${X}`],
    ['two urls, one empty', `/proxy/x?url=${X}&url=`],
    ['relative', '/proxy/x?url=%2Fx.png'],
    ['file', '/proxy/x?url=file%3A%2F%2F%2Fetc%2Fpasswd'],
    ['data', '/proxy/x?url=data%3A%2C1'],
    ['ftp', `/proxy/x?url=${enc('ftp://a.origin.example/')}`],
    ['no host', `/proxy/x?url=${enc('https://')}`],
    ['length above the limit', `/proxy/x?url=${enc(`https://a.origin.example/${'a'.repeat(8_192 - 24)}`)}`],
    ['length above the limit once escaped', `/proxy/x?url=${enc(`https://a.origin.example/${'あ'.repeat(1_000)}`)}`],
    ['too many parameters', `/proxy/x?url=${X}${'&a=1'.repeat(64)}`],
    ['own proxy inside without a URL', `/proxy/x?url=${enc('https://site.example/proxy/x')}`],
  ])('answers 400 to %s', (_name, target) => {
    expect(parse(target)).toMatchObject({ kind: 'refused', code: 'SEKISHO_REQUEST_URL_INVALID' });
  });

  it('takes a URL at the limit', () => {
    expect(media(`/proxy/x?url=${enc(`https://a.origin.example/${'a'.repeat(8_192 - 25)}`)}`).url).toHaveLength(8_192);
  });

  it.each([
    ['two own proxies inside', `https://site.example/proxy/a?url=${enc(`https://site.example/proxy/b?url=${X}`)}`],
    ['own page', 'https://site.example/notes/1'],
    ['own API under another scheme and port', 'http://site.example:3000/api/meta'],
    ['other own name', 'https://old.site.example/'],
    ['own file with a query', 'https://site.example/files/a?x'],
    ['own file with a further segment', 'https://site.example/files/a/b'],
    ['own file with credentials', 'https://u:p@site.example/files/a'],
  ])('answers 508 to %s', (_name, url) => {
    expect(parse(`/proxy/x?url=${enc(url)}`)).toMatchObject({ kind: 'refused', code: 'SEKISHO_LOOP' });
  });

  it.each(['SITE.Example', 'site.example.', 'site.example:8443', 'site%2eexample', 'ｓite.example', 'bücher.example', 'xn--bcher-kva.example', 'XN--BCHER-KVA.example.:80', '[2001:DB8:0::7]', '[2001:db8::7]:3000'])(
    'answers 508 to the own host written %s',
    (host) => {
      const own = createRequestRules({ publicUrl: PUBLIC, ownHosts: ['Bücher.example', '[2001:db8::7]'], fileOrigins: [], plainHttp: 'upgrade', identity });
      for (const scheme of ['http', 'https']) {
        expect(parseMediaRequest({ method: 'GET', target: `/media/x?url=${enc(`${scheme}://${host}/x`)}`, rawHeaders: [] }, own)).toMatchObject({ kind: 'refused', code: 'SEKISHO_LOOP' });
      }
    },
  );

  it.each([
    ['directly', 'https://site.example/files/a-b.webp'],
    ['inside our proxy', `https://site.example/proxy/avatar.webp?url=${enc('https://site.example/files/a-b.webp')}&avatar=1`],
  ])('takes an own file %s', (_name, url) => {
    expect(media(`/proxy/avatar.webp?url=${enc(url)}&avatar=1`)).toMatchObject({ url: 'https://site.example/files/a-b.webp', mode: 'avatar' });
  });

  it.each([
    ['userinfo', 'https://u@a.origin.example/'], ['empty userinfo', 'https://@a.origin.example/'], ['a dropped newline', 'https://a.origin\n.example/'],
  ])('refuses %s as a target', (_name, url) => {
    expect(parse(`/proxy/x?url=${enc(url)}`)).toMatchObject({ kind: 'refused', code: 'SEKISHO_TARGET_URL' });
  });

  it('passes on the code of the address rules and keeps the wish for a placeholder', () => {
    expect(parse(`/proxy/x?url=${enc('https://u:p@a.origin.example/')}&fallback`, [], 'HEAD')).toEqual({
      kind: 'refused',
      code: 'SEKISHO_TARGET_URL',
      asked: { method: 'HEAD', fallback: true },
    });
  });
});

describe('parseMediaRequest(): mode', () => {
  it.each([
    ['', 'asis'], ['emoji', 'emoji'], ['emoji=', 'emoji'], ['emoji=0', 'emoji'], ['emoji=1', 'emoji'],
    ['avatar=1', 'avatar'], ['static=1', 'static'], ['preview=1', 'preview'], ['badge=1', 'badge'],
    ['emoji=1&static=1', 'emoji-static'], ['avatar=1&static=1', 'avatar-static'], ['emoji=1&avatar=1', 'emoji'],
    ['badge=1&preview=1', 'preview'], ['preview=1&static=1', 'static'], ['static=1&badge=1', 'static'],
    ['emoji=1&badge=1&preview=1', 'emoji'], ['Emoji=1', 'asis'], ['thumbnail=1&tinify=1', 'asis'],
  ])('%j is %s', (query, mode) => {
    expect(media(`/proxy/emoji.webp?${query}&url=${X}`).mode).toBe(mode);
  });

  it('does not take the mode from the io type', () => {
    expect(media(`/proxy/emoji/${enc('a.origin.example/x')}`).mode).toBe('asis');
    expect(media(`/proxy/image/${enc('a.origin.example/x')}?emoji=1`).mode).toBe('emoji');
  });

  it('gives one key per mode and one for all spellings', () => {
    const keyOf = (target: string): string => {
      const { mode, url } = media(target);
      return cacheKey({ policy: 'p', epoch: 1, mode, url });
    };
    expect(keyOf(`/proxy/a?url=${X}&emoji=0&fallback=1`)).toBe(keyOf(`/media/emoji/${enc('A.origin.example:443/x.png#f')}?emoji`));
    const flags = ['', 'emoji', 'avatar', 'static', 'preview', 'badge', 'emoji&static', 'avatar&static'];
    expect(new Set(flags.map((flag) => keyOf(`/proxy/a?url=${X}&${flag}`))).size).toBe(MEDIA_MODES.length);
  });
});

describe('parseMediaRequest(): method and headers', () => {
  it('knows GET, HEAD and OPTIONS', () => {
    expect(media(`/proxy/x?url=${X}`).method).toBe('GET');
    expect(parse(`/proxy/x?url=${X}`, [], 'HEAD')).toMatchObject({ kind: 'media', request: { method: 'HEAD' } });
    expect(parse('/proxy/x', [], 'OPTIONS')).toEqual({ kind: 'options' });
    for (const method of ['POST', 'PUT', 'DELETE', 'get', 'TRACE', '']) {
      expect(parse(`/proxy/x?url=${X}&fallback=1`, [], method)).toMatchObject({ code: 'SEKISHO_REQUEST_METHOD', asked: { fallback: false } });
    }
  });

  it.each(['misskey/1.0', 'Misskey/2026.1 (https://b.example)', 'MisskeyMediaProxy/0.0.24', 'CherryPick/4', 'Sharkey/2025', 'x Sekisho/1'])(
    'refuses the proxy %s',
    (agent) => {
      expect(parse(`/proxy/x?url=${X}&fallback`, ['User-Agent', agent])).toEqual({
        kind: 'refused', code: 'SEKISHO_CLIENT_PROXY', asked: { method: 'GET', fallback: true },
      });
    },
  );

  it.each([[[]], [['User-Agent', '']], [['User-Agent', 'Mozilla/5.0 (misskey fan)']]])('lets others in: %j', (headers) => {
    expect(parse(`/proxy/x?url=${X}`, headers).kind).toBe('media');
  });

  it('hands every Via and CDN-Loop line to the loop check', () => {
    expect(parse(`/proxy/x?url=${X}`, ['Via', '1.0 x', 'vIA', `1.1 ${OURS.toUpperCase()} (c)`])).toMatchObject({ code: 'SEKISHO_LOOP' });
    expect(parse(`/proxy/x?url=${X}`, ['CDN-Loop', `x, ${OURS}`])).toMatchObject({ code: 'SEKISHO_LOOP' });
    expect(parse(`/proxy/x?url=${X}`, ['Via', '1.0 x'])).toMatchObject({ kind: 'media', inboundVia: true, request: { loop: { via: ['1.0 x'] } } });
    expect(parse(`/proxy/x?url=${X}`)).toMatchObject({ inboundVia: false });
  });

  it.each([
    ['bytes=0-3', 'bytes=0-3'], ['bytes=0-', 'bytes=0-'], ['bytes=-5', 'bytes=-5'], ['bytes=7-7', 'bytes=7-7'],
    ['bytes=9-1', undefined], ['bytes=-', undefined], ['bytes=0-1,3-4', undefined], ['bytes=a-b', undefined], ['items=0-1', undefined],
    ['bytes= 0-1', undefined], ['bytes=0-9999999999999999', undefined], [`bytes=${'0-,'.repeat(19)}0-`, undefined],
  ])('range %j becomes %j', (given, range) => {
    expect(media(`/proxy/x?url=${X}`, ['Range', given]).range).toBe(range);
  });

  it('ignores a repeated Range and joins validators', () => {
    const request = media(`/proxy/x?url=${X}`, ['range', 'bytes=0-1', 'Range', 'bytes=2-3', 'If-None-Match', '"a"', 'if-none-match', '"b"', 'If-Range', '"c"']);
    expect(request).toMatchObject({ range: undefined, ifNoneMatch: '"a", "b"', ifRange: '"c"' });
  });
});

describe('parseMediaRequest() on anything', () => {
  it('never throws and never lets a foreign scheme or an own page through', () => {
    fc.assert(
      fc.property(fc.oneof(mediaTarget(), fc.tuple(hostileUrl(), hostileUrl()).map(([path, url]) => `/proxy/${path}?url=${url}`)), (target) => {
        const parsed = parse(target);
        if (parsed.kind !== 'media') return;
        const result = new URL(parsed.request.url);
        expect(result.href).toBe(parsed.request.url);
        expect(['http:', 'https:']).toContain(result.protocol);
        expect(result.hash).toBe('');
        if (result.hostname === 'site.example') expect(result.pathname).toMatch(/^\/files\//);
      }),
      { numRuns: 500 },
    );
  });

  it('is idempotent: the canonical URL asked again is itself', () => {
    fc.assert(
      fc.property(webUrl(), (url) => {
        const first = media(`/proxy/x?url=${enc(url)}`).url;
        expect(media(`/proxy/x?url=${enc(first)}`).url).toBe(first);
      }),
      { numRuns: 300 },
    );
  });

  it('reads the same with a memo, first and again, also past its bounds', () => {
    const memo = createTargetMemo(rules);
    const targets = Array.from({ length: 5_000 }, (_, at) => `/proxy/x?url=${enc(`https://a.origin.example/${at}`)}&${at % 2 === 0 ? 'emoji' : 'fallback'}`);
    for (const target of [...targets, targets[0]!, `/proxy/x?url=${'a'.repeat(9_000)}`]) {
      const once = memo(target);
      expect(once).toEqual(readAskedTarget(target, rules));
      expect(memo(target)).toEqual(once);
    }
  });
});
