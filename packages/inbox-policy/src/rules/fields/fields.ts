// Fields of one activity, each read when a rule asks for it first. A count, flag or text of something that is not there is
// 0, false or ''; what is not known (an age without a record, a name that no URL tells) is undefined, and no comparison
// with it makes a rule act.

import { ACTOR_TYPES, idOf, isObject, PUBLIC_NAMES, typeOf } from '../../activity/types.ts';
import type { JsonObject, ReadActivity } from '../../types.ts';
import { fold } from '../text/fold.ts';
import { type PostText, readHtml } from '../text/html.ts';
import { linksOf } from '../text/links.ts';
import { hostOfUrl, listOf, objectsOf, subjectOf, textOf, urlsOf } from './post.ts';
import { FIELDS, type FieldName, type FieldRow, isFieldName } from './table.ts';
import { entropyOf, usernameOf } from './username.ts';

export type FieldValue = string | number | boolean | readonly string[] | undefined;

export interface Fields {
  get(name: string): FieldValue;
  /** A text in the form for comparing; its members where it is a list. */
  folded(name: string): string | readonly string[] | undefined;
}

/** What somebody has to look up, cheapest first. Read by getters, so that it is looked up only for who asks. */
export const LATE_FACTS = ['firstSeen', 'relationship', 'software'] as const;
export type LateFact = (typeof LATE_FACTS)[number];

export interface LateFacts {
  readonly firstSeen?: { readonly actorAgeS?: number | undefined; readonly hostAgeS?: number | undefined } | undefined;
  readonly relationship?: Relationship | undefined;
  readonly software?: Software | undefined;
}

/** What a host says of itself; undefined what it does not say. */
export interface Software {
  /** Lower case. */
  readonly name?: string | undefined;
  readonly version?: string | undefined;
  readonly openSignup?: boolean | undefined;
  readonly users?: number | undefined;
  readonly captcha?: boolean | undefined;
  readonly emailRequired?: boolean | undefined;
}

/** What Misskey's database says of an actor; false for one that it does not know. */
export interface Relationship {
  /** Somebody of this instance follows the actor. */
  readonly followedHere: boolean;
  /** The actor follows somebody of this instance. */
  readonly followsHere: boolean;
}

export interface FieldFacts extends LateFacts {
  /** Flat: name, value, name, value, … as they came. */
  readonly requestHeaders: readonly string[];
  readonly keyHost: string;
  /** Address of the sender, or its network as a prefix. */
  readonly clientNet?: string | undefined;
  /** Hosts of this instance. */
  readonly localHosts: ReadonlySet<string>;
  readonly nowMs: number;
  /** The contents of the post are not in `activity`: fields about them are unknown. */
  readonly redacted?: boolean | undefined;
}

type Read = (subject: Subject) => FieldValue;

const QUOTES = ['_misskey_quote', 'quoteUrl', 'quoteUri', 'quote'] as const;

/** What several fields are read from. */
interface Subject {
  readonly activity: ReadActivity;
  readonly facts: FieldFacts;
  /** Post or profile. */
  readonly post: JsonObject;
  readonly username: () => string | undefined;
  readonly text: () => PostText;
  readonly links: () => { readonly count: number; readonly hosts: ReadonlySet<string> };
  readonly mentions: () => ReadonlySet<string>;
  readonly hashtags: () => readonly string[];
  readonly emojis: () => readonly string[];
  readonly attachments: () => readonly JsonObject[];
}

export function fieldsOf(activity: ReadActivity, facts: FieldFacts): Fields {
  const subject = createSubject(activity, facts);
  const values = new Map<string, FieldValue>();
  const folds = new Map<string, string | readonly string[] | undefined>();
  const get = (name: string): FieldValue => {
    if (values.has(name)) return values.get(name);
    const value = readField(name, subject);
    values.set(name, value);
    return value;
  };
  return {
    get,
    folded: (name) => {
      if (folds.has(name)) return folds.get(name);
      const value = get(name);
      const folded = typeof value === 'string' ? fold(value) : isTexts(value) ? value.map(fold) : undefined;
      folds.set(name, folded);
      return folded;
    },
  };
}

const isTexts = (value: FieldValue): value is readonly string[] => Array.isArray(value);

