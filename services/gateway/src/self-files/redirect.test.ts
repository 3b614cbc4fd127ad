import { describe, expect, it } from '@jest/globals';
import { unwrapRedirect } from './redirect.ts';

const FILE = 'https://misskey.example/files/thumbnail-1';
const rules = {
  isOwn: (url: URL) => ['misskey.example', 'media.misskey.example'].includes(url.hostname.replace(/\.$/, '')),
  canonicalUrl: (text: string) => {
    const url = URL.parse(text);
    return url === null || url.username !== '' || !/^https?:$/.test(url.protocol) ? { ok: false as const, code: 'SEKISHO_TARGET_URL' as const } : { ok: true as const, url: url.href };
  },
};
const inner = encodeURIComponent('https://a.origin.example/x.png?y=1');

describe('unwrapRedirect()', () => {
  it.each<[string, string, string]>([
    ['the media route', `https://misskey.example/media/static.webp?url=${inner}&static=1`, 'https://a.origin.example/x.png?y=1'],
    ['relative', `/media/static.webp?url=${inner}&static=1`, 'https://a.origin.example/x.png?y=1'],
    ['the old route', `/proxy/static.webp?url=${inner}`, 'https://a.origin.example/x.png?y=1'],
    ['another own host', `https://media.misskey.example/media/?url=${inner}`, 'https://a.origin.example/x.png?y=1'],
    ['the path dialect', '/media/static/a.origin.example%2Fx.png', 'https://a.origin.example/x.png'],
    ['a foreign host', `https://b.origin.example/media/static.webp?url=${inner}`, 'SEKISHO_UPSTREAM_REDIRECTS'],
    ['a foreign host by slashes', `//b.origin.example/media/?url=${inner}`, 'SEKISHO_UPSTREAM_REDIRECTS'],
    ['credentials', `https://u:p@misskey.example/media/?url=${inner}`, 'SEKISHO_UPSTREAM_REDIRECTS'],
    ['another scheme', `ftp://misskey.example/media/?url=${inner}`, 'SEKISHO_UPSTREAM_REDIRECTS'],
    ['javascript', 'javascript:alert(1)', 'SEKISHO_UPSTREAM_REDIRECTS'],
    ['rubbish', 'http://[', 'SEKISHO_UPSTREAM_REDIRECTS'],
    ['another own file', '/files/other', 'SEKISHO_LOOP'],
    ['another own route', '/api/meta', 'SEKISHO_LOOP'],
    ['a media route without url', '/media/static.webp?static=1', 'SEKISHO_LOOP'],
    ['a media route with two', `/media/?url=${inner}&url=${inner}`, 'SEKISHO_LOOP'],
    ['us inside', `/media/?url=${encodeURIComponent('https://misskey.example/files/x')}`, 'SEKISHO_LOOP'],
    ['us inside, with a dot', `/media/?url=${encodeURIComponent('https://misskey.example./files/x')}`, 'SEKISHO_LOOP'],
    ['us inside, wrapped', `/media/?url=${encodeURIComponent(`https://misskey.example/media/?url=${inner}`)}`, 'SEKISHO_LOOP'],
    ['a target that is no target', `/media/?url=${encodeURIComponent('file:///etc/passwd')}`, 'SEKISHO_TARGET_URL'],
  ])('%s', (_name, location, expected) => {
    const unwrapped = unwrapRedirect(location, FILE, rules);
    expect(unwrapped.ok ? unwrapped.url : unwrapped.code).toBe(expected);
  });
});
