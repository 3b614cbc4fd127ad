import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../types.ts';
import { LOCAL_HOST, NOW_MS, SPAM, create, fieldsFor, mention } from '../testing/posts.ts';
import type { FieldFacts } from './fields.ts';
import { FIELDS, type FieldKind } from './table.ts';
import { entropyOf, usernameOf } from './username.ts';

const read = (name: string, note: JsonObject = {}, facts: Partial<FieldFacts> = {}): unknown => fieldsFor(create({ note }), facts).get(name);
const PUBLIC = 'https://www.w3.org/ns/activitystreams#Public';

describe('fieldsOf()', () => {
  it.each([
    ['type', 'Create'], ['object.type', 'Note'], ['actor.id', 'https://social.peer.example/users/rgpw3k1lqz'], ['actor.host', 'social.peer.example'], ['key.host', 'social.peer.example'],
    ['object.host', 'social.peer.example'], ['actor.username', 'rgpw3k1lqz'], ['actor.username.length', 10], ['content', ''], ['mentions.total', 5], ['mentions.local', 1],
    ['mentions.hosts', ['one.peer.example', 'two.peer.example', 'three.peer.example', LOCAL_HOST]], ['mentions.hosts.count', 4], ['recipients.count', 5], ['links.count', 0],
    ['attachments.count', 1], ['attachments.types', ['image/webp']], ['attachments.hosts', ['social.peer.example']], ['attachments.blurhash', ['LEHV6nWB2yk8pyo0adR*.7kCMdnj']],
    ['attachments.alt', ''], ['reply', false], ['quote', false], ['poll', false], ['sensitive', false], ['visibility', 'public'], ['published.ageSeconds', 60],
    ['header.user-agent', 'Mastodon/4.3.0'], ['header.x-none', ''], ['hashtags', []], ['emojis.count', 0], ['forwarded', false], ['actor.ageSeconds', undefined], ['client.net', undefined], ['time', NOW_MS], ['nope', undefined],
  ])('reads %s of a spam post', (name, value) => {
    expect(fieldsFor(SPAM['picture']!).get(name)).toEqual(value);
  });

  it.each<[string, JsonObject, unknown]>([
    ['content', { content: '<p>Win <b>big</b>!</p>' }, 'Win big!'],
    ['content', { content: null }, ''],
    // Misskey shows the source and not the HTML: both are read, the source first.
    ['content', { content: '<p>hello</p>', source: { content: 'buy @bob@a.example pills', mediaType: 'text/x.misskeymarkdown' } }, 'buy  pills\nhello'],
    ['content', { content: '<p>hello</p>', source: { content: 'buy pills', mediaType: 'text/plain' } }, 'hello'],
    ['content', { content: '<p>hello</p>', _misskey_content: 'hello' }, 'hello'],
    ['content', { content: 'x', _misskey_content: 'mail a@b.example' }, 'mail a@b.example\nx'],
    ['links.count', { content: 'x', _misskey_content: '[x](https://x.example/)' }, 1],
    ['links.count', { content: '<a href="https://q.example/1">q</a>', quoteUrl: 'https://q.example/1' }, 0],
    ['links.count', { content: '<a href="https://h.example/tags/tea">#tea</a>', tag: { type: 'Hashtag', name: '#Tea', href: 'https://h.example/tags/tea' } }, 0],
    ['quote', { _misskey_quote: 'https://q.example/1' }, true],
    ['reply', { inReplyTo: 'https://q.example/1' }, true], ['reply', { inReplyTo: { id: 'https://q.example/1' } }, true], ['reply', { inReplyTo: {} }, false],
    ['poll', { oneOf: [{ type: 'Note', name: 'yes' }] }, true], ['poll', { anyOf: [] }, false], ['sensitive', { sensitive: true }, true],
    ['hashtags', { tag: [{ type: 'Hashtag', name: '#tea' }, { type: ['Hashtag'], name: 'milk' }, { type: 'Mention', name: '#no' }] }, ['tea', 'milk']],
    ['emojis', { tag: { type: 'Emoji', name: ':blobcat:' } }, ['blobcat']],
    ['mentions.total', { tag: [mention('a.example', 'a'), mention('a.example', 'a')] }, 1],
    ['attachments.count', { attachment: { type: 'Image', url: 'https://a.example/1' } }, 1], ['attachments.count', { attachment: 'https://a.example/1' }, 1],
    ['attachments.count', { attachment: [{ type: 'PropertyValue', name: 'x', value: 'y' }] }, 0],
    ['attachments.hosts', { attachment: [{ url: [{ href: 'https://a.example/1' }, 'https://b.example/2'] }, { type: 'Link', href: 'https://c.example/3' }] }, ['a.example', 'b.example', 'c.example']],
    ['attachments.alt', { attachment: [{ name: 'a cat' }, { name: 'a dog' }] }, 'a cat\na dog'],
    ['recipients.count', { to: PUBLIC, cc: ['https://a.example/users/a', { id: 'https://a.example/users/a' }, 'https://a.example/users/b', 'https://a.example/users/c/followers'] }, 2],
    ['published.ageSeconds', { published: '2026-11-25T12:01:00Z' }, -60], ['published.ageSeconds', { published: 'soon' }, undefined],
    ['summary', { summary: 'a <b>cw</b>' }, 'a cw'], ['name', { name: 'Title' }, 'Title'],
  ])('%s of %j', (name, note, value) => {
    expect(read(name, note)).toEqual(value);
  });

  it('reads a profile in its own update', () => {
    const actor = 'https://mk.peer.example/users/9abcdefghi';
    const update = { id: 'https://mk.peer.example/u/1', type: 'Update', actor, object: { id: actor, type: 'Person', preferredUsername: 'xk2m9vb0tt', name: 'Win', summary: '<p>see https://x.example</p>' } };
    const fields = fieldsFor(update);
    expect(['actor.username', 'name', 'summary', 'content'].map((name) => fields.get(name))).toEqual(['xk2m9vb0tt', 'Win', 'see https://x.example', '']);
    const foreign = fieldsFor({ ...update, object: { ...update.object, id: 'https://mk.peer.example/users/other' } });
    expect(foreign.get('actor.username')).toBeUndefined();
  });

  it('knows ages and the client from the facts', () => {
    const fields = fieldsFor(create(), { clientNet: '203.0.113.7', firstSeen: { actorAgeS: 5, hostAgeS: 7 } });
    expect(['actor.ageSeconds', 'host.ageSeconds', 'client.net'].map((name) => fields.get(name))).toEqual([5, 7, '203.0.113.7']);
  });

  it('knows nothing of contents that were left out, and all else', () => {
    const fields = fieldsFor(SPAM['both']!, { redacted: true });
    for (const name of ['content', 'summary', 'name', 'links.count', 'links.hosts', 'attachments.alt']) expect([name, fields.get(name)]).toEqual([name, undefined]);
    for (const name of ['mentions.total', 'attachments.count', 'type', 'reply']) expect(fields.get(name)).toBeDefined();
  });

  it('has for each field a value of its kind or none, whatever the body is', () => {
    const isOfKind: Readonly<Record<FieldKind, (value: unknown) => boolean>> = {
      text: (value) => typeof value === 'string', host: (value) => typeof value === 'string', network: (value) => typeof value === 'string',
      words: Array.isArray, hosts: Array.isArray, number: (value) => typeof value === 'number' && !Number.isNaN(value), time: (value) => typeof value === 'number', version: (value) => typeof value === 'string', flag: (value) => typeof value === 'boolean',
    };
    const leaf = fc.oneof(fc.string(), fc.constantFrom('https://a.example/1', 'Note', 'Mention', 'Hashtag', PUBLIC, '2026-01-01T00:00:00Z'), fc.double(), fc.boolean(), fc.constant(null));
    const key = fc.constantFrom(
      'type', 'id', 'object', 'tag', 'attachment', 'url', 'href', 'name', 'content', 'source', 'mediaType', 'to', 'cc', 'inReplyTo', 'published', 'oneOf', 'preferredUsername', 'quoteUrl', 'blurhash', '_misskey_content', 'summary',
    );
    const { value } = fc.letrec<{ value: JsonValue; object: JsonObject }>((tie) => ({
      value: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('value'), { maxLength: 4 }), tie('object')),
      object: fc.dictionary(key, tie('value'), { maxKeys: 8 }),
    }));
    fc.assert(fc.property(value, value, (object, tag) => {
      const fields = fieldsFor({ ...create(), object, tag });
      return Object.entries(FIELDS).every(([name, { kind }]) => {
        const found = fields.get(name);
        const folded = fields.folded(name);
        return (found === undefined || isOfKind[kind](found)) && (folded === undefined || typeof folded === 'string' || Array.isArray(folded));
      });
    }), { numRuns: 300 });
  });
});

