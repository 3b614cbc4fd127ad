import { describe, expect, it } from '@jest/globals';
import { type AccessFacts, mayAccess } from './access.ts';

const isOwn = (url: URL): boolean => url.hostname === 'site.example';
const none: AccessFacts = { secFetchSite: undefined, referer: undefined, origin: undefined };

describe('mayAccess()', () => {
  it('lets everybody in when open', () => expect(mayAccess('open', none, isOwn)).toBe(true));

  it.each<[string, Partial<AccessFacts>, boolean]>([
    ['same origin', { secFetchSite: 'same-origin' }, true],
    ['same site', { secFetchSite: 'same-site' }, true],
    ['cross site', { secFetchSite: 'cross-site' }, false],
    ['typed by hand', { secFetchSite: 'none' }, false],
    ['cross site with our name in the referer', { secFetchSite: 'cross-site', referer: 'https://site.example/' }, false],
    ['nothing', {}, false],
    ['our referer', { referer: 'https://site.example/notes/1' }, true],
    ['our origin', { origin: 'https://site.example' }, true],
    ['foreign referer with our origin', { referer: 'https://evil.example/', origin: 'https://site.example' }, false],
    ['our name in a foreign referer', { referer: 'https://evil.example/?https://site.example/' }, false],
    ['our name before a foreign one', { referer: 'https://site.example.evil.example/' }, false],
    ['our name as userinfo', { referer: 'https://site.example@evil.example/' }, false],
    ['null origin', { origin: 'null' }, false],
    ['other scheme', { referer: 'file://site.example/' }, false],
  ])('site: %s', (_name, facts, allowed) => {
    expect(mayAccess('site', { ...none, ...facts }, isOwn)).toBe(allowed);
  });
});
