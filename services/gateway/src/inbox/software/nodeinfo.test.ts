import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readLinks, readNodeinfo } from './nodeinfo.ts';

const HOST = 'peer.example';
const bytes = (value: unknown): Uint8Array => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const V20 = 'http://nodeinfo.diaspora.software/ns/schema/2.0';
const V21 = 'http://nodeinfo.diaspora.software/ns/schema/2.1';
const links = (...pairs: readonly (readonly [unknown, unknown])[]): unknown => ({ links: pairs.map(([rel, href]) => ({ rel, href })) });

describe('readLinks()', () => {
  it.each<[string, unknown, string | undefined]>([
    ['the newest', links([V20, `https://${HOST}/2.0`], [V21, `https://${HOST}/2.1`]), `https://${HOST}/2.1`],
    ['the older one alone', links([V20, `https://${HOST}/nodeinfo/2.0`]), `https://${HOST}/nodeinfo/2.0`],
    ['without a fragment', links([V21, `https://PEER.example:443/2.1#x`]), `https://${HOST}/2.1`],
    ['an older one on the host where the newer is not', links([V21, 'https://other.example/2.1'], [V20, `https://${HOST}/2.0`]), `https://${HOST}/2.0`],
    ['nothing of another host', links([V21, 'https://other.example/2.1']), undefined],
    ['nothing of a host below', links([V21, `https://x.${HOST}/2.1`]), undefined],
    ['nothing of a host above', links([V21, 'https://example/2.1']), undefined],
    ['nothing of another port', links([V21, `https://${HOST}:8443/2.1`]), undefined],
    ['no plain http', links([V21, `http://${HOST}/2.1`]), undefined],
    ['no credentials', links([V21, `https://u:p@${HOST}/2.1`]), undefined],
    ['no path alone', links([V21, '/2.1']), undefined],
    ['no other schema', links(['http://nodeinfo.diaspora.software/ns/schema/1.0', `https://${HOST}/1.0`], [`${V21}#`, `https://${HOST}/2.1`]), undefined],
    ['no wrong types', { links: [null, 7, 'x', [], { rel: [V21], href: `https://${HOST}/` }, { rel: V21, href: { url: `https://${HOST}/` } }] }, undefined],
    ['no links behind many', links(...Array.from({ length: 32 }, () => ['x', 'y'] as const), [V21, `https://${HOST}/2.1`]), undefined],
    ['no links', {}, undefined], ['no object', [], undefined], ['no JSON', '<html>', undefined], ['nothing', '', undefined], ['a deep document', '['.repeat(60_000), undefined],
    ['links that are none', { links: { 0: { rel: V21, href: `https://${HOST}/2.1` } } }, undefined],
  ])('takes %s', (_name, value, url) => {
    expect(readLinks(bytes(value), HOST)).toBe(url);
  });

  it('takes no bytes that are no text', () => {
    expect(readLinks(Buffer.from([0xff, 0xfe, 0x7b]), HOST)).toBeUndefined();
  });
});

const MISSKEY = {
  version: '2.1', software: { name: 'Misskey', version: '2026.3.2' }, openRegistrations: true, usage: { users: { total: 42 } },
  metadata: { emailRequiredForSignup: false, enableHcaptcha: false, enableRecaptcha: false, enableMcaptcha: false, enableTurnstile: true },
};

describe('readNodeinfo()', () => {
  it('reads what Misskey says', () => {
    expect(readNodeinfo(bytes(MISSKEY))).toEqual({ name: 'misskey', version: '2026.3.2', openSignup: true, users: 42, captcha: true, emailRequired: false });
  });

  it('reads what others say, and knows nothing of the rest', () => {
    expect(readNodeinfo(bytes({ software: { name: 'mastodon', version: '4.3.0' }, openRegistrations: false, usage: { users: {} }, metadata: [] })))
      .toEqual({ name: 'mastodon', version: '4.3.0', openSignup: false });
  });

  it.each<[string, object, object]>([
    ['no captcha', { metadata: { enableHcaptcha: false, enableRecaptcha: false } }, { captcha: false }], ['one captcha', { metadata: { enableHcaptcha: true } }, { captcha: true }],
    ['a captcha that is a text', { metadata: { enableHcaptcha: 'true' } }, { captcha: undefined }], ['no metadata', { metadata: null }, { captcha: undefined, emailRequired: undefined }],
    ['a text for a flag', { openRegistrations: 'yes' }, { openSignup: undefined }], ['a text for a count', { usage: { users: { total: '42' } } }, { users: undefined }],
    ['half a user', { usage: { users: { total: 0.5 } } }, { users: undefined }], ['fewer than none', { usage: { users: { total: -1 } } }, { users: undefined }], ['endless users', { usage: { users: { total: 1e300 } } }, { users: undefined }],
    ['a list for usage', { usage: [] }, { users: undefined }], ['a long version', { software: { name: 'x', version: '1'.repeat(65) } }, { version: undefined }], ['a number for a version', { software: { name: 'x', version: 2026.3 } }, { version: undefined }],
    ['the longest version', { software: { name: 'x', version: '1'.repeat(64) } }, { version: '1'.repeat(64) }],
  ])('reads %s', (_name, over, read) => {
    expect(readNodeinfo(bytes({ ...MISSKEY, ...over }))).toMatchObject(read);
  });

  it.each<[string, unknown]>([
    ['no software', {}], ['no name', { software: { version: '1' } }], ['an empty name', { software: { name: '  ' } }], ['a long name', { software: { name: 'x'.repeat(65) } }], ['a list for a name', { software: { name: ['misskey'] } }],
    ['a text for software', { software: 'misskey' }], ['a list', [MISSKEY]], ['no JSON', 'misskey'],
  ])('is none with %s', (_name, value) => {
    expect(readNodeinfo(bytes(value))).toBeUndefined();
  });

  it('reads any JSON as nodeinfo of the right types or as none', () => {
    const part = fc.oneof(fc.jsonValue(), fc.record({ name: fc.jsonValue(), version: fc.jsonValue(), users: fc.jsonValue(), total: fc.jsonValue(), enableHcaptcha: fc.jsonValue() }));
    fc.assert(fc.property(fc.record({ software: part, openRegistrations: part, usage: part, metadata: part, links: part }), (value) => {
      const read = readNodeinfo(bytes(value));
      expect(readLinks(bytes(value), HOST)).toBeUndefined();
      if (read === undefined) return;
      expect(typeof read.name).toBe('string');
      expect([undefined, 'string']).toContain(read.version === undefined ? undefined : typeof read.version);
      for (const flag of [read.openSignup, read.captcha, read.emailRequired]) expect([undefined, true, false]).toContain(flag);
    }));
  });
});
