// Activities for the tests of the rules: shaped like those of the wave of February 2024, and like everyday ones.

import { isObject, typeOf } from '../../activity/types.ts';
import type { JsonObject, JsonValue, ReadActivity } from '../../types.ts';
import { type FieldFacts, type Fields, fieldsOf } from '../fields/fields.ts';
import { hostOfUrl, textOf } from '../fields/post.ts';

export const NOW_MS = Date.parse('2026-11-25T12:00:00Z');
export const LOCAL_HOST = 'misskey.origin.example';
const PUBLIC = 'https://www.w3.org/ns/activitystreams#Public';

export const facts = (over: Partial<FieldFacts> = {}): FieldFacts => ({
  requestHeaders: ['Host', LOCAL_HOST, 'User-Agent', 'Mastodon/4.3.0'], keyHost: 'social.peer.example', localHosts: new Set([LOCAL_HOST]), nowMs: NOW_MS, ...over,
});

/** Read in the simplest way: the rules only need what is there. */
export function readAs(value: JsonObject, over: Partial<ReadActivity> = {}): ReadActivity {
  const { object } = value;
  const actor = textOf(value['actor']) ?? '';
  return {
    ok: true, type: typeOf(value) ?? '', id: textOf(value['id']) ?? '', actor, actorHost: hostOfUrl(actor) ?? '',
    objectType: isObject(object) ? typeOf(object) : undefined, object: isObject(object) ? textOf(object['id']) : textOf(object),
    hosts: new Set([hostOfUrl(actor) ?? '']), forwarded: false, visibility: 'public', value, ...over,
  };
}

export const fieldsFor = (value: JsonObject, over: Partial<FieldFacts> = {}, read: Partial<ReadActivity> = {}): Fields =>
  fieldsOf(readAs(value, read), facts(over));

export interface NoteOptions {
  readonly username?: string;
  /** Whole ids instead of those of Mastodon. */
  readonly actor?: string;
  readonly id?: string;
  readonly note?: JsonObject;
}

/** Create of a Note as Mastodon writes it. */
export function create({ username = 'alice', actor = `https://social.peer.example/users/${username}`, id = `${actor}/statuses/111`, note = {} }: NoteOptions = {}): JsonObject {
  const inner: Record<string, JsonValue> = {
    id, type: 'Note', attributedTo: actor, content: '<p>Good morning</p>', published: '2026-11-25T11:59:00Z', to: [PUBLIC], cc: [`${actor}/followers`],
    inReplyTo: null, tag: [], attachment: [], sensitive: false, ...note,
  };
  return { id: `${id}/activity`, type: 'Create', actor, to: inner['to'] ?? [], cc: inner['cc'] ?? [], object: inner };
}

export const mention = (host: string, name: string): JsonObject => ({ type: 'Mention', href: `https://${host}/users/${name}`, name: `@${name}@${host}` });
export const mentionAnchor = (host: string, name: string): string =>
  `<span class="h-card"><a href="https://${host}/@${name}" class="u-url mention">@<span>${name}</span></a></span>`;

const VICTIMS = [['one.peer.example', 'ann'], ['one.peer.example', 'ben'], ['two.peer.example', 'cem'], ['three.peer.example', 'dan'], [LOCAL_HOST, 'eve']] as const;
const victimTags = VICTIMS.map(([host, name]) => mention(host, name));
const victimAnchors = VICTIMS.map(([host, name]) => mentionAnchor(host, name)).join(' ');
const cc = VICTIMS.map(([host, name]) => `https://${host}/users/${name}`);
const picture: JsonObject = { type: 'Document', mediaType: 'image/webp', url: 'https://social.peer.example/media/1.webp', name: null, blurhash: 'LEHV6nWB2yk8pyo0adR*.7kCMdnj' };

/** Like the three captured ones: five mentions on four hosts with a picture, a link, or both. */
export const SPAM: Readonly<Record<string, JsonObject>> = {
  picture: create({ username: 'rgpw3k1lqz', note: { content: `<p>${victimAnchors}</p>`, tag: victimTags, cc, attachment: [picture] } }),
  link: create({ username: 'xk2m9vb0tt', note: { content: `<p>${victimAnchors} join <a href="https://chat.spam.example/x">us</a></p>`, tag: victimTags, cc } }),
  both: create({ username: 'qwjfhdkslz', note: { content: `<p>${victimAnchors} https://chat.spam.example/x</p>`, tag: victimTags, cc, attachment: picture } }),
};

const many = { content: `<p>${victimAnchors} see you there</p>`, tag: victimTags, cc };

/** Each lacks one mark of the spam, or several. */
export const ORDINARY: Readonly<Record<string, JsonObject>> = {
  post: create(),
  'a link': create({ note: { content: '<p>read <a href="https://news.peer.example/1">this</a></p>' } }),
  'a picture': create({ note: { attachment: [picture] } }),
  'a thread of five': create({ username: 'rgpw3k1lqz', note: { ...many, attachment: [picture], inReplyTo: 'https://one.peer.example/users/ann/statuses/1' } }),
  'five friends, a picture and a name': create({ username: 'caroline.b', note: { ...many, attachment: [picture] } }),
  'five friends without a lure': create({ username: 'rgpw3k1lqz', note: many }),
  'three friends': create({ username: 'rgpw3k1lqz', note: { ...many, tag: victimTags.slice(0, 3), attachment: [picture] } }),
  'an id of ten characters': create({ actor: 'https://mk.peer.example/users/9abcdefghi', id: 'https://mk.peer.example/notes/9zzzzzzzzz', note: { ...many, attachment: [picture] } }),
  follow: { id: 'https://social.peer.example/f/1', type: 'Follow', actor: 'https://social.peer.example/users/rgpw3k1lqz', object: `https://${LOCAL_HOST}/users/9abcdefghi` },
  announce: { id: 'https://social.peer.example/a/1', type: 'Announce', actor: 'https://social.peer.example/users/alice', object: 'https://one.peer.example/n/1', to: [PUBLIC] },
};
