import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { inboxRoute } from './route.ts';

describe('inboxRoute()', () => {
  it.each(['/inbox', '/inbox?', '/inbox?x=1', '/inbox?%69nbox', '/users/9abc/inbox', '/users/a/inbox?b=/c', '/users/alice.b_c-d/inbox', '/users/@alice/inbox', '/users/.../inbox', `/users/${'a'.repeat(256)}/inbox`])('knows %s', (target) => {
    expect(inboxRoute(target)).toBe('inbox');
  });

  it.each([
    '/%69nbox', '/%69nbox?x', '/inbo%78', '/%2569nbox', '/%252569nbox', '/%25%36%39nbox', '/%2%35%36%39nbox', '/users/a/%69nbox', '/users/a%2Fb/inbox', '/users/a%2fb/inbox',
    '/users/a%20b/inbox', '/users/%61/inbox', '/%75sers/a/inbox', '/users%2Fa/inbox', '/users/a%2Finbox', '/%2finbox', '/users/a/b/inbox', '/users/é/inbox', '/users/a%0ab/inbox',
    '/users/../inbox', '/users/./inbox', '/users/%2e%2e/inbox', '/x/../inbox', '/./inbox', '/inbox/', '//inbox', '/users//a/inbox', '/INBOX', '/Inbox', '/users/A/INBOX',
    '/inbox;a=b', '/inbox%3Ba', '/inbox#x', '/inbox%23x', '/inbox%3Fx', '/inbox%20', '/inbox\\', '\\inbox', 'inbox', 'http://misskey.origin.example/inbox', 'HTTPS://x/users/a/inbox', 'http:///inbox', 'http://a?b/inbox', 'http://a#b/inbox',
    `/users/${'a'.repeat(257)}/inbox`, `/%${'25'.repeat(2_000)}69nbox`,
    '/users/;x/inbox', '/users/%20/inbox', '/users/%23x/inbox', '/users/%2523x/inbox', '/users/%3Fx/inbox', '/users/%2e/inbox', '/users/a%2f..%2fb/inbox', '/users//inbox', '/users/a/inbox;x/y', '/inbox;x/y', '/users/a\\..\\b/inbox', '/users/..;/inbox',
  ])('refuses %s', (target) => {
    expect(inboxRoute(target)).toBe('refused');
  });

  it.each(['/', '', '*', '/api/i', '/inbox2', '/inboxes', '/notes/inbox', '/users', '/users/a', '/users/a/outbox', '/users/a/inbox/b', '/@alice/inbox', '/inbox/x', '/x?/inbox', '/x?y=/users/a/inbox', '/%zz', '/%', '/in%62', '/files/%69nbox', '/proxy/image.webp?url=https%3A%2F%2Fa.example%2Finbox'])('leaves %s alone', (target) => {
    expect(inboxRoute(target)).toBe('none');
  });

  it('refuses every other percent-encoding of an inbox', () => {
    const canonical = fc.constantFrom('/inbox', '/users/9abc/inbox');
    const masks = fc.array(fc.nat({ max: 3 }), { minLength: 17, maxLength: 17 });
    const encode = (character: string, times: number): string => {
      if (times === 0) return character;
      const escaped = `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
      return times === 1 ? escaped : `%25${'25'.repeat(times - 2)}${escaped.slice(1)}`;
    };
    fc.assert(fc.property(canonical, masks, (path, times) => {
      fc.pre(times.slice(0, path.length).some((count) => count > 0));
      const target = path.split('').map((character, at) => encode(character, times[at] ?? 0)).join('');
      expect(inboxRoute(target)).toBe('refused');
    }));
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (target) => void inboxRoute(target)));
  });
});