function readField(name: string, subject: Subject): FieldValue {
  if (!isFieldName(name)) return name.startsWith('header.') ? headerOf(subject.facts.requestHeaders, name.slice('header.'.length)) : undefined;
  const row: FieldRow = FIELDS[name];
  return row.open === false && subject.facts.redacted === true ? undefined : READERS[name](subject);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function createSubject(activity: ReadActivity, facts: FieldFacts): Subject {
  const post = subjectOf(activity.value);
  const tags = once(() => objectsOf(post['tag']));
  const named = (type: string): readonly string[] =>
    unique(tags().filter((tag) => typeOf(tag) === type).flatMap((tag) => textOf(tag['name']) ?? []));
  const mentions = once(() => new Set(tags().filter((tag) => typeOf(tag) === 'Mention').flatMap((tag) => textOf(tag['href']) ?? [])));
  const text = once(() => readText(post));
  const hashtags = once(() => named('Hashtag').map((name) => name.replace(/^#/, '')));
  return {
    activity, facts, post, mentions, text, hashtags,
    emojis: once(() => named('Emoji').map((name) => (name.startsWith(':') && name.endsWith(':') ? name.slice(1, -1) : name))),
    username: once(() => profileName(activity, post) ?? usernameOf({ actor: activity.actor, id: activity.id, nowMs: facts.nowMs })),
    links: once(() => {
      const tagged = new Set(hashtags().map(fold));
      const known = new Set([...mentions(), ...QUOTES.flatMap((key) => idOf(post[key]) ?? [])].flatMap((url) => URL.parse(url)?.href ?? []));
      return linksOf(text(), { isHashtag: (name) => tagged.has(fold(name)), known });
    }),
    attachments: once(() => attachmentsOf(post)),
  };
}

const unique = (texts: readonly string[]): readonly string[] => [...new Set(texts)];

/** Name in the profile, where an actor describes itself. */
const profileName = ({ actor }: ReadActivity, post: JsonObject): string | undefined =>
  (ACTOR_TYPES.has(typeOf(post) ?? '') && textOf(post['id']) === actor ? textOf(post['preferredUsername']) : undefined);

/** All forms of the text that Misskey may show; first what it prefers, since expressions look at the beginning only. */
function readText(post: JsonObject): PostText {
  const { source } = post;
  const shown = readHtml(textOf(post['content']) ?? '');
  const mfm = [
    isObject(source) && textOf(source['mediaType']) === 'text/x.misskeymarkdown' ? textOf(source['content']) : undefined,
    textOf(post['_misskey_content']),
  ].filter((text) => text !== undefined && text !== '');
  const plain = unique(mfm.map((text) => text ?? '')).join('\n');
  if (plain === '') return shown;
  const written = withoutMentions(plain);
  return {
    text: shown.text === written ? written : [written, shown.text].filter((text) => text !== '').join('\n'),
    outside: `${plain}\n${shown.outside}`, anchors: shown.anchors,
  };
}

/** Without `@name` and `@name@host`; each position is looked at once. */
function withoutMentions(text: string): string {
  const pieces: string[] = [];
  let at = 0;
  for (;;) {
    const next = text.indexOf('@', at);
    if (next === -1) break;
    let end = next + 1;
    while (end < text.length && isNamePart(text.charCodeAt(end))) end += 1;
    const isMention = end > next + 1 && (next === 0 || !isNamePart(text.charCodeAt(next - 1)));
    pieces.push(text.slice(at, isMention ? next : end));
    at = end;
  }
  pieces.push(text.slice(at));
  return pieces.join('').trim();
}

/** Letters, digits and `_ - . @` of ASCII. */
const isNamePart = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) || (code >= 0x40 && code <= 0x5a) || (code >= 0x30 && code <= 0x39) || code === 0x5f || code === 0x2d || code === 0x2e;

/** Attached files: what a profile lists as its fields is none. */
function attachmentsOf(post: JsonObject): readonly JsonObject[] {
  return listOf(post['attachment']).flatMap((item): JsonObject[] => {
    if (typeof item === 'string') return [{ url: item }];
    return isObject(item) && typeOf(item) !== 'PropertyValue' ? [item] : [];
  });
}

function headerOf(headers: readonly string[], name: string): string {
  for (let at = 0; at + 1 < headers.length; at += 2) {
    if (headers[at]?.toLowerCase() === name) return headers[at + 1] ?? '';
  }
  return '';
}

const hostsOf = (urls: Iterable<string>): readonly string[] => unique([...urls].flatMap((url) => hostOfUrl(url) ?? []));

function recipientsOf(activity: JsonObject, post: JsonObject): number {
  const all = new Set([activity['to'], activity['cc'], post['to'], post['cc']].flatMap((value) => listOf(value).flatMap((item) => idOf(item) ?? [])));
  return [...all].filter((url) => !PUBLIC_NAMES.has(url) && !url.endsWith('/followers')).length;
}

function ageOf({ activity, post, facts }: Subject): number | undefined {
  const published = textOf(post['published']) ?? textOf(activity.value['published']);
  const ms = published === undefined ? Number.NaN : Date.parse(published);
  return Number.isNaN(ms) ? undefined : Math.floor((facts.nowMs - ms) / 1_000);
}

const fileHosts = ({ attachments }: Subject): readonly string[] =>
  hostsOf(attachments().flatMap((file) => [...urlsOf(file['url']), ...urlsOf(file['href'])]));

const isLocal = (url: string, hosts: ReadonlySet<string>): boolean => hosts.has(hostOfUrl(url) ?? '');

const READERS: Readonly<Record<FieldName, Read>> = {
  'type': ({ activity }) => activity.type,
  'id': ({ activity }) => activity.id,
  'actor.id': ({ activity }) => activity.actor,
  'actor.host': ({ activity }) => activity.actorHost,
  'actor.username': ({ username }) => username(),
  'actor.username.length': ({ username }) => username()?.length,
  'actor.username.entropy': ({ username }) => {
    const name = username();
    return name === undefined ? undefined : entropyOf(name);
  },
  'actor.ageSeconds': ({ facts }) => facts.firstSeen?.actorAgeS,
  'host.ageSeconds': ({ facts }) => facts.firstSeen?.hostAgeS,
  'actor.followedHere': ({ facts }) => facts.relationship?.followedHere,
  'actor.followsHere': ({ facts }) => facts.relationship?.followsHere,
  'key.host': ({ facts }) => facts.keyHost,
  'forwarded': ({ activity }) => activity.forwarded,
  'object.type': ({ activity }) => activity.objectType ?? '',
  'object.id': ({ activity }) => activity.object ?? '',
  'object.host': ({ activity }) => hostOfUrl(activity.object) ?? '',
  'any.host': ({ activity, facts }) => unique([activity.actorHost, facts.keyHost, ...activity.hosts]),
  'content': ({ text }) => text().text,
  'summary': ({ post }) => readHtml(textOf(post['summary']) ?? '').text,
  'name': ({ post }) => textOf(post['name']) ?? '',
  'hashtags': ({ hashtags }) => hashtags(),
  'hashtags.count': ({ hashtags }) => hashtags().length,
  'links.count': ({ links }) => links().count,
  'links.hosts': ({ links }) => [...links().hosts],
  'links.hosts.count': ({ links }) => links().hosts.size,
  'mentions.total': ({ mentions }) => mentions().size,
  'mentions.local': ({ mentions, facts }) => [...mentions()].filter((url) => isLocal(url, facts.localHosts)).length,
  'mentions.hosts': ({ mentions }) => hostsOf(mentions()),
  'mentions.hosts.count': ({ mentions }) => hostsOf(mentions()).length,
  'recipients.count': ({ activity, post }) => recipientsOf(activity.value, post),
  'attachments.count': ({ attachments }) => attachments().length,
  'attachments.types': ({ attachments }) => unique(attachments().flatMap((file) => textOf(file['mediaType']) ?? [])),
  'attachments.hosts': fileHosts,
  'attachments.alt': ({ attachments }) => attachments().flatMap((file) => textOf(file['name']) ?? []).join('\n'),
  'attachments.blurhash': ({ attachments }) => unique(attachments().flatMap((file) => textOf(file['blurhash']) ?? textOf(file['toot:blurhash']) ?? [])),
  'emojis': ({ emojis }) => emojis(),
  'emojis.count': ({ emojis }) => emojis().length,
  'poll': ({ post }) => listOf(post['oneOf']).length > 0 || listOf(post['anyOf']).length > 0,
  'reply': ({ post }) => idOf(post['inReplyTo']) !== undefined,
  'quote': ({ post }) => QUOTES.some((key) => idOf(post[key]) !== undefined),
  'visibility': ({ activity }) => activity.visibility,
  'sensitive': ({ post }) => post['sensitive'] === true,
  'published.ageSeconds': ageOf,
  'client.net': ({ facts }) => facts.clientNet,
  'software.name': ({ facts }) => facts.software?.name,
  'software.version': ({ facts }) => facts.software?.version,
  'software.openSignup': ({ facts }) => facts.software?.openSignup,
  'software.users': ({ facts }) => facts.software?.users,
  'software.captcha': ({ facts }) => facts.software?.captcha,
  'software.emailRequired': ({ facts }) => facts.software?.emailRequired,
  'time': ({ facts }) => facts.nowMs,
};