describe('usernameOf()', () => {
  const below = (actor: string): string => `${actor}/statuses/1/activity`;
  it.each([
    ['https://a.example/users/alice', 'alice'], ['https://a.example/@alice', 'alice'], ['https://a.example/u/a.b-c/', 'a.b-c'], ['https://a.example/users/rgpw3k1lqz', 'rgpw3k1lqz'],
    ['https://a.example/@9abcdefghi', '9abcdefghi'], ['https://a.example/users/12345', undefined], ['https://a.example/', undefined], ['nothing', undefined], ['https://a.example/users/%61', undefined],
    ['https://a.example/users/9d3hnvzr0t8w0001', undefined], ['https://a.example/users/01H0V6TJ1Y4S1K2N3M4P5Q6R7S', undefined], ['https://a.example/users/64f0c2a1b2c3d4e5f6a7b8c9', undefined],
    ['https://a.example/ap/0f8fad5b-d9cb-469f-a165-70867728950e', undefined],
  ])('%s: %s', (actor, name) => {
    expect(usernameOf({ actor, id: 'https://a.example/notes/1', nowMs: NOW_MS })).toBe(name);
  });

  it('takes ten characters for an id of Misskey unless the activity lies below the actor', () => {
    const actor = 'https://a.example/users/9abcdefghi';
    expect(usernameOf({ actor, id: 'https://a.example/notes/9abcdefghi/activity', nowMs: NOW_MS })).toBeUndefined();
    expect(usernameOf({ actor, id: below(actor), nowMs: NOW_MS })).toBe('9abcdefghi');
    // Made in the future, or before there was Misskey: a name.
    for (const name of ['zzzzzzzz00', '0a00000000', 'rgpw3k1lqz']) expect(usernameOf({ actor: `https://a.example/users/${name}`, id: 'https://a.example/notes/1', nowMs: NOW_MS })).toBe(name);
  });
});

describe('entropyOf()', () => {
  it.each([['aaaa', 0], ['abab', 1], ['abcd', 2], ['', 0], ['abcdefghij', Math.log2(10)]])('%s has %d bits', (text, bits) => {
    expect(entropyOf(text)).toBeCloseTo(bits, 10);
  });
});
