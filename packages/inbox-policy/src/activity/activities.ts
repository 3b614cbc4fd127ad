// What Misskey reads of each activity (ApInboxService). An activity is read by one table, and its object by what the activity
// does with it: most need no more than its id.

import { INBOX_LIMITS } from '@sekisho/contracts';
import type { JsonObject, JsonValue } from '../types.ts';
import { ACTOR } from './actor.ts';
import { POST, tags } from './post.ts';
import { isReaction } from './reaction.ts';
import {
  firstRef, limitTogether, link, list, mentionHost, only, type Reader, readTable, recipients, ref, refOrPublic, text, type Table, type, uri,
} from './readers.ts';
import { ACTIVITY_TYPES, ACTOR_TYPES, COLLECTION_TYPES, isList, isObject, POST_TYPES, REACTION_TYPES, typeOf } from './types.ts';
import { refuse, type Walk } from './walk.ts';

/** Neither post nor actor: Misskey looks at the type and goes. */
const OTHER: Table = [['id', uri], ['type', type], ['attributedTo', firstRef]];

const tableOf = (object: JsonObject): Table => {
  const name = typeOf(object) ?? '';
  return POST_TYPES.has(name) ? POST : ACTOR_TYPES.has(name) ? ACTOR : OTHER;
};

const readContent: Reader = (value, path, walk) => {
  if (!isObject(value)) return uri(value, path, walk);
  // Written with the keywords of JSON-LD it has no type that Misskey could read.
  if (value['type'] === undefined && value['@type'] !== undefined) return refuse(walk, 'SEKISHO_INBOX_ACTIVITY_TYPE', `${path}/type`);
  const object = readTable(value, tableOf(value), path, walk);
  limitTogether(object, path, walk);
  for (const name of ['id', 'type']) if (object[name] === undefined) return refuse(walk, 'SEKISHO_INBOX_SHAPE', `${path}/${name}`);
  return object;
};

/** GoToSocial sends the votes for several choices of a poll in one Create. */
const content: Reader = (value, path, walk) =>
  isList(value) && value.length > 1 ? list(readContent, INBOX_LIMITS.pollOptionsMax)(value, path, walk) : only(readContent)(value, path, walk);

/** The embedded activity of Undo, Accept and Reject. */
const INNER: Table = [['id', uri], ['type', type], ['actor', only(ref)], ['object', only(refOrPublic)]];
const inner: Reader = only((value, path, walk) => (isObject(value) ? readTable(value, INNER, path, walk) : uri(value, path, walk)));

const TOMBSTONE: Table = [['id', uri], ['type', type], ['formerType', type]];
const deleted: Reader = only((value, path, walk) => {
  if (!isObject(value)) return uri(value, path, walk);
  return value['id'] === undefined ? refuse(walk, 'SEKISHO_INBOX_SHAPE', `${path}/id`) : readTable(value, TOMBSTONE, path, walk);
});

/**
 * Groups announce whole activities of others; Misskey reads the id alone and fetches the rest. The hosts within are named
 * all the same, so that a blocked one does not come in by a boost (Mastodon CVE-2026-23961).
 */
const announced: Reader = only((value, path, walk) => {
  const id = ref(value, path, walk);
  let object: JsonValue | undefined = value;
  for (let depth = 0; depth < 3 && isObject(object); depth++) {
    for (const name of ['id', 'actor', 'attributedTo']) mentionHost(object[name], walk);
    object = object['object'];
  }
  mentionHost(object, walk);
  return id;
});

const BASE: Table = [['id', uri], ['type', type], ['actor', only(ref)]];
const ADDRESSED: Table = [...BASE, ['to', recipients], ['cc', recipients], ['published', text]];
const REACTION: Table = [...BASE, ['object', only(ref)], ['_misskey_reaction', text], ['content', text], ['name', text], ['tag', tags]];
const CONTENT: Table = [...ADDRESSED, ['object', content]];
const INNER_ACTIVITY: Table = [...BASE, ['object', inner]];
const FEATURED: Table = [...BASE, ['object', only(ref)], ['target', only(ref)]];

const TABLES: ReadonlyMap<string, Table> = new Map<string, Table>([
  ['Create', CONTENT],
  ['Update', CONTENT],
  ['Delete', [...BASE, ['object', deleted]]],
  ['Follow', [...BASE, ['object', only(refOrPublic)]]],
  ['Accept', INNER_ACTIVITY],
  ['Reject', INNER_ACTIVITY],
  ['Undo', INNER_ACTIVITY],
  ['Add', FEATURED],
  ['Remove', FEATURED],
  ['Announce', [...ADDRESSED, ['object', announced]]],
  ['Like', REACTION],
  ['EmojiReaction', REACTION],
  ['EmojiReact', REACTION],
  ['Block', [...BASE, ['object', only(ref)]]],
  ['Flag', [...BASE, ['object', list(ref, INBOX_LIMITS.recipientsMax)], ['content', text]]],
  ['Move', [...BASE, ['object', only(ref)], ['target', link]]],
]);

const REQUIRED: ReadonlyMap<string, readonly string[]> = new Map([
  ['Add', ['object', 'target']], ['Remove', ['object', 'target']], ['Move', ['target']],
]);

/** An activity as Misskey may see it: only what it reads, each property in the shape that it reads. */
export function readProperties(value: JsonObject, path: string, walk: Walk): JsonObject {
  const name = typeOf(value) ?? '';
  if (COLLECTION_TYPES.has(name)) return readTable(value, collectionTable(name), path, walk);
  const activity = readTable(value, TABLES.get(name) ?? BASE, path, walk);
  limitTogether(activity, path, walk);
  for (const property of REQUIRED.get(name) ?? ['object']) {
    if (activity[property] === undefined) refuse(walk, 'SEKISHO_INBOX_SHAPE', `${path}/${property}`);
  }
  if (REACTION_TYPES.has(name) && !isReaction(activity)) refuse(walk, 'SEKISHO_INBOX_SHAPE', `${path}/content`);
  return activity;
}

/** Items that Misskey would perform: activities, or the addresses of such. */
const item: Reader = (value, path, walk) => {
  if (!isObject(value)) return uri(value, path, walk);
  return ACTIVITY_TYPES.has(typeOf(value) ?? '') ? readProperties(value, path, walk) : undefined;
};

export const itemsName = (collection: string): 'items' | 'orderedItems' => (collection === 'Collection' ? 'items' : 'orderedItems');

const collectionTable = (name: string): Table => [...BASE, [itemsName(name), list(item, INBOX_LIMITS.collectionItemsMax)]];
