// The fields that rules may read. The documentation and the JSON schema of the rules file are made from this table.

export type FieldKind = 'text' | 'words' | 'host' | 'hosts' | 'number' | 'flag' | 'network' | 'time' | 'version';

export interface FieldRow {
  readonly kind: FieldKind;
  readonly help: string;
  /** Capitals and compatibility forms count. */
  readonly exact?: true;
  /** Also known of a capture without the contents of the post. */
  readonly open?: false;
}

const row = (kind: FieldKind, help: string): FieldRow => ({ kind, help });
/** Of the contents of a post: unknown where they were left out. */
const content = (kind: FieldKind, help: string): FieldRow => ({ kind, help, open: false });

export const FIELDS = {
  'type': row('text', 'Type of the activity: `Create`, `Follow`, `Like`, …'),
  'id': { kind: 'text', help: 'URL of the activity.', exact: true },
  'actor.id': { kind: 'text', help: 'URL of the actor.', exact: true },
  'actor.host': row('host', 'Host of the actor.'),
  'actor.username': row('text', 'Name of the actor as its URL or, in an update of the profile, the profile gives it. Unknown where the URL holds an id instead, as on Misskey.'),
  'actor.username.length': row('number', 'Characters of that name.'),
  'actor.username.entropy': row('number', 'Bits per character of that name: 0 for one letter repeated, 3.3 for ten different ones.'),
  'actor.ageSeconds': row('number', 'Seconds since this gateway saw the actor for the first time.'),
  'host.ageSeconds': row('number', 'Seconds since it saw the host of the actor for the first time.'),
  'actor.followedHere': row('flag', 'Whether somebody of this instance follows the actor. Unknown without `SEKISHO_MISSKEY_DATABASE_URL_FILE`.'),
  'actor.followsHere': row('flag', 'Whether the actor follows somebody of this instance. Unknown without `SEKISHO_MISSKEY_DATABASE_URL_FILE`.'),
  'key.host': row('host', 'Host of the key that signed the request.'),
  'forwarded': row('flag', 'Whether somebody else than the actor delivers the activity.'),
  'object.type': row('text', 'Type of the object: `Note`, `Question`, `Person`, …; empty where the object is only a URL.'),
  'object.id': { kind: 'text', help: 'URL of the object.', exact: true },
  'object.host': row('host', 'Host of the object.'),
  'any.host': row('hosts', 'All hosts that the activity names: actor, key, object, mentioned actors, attachments, …'),
  'content': content('text', 'Text of the post without HTML and without mentions, including its source form where Misskey shows that.'),
  'summary': content('text', 'Content warning of a post, or the text of a profile.'),
  'name': content('text', 'Title of a post, display name of a profile, or the answer to a poll.'),
  'hashtags': row('words', 'Hashtags without `#`.'),
  'hashtags.count': row('number', 'How many different ones.'),
  'links.count': content('number', 'Different links in the text; mentions, hashtags and the quoted post are none.'),
  'links.hosts': content('hosts', 'Hosts that these lead to.'),
  'links.hosts.count': content('number', 'How many different ones.'),
  'mentions.total': row('number', 'Different actors that are mentioned.'),
  'mentions.local': row('number', 'Those of them on this instance.'),
  'mentions.hosts': row('hosts', 'Hosts of the mentioned actors.'),
  'mentions.hosts.count': row('number', 'How many different ones.'),
  'recipients.count': row('number', 'Different addresses in `to` and `cc`, without the public and without collections of followers.'),
  'attachments.count': row('number', 'Attached files.'),
  'attachments.types': row('words', 'Their media types, such as `image/png`.'),
  'attachments.hosts': row('hosts', 'Hosts of their URLs.'),
  'attachments.alt': content('text', 'Their descriptions, one per line.'),
  'attachments.blurhash': { kind: 'words', help: 'Their blurhash texts.', exact: true },
  'emojis': row('words', 'Names of custom emojis without colons.'),
  'emojis.count': row('number', 'How many different ones.'),
  'poll': row('flag', 'Whether the post has a poll.'),
  'reply': row('flag', 'Whether the post answers another one.'),
  'quote': row('flag', 'Whether the post quotes another one.'),
  'visibility': row('text', '`public`, `unlisted`, `followers`, `direct` or `unknown`.'),
  'sensitive': row('flag', 'Whether the post is marked as sensitive.'),
  'published.ageSeconds': row('number', 'Seconds since the claimed time of publication.'),
  'client.net': row('network', 'Address of the sending machine, or its network.'),
  'software.name': row('text', 'What the host of the actor runs as it says itself (nodeinfo): `misskey`, `mastodon`, …'),
  'software.version': row('version', 'Version of that software.'),
  'software.openSignup': row('flag', 'Whether the host says that anybody may sign up.'),
  'software.users': row('number', 'How many users it says to have.'),
  'software.captcha': row('flag', 'Whether it says that a captcha stands before the sign-up; only Misskey and what is made from it do.'),
  'software.emailRequired': row('flag', 'Whether it says that a sign-up needs an e-mail address; as before.'),
  'time': row('time', 'When the activity arrived.'),
} as const satisfies Readonly<Record<string, FieldRow>>;
export type FieldName = keyof typeof FIELDS;

/** Any header of the request: `header.user-agent`; empty where it is missing. */
export const HEADER_FIELD: FieldRow = row('text', 'First header of that name, for example `header.user-agent`; empty where there is none.');
const HEADER_NAME = /^header\.[a-z0-9][a-z0-9-]{0,63}$/;
export const HEADER_FIELD_PATTERN = HEADER_NAME.source;

export const isFieldName = (name: string): name is FieldName => Object.hasOwn(FIELDS, name);

export function fieldRow(name: string): FieldRow | undefined {
  if (isFieldName(name)) return FIELDS[name];
  return HEADER_NAME.test(name) ? HEADER_FIELD : undefined;
}
