// Types of activities and objects, and what Misskey does with them (ApInboxService, type.ts of 2026.3.2).

import type { JsonObject, JsonValue } from '../types.ts';

/** Performed by ApInboxService; everything else is "unrecognized" there. */
export const ACTIVITY_TYPES: ReadonlySet<string> = new Set([
  'Create', 'Delete', 'Update', 'Follow', 'Accept', 'Reject', 'Add', 'Remove', 'Announce', 'Like', 'EmojiReaction', 'EmojiReact',
  'Undo', 'Block', 'Flag', 'Move',
]);

/** Performed item by item. */
export const COLLECTION_TYPES: ReadonlySet<string> = new Set(['Collection', 'OrderedCollection']);

/** `validPost`: become notes. */
export const POST_TYPES: ReadonlySet<string> = new Set([
  'Note', 'Question', 'Article', 'Audio', 'Document', 'Image', 'Page', 'Video', 'Event',
]);

/** `validActor`: become users. */
export const ACTOR_TYPES: ReadonlySet<string> = new Set(['Person', 'Service', 'Group', 'Organization', 'Application']);

/** `validDocumentTypes`: become files of a note. */
export const ATTACHMENT_TYPES: ReadonlySet<string> = new Set(['Audio', 'Document', 'Image', 'Page', 'Video']);

/** Reactions that are nothing but an emoji; a Like may be one too. */
export const REACTION_TYPES: ReadonlySet<string> = new Set(['EmojiReaction', 'EmojiReact']);

/** All names of the public collection (ActivityPub section 5.6). */
export const PUBLIC_NAMES: ReadonlySet<string> = new Set([
  'https://www.w3.org/ns/activitystreams#Public', 'as:Public', 'Public',
]);

/** `getApType`: of several the first. */
export function typeOf(value: JsonObject): string | undefined {
  const type = value['type'];
  const first = isList(type) ? type[0] : type;
  return typeof first === 'string' ? first : undefined;
}

export const isList = (value: JsonValue | undefined): value is readonly JsonValue[] => Array.isArray(value);

export const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `toArray`: one or many as many. */
export function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  if (value === undefined || value === null) return [];
  return isList(value) ? value : [value];
}

/** Id of one object, or of the first of several. */
export function idOf(value: JsonValue | undefined): string | undefined {
  const first = listOf(value)[0];
  const id = isObject(first) ? first['id'] : first;
  return typeof id === 'string' ? id : undefined;
}
