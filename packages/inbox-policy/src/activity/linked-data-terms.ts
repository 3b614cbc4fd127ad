// JSON-LD as the rules of linked-data.ts need it: names that must keep their meaning, and contexts whose content is known.

/** Rearrange a document without changing what is signed (Fedify CVE-2026-42462, Mastodon CVE-2026-46349 and CVE-2026-48028). */
export const REARRANGING: ReadonlySet<string> = new Set(['@graph', '@included', '@reverse', '@nest']);

/** Keys of a context that give no name a meaning. `@import`, `@propagate`, `@protected` and `@base` have no business here. */
export const CONTEXT_SETTINGS: ReadonlySet<string> = new Set(['@vocab', '@language', '@version', '@direction']);

export const AS = 'https://www.w3.org/ns/activitystreams#';
export const SEC = 'https://w3id.org/security#';
export const LDP = 'http://www.w3.org/ns/ldp#';

/** Prefixes of the two contexts that all software uses; an inline context may not give them another meaning. */
export const CORE_PREFIXES: ReadonlyMap<string, string> = new Map([['as', AS], ['sec', SEC], ['ldp', LDP]]);

const ACTIVITY_STREAMS = [
  // Types that Misskey acts on.
  'Create', 'Delete', 'Update', 'Follow', 'Accept', 'Reject', 'Add', 'Remove', 'Announce', 'Like', 'Undo', 'Block', 'Flag', 'Move',
  'Collection', 'OrderedCollection', 'Note', 'Question', 'Article', 'Audio', 'Document', 'Image', 'Page', 'Video', 'Event',
  'Person', 'Service', 'Group', 'Organization', 'Application', 'Mention', 'Tombstone', 'Link',
  // Properties that it reads; without `closed`, which Ktistec takes from Mastodon's vocabulary.
  'actor', 'object', 'target', 'to', 'cc', 'bto', 'bcc', 'audience', 'attributedTo', 'inReplyTo', 'content', 'summary', 'name', 'url',
  'href', 'attachment', 'tag', 'icon', 'image', 'published', 'updated', 'endTime', 'oneOf', 'anyOf', 'replies', 'items',
  'totalItems', 'first', 'mediaType', 'formerType', 'outbox', 'followers', 'following', 'endpoints', 'sharedInbox',
  'preferredUsername', 'source',
];

const SECURITY = ['publicKey', 'publicKeyPem', 'owner', 'signature', 'signatureValue'];

/** Name to the one IRI that it may stand for. */
export const CORE_TERMS: ReadonlyMap<string, string> = new Map([
  ...ACTIVITY_STREAMS.map((term) => [term, AS + term] as const),
  ...SECURITY.map((term) => [term, SEC + term] as const),
  ['inbox', `${LDP}inbox`],
  // The same as `items`, as a list.
  ['orderedItems', `${AS}items`],
  ['id', '@id'],
  ['type', '@type'],
]);

/** What has a name already. */
export const CORE_IRIS: ReadonlySet<string> = new Set(CORE_TERMS.values());

/** PeerTube gives channels a list of icons; Misskey's compaction turns it back. */
export const SECOND_NAMES: ReadonlyMap<string, string> = new Map([['icons', `${AS}icon`]]);

/** Without scheme, final `#` or `/`; their content is part of Misskey's release or known from their owners. */
export const KNOWN_CONTEXTS: ReadonlySet<string> = new Set([
  'www.w3.org/ns/activitystreams', 'w3id.org/security/v1', 'w3id.org/identity/v1', 'w3id.org/security/data-integrity/v1',
  'w3id.org/security/data-integrity/v2', 'w3id.org/security/multikey/v1', 'www.w3.org/ns/did/v1', 'join-lemmy.org/context.json',
  'litepub.social/litepub/context.jsonld', 'litepub.social/context.jsonld', 'gotosocial.org/ns', 'joinmastodon.org/ns', 'schema.org',
  'funkwhale.audio/ns', 'purl.archive.org/socialweb/webfinger', 'purl.archive.org/miscellany',
]);

/** Contexts whose terms are all in `BASIC_TERMS`. */
export const BASIC_CONTEXTS: ReadonlySet<string> = new Set(['www.w3.org/ns/activitystreams', 'w3id.org/security/v1']);

/** Properties of profiles that these two define, beside those of the core. */
export const BASIC_TERMS: ReadonlySet<string> = new Set([
  ...CORE_TERMS.keys(), 'contentMap', 'nameMap', 'summaryMap', 'startTime', 'generator', 'location', 'preview', 'likes', 'shares', 'liked',
  'streams', 'uploadMedia', 'proxyUrl', 'oauthAuthorizationEndpoint', 'oauthTokenEndpoint', 'provideClientKey', 'signClientKey',
  'context', 'closed', 'duration', 'width', 'height', 'alsoKnownAs', 'created', 'creator', 'expires', 'nonce', 'domain', 'privateKey', 'revoked',
]);

/** Served by every instance of a software: Pleroma and Akkoma; Hubzilla and its relatives; Mbin. */
export const CONTEXT_PATHS: readonly RegExp[] = [
  /^[a-z0-9.:-]+\/(?:schemas\/)?litepub-[0-9.]{1,8}\.jsonld$/,
  /^[a-z0-9.:-]+\/apschema\/v[0-9.]{1,8}$/,
  /^[a-z0-9.:-]+\/contexts(?:\.jsonld)?$/,
];
