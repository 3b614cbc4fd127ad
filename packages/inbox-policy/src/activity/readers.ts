// Readers of single values. A reader takes a value that is there (neither undefined nor null) and gives what Misskey may see
// of it; undefined leaves the property out. Which reader a property has stands in the tables.

import { INBOX_LIMITS } from '@sekisho/contracts';
import type { JsonObject, JsonValue } from '../types.ts';
import { parseReference } from './references.ts';
import { isList, isObject, listOf, PUBLIC_NAMES, typeOf } from './types.ts';
import { readReference, refuse, type Walk } from './walk.ts';

export type Reader = (value: JsonValue, path: string, walk: Walk) => JsonValue | undefined;
/** Property and its reader; what is not in the table is not read. */
export type Table = readonly (readonly [name: string, read: Reader])[];

/** Copies what the table names, and nothing else. */
export function readTable(value: JsonObject, table: Table, path: string, walk: Walk): JsonObject {
  const out = Object.create(null) as Record<string, JsonValue>;
  for (const [name, read] of table) {
    if (walk.denied !== undefined) return out;
    const property = value[name];
    if (property === undefined || property === null) continue;
    const seen = read(property, `${path}/${name}`, walk);
    if (seen !== undefined) out[name] = seen;
  }
  return out;
}

const shape = (walk: Walk, path: string): undefined => refuse(walk, 'SEKISHO_INBOX_SHAPE', path);

/** Text; ActivityPub software that keeps everything in lists sends a list of one. */
export const text: Reader = (value, path, walk) => {
  const only = isList(value) && value.length === 1 ? value[0] : value;
  return typeof only === 'string' ? only : shape(walk, path);
};

/** Text where Misskey looks whether it is one, and software sends other things under the same name. */
export const textIfText: Reader = (value) => (typeof value === 'string' ? value : undefined);

export const flag: Reader = (value, path, walk) => (typeof value === 'boolean' ? value : shape(walk, path));

/** Osada and older Mastodon write `"true"` into profiles. */
export const setting: Reader = (value, path, walk) =>
  value === 'true' || value === 'false' ? value === 'true' : flag(value, path, walk);

/** Of votes: CVE of negative counts in polls (GHSA-5h8r-gq97-xv69). */
export const count: Reader = (value, path, walk) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : shape(walk, path);

/** Seconds since the epoch, or before now where negative. */
export const seconds: Reader = (value, path, walk) =>
  typeof value === 'number' && Number.isSafeInteger(value) ? value : shape(walk, path);

/** End of a poll: a time, or only that it is over. */
export const timeOrFlag: Reader = (value, path, walk) =>
  typeof value === 'string' || typeof value === 'boolean' ? value : shape(walk, path);

/** URI. Empty is as if it were not there: Misskey asks whether it is truthy. */
export const uri: Reader = (value, path, walk) => {
  if (typeof value !== 'string') return shape(walk, path);
  if (value === '') return undefined;
  readReference(walk, value, { code: 'SEKISHO_INBOX_REFERENCE', path });
  return value;
};

/** Ref: a URI or an object with an id; of one object only the id is read, Misskey fetches the rest. */
export const ref: Reader = (value, path, walk) => {
  if (isObject(value)) return value['id'] === undefined ? shape(walk, path) : uri(value['id'], `${path}/id`, walk);
  return uri(value, path, walk);
};

/** Ref, or Public: a relay is followed by following Public. */
export const refOrPublic: Reader = (value, path, walk) =>
  typeof value === 'string' && PUBLIC_NAMES.has(value) ? value : ref(value, path, walk);

/** A list of one is that one: software that keeps everything in lists. */
export const only = (item: Reader): Reader => (value, path, walk) => {
  if (!isList(value)) return item(value, path, walk);
  const [first, ...others] = value;
  return first === undefined || others.length > 0 ? shape(walk, path) : item(first, `${path}/0`, walk);
};

/** `getOneApId`: of several the first. */
export const firstRef: Reader = (value, path, walk) => {
  if (!isList(value)) return ref(value, path, walk);
  const first = value[0];
  return first === undefined ? undefined : ref(first, `${path}/0`, walk);
};

/** Link: a URI or `{href}`; of several the first (`getOneApHrefNullable`). Videos add magnet links after it. */
export const link: Reader = (value, path, walk) => {
  const first = isList(value) ? value[0] : value;
  if (first === undefined) return undefined;
  const href = isObject(first) ? (first['href'] ?? first['url']) : first;
  return href === undefined || href === null ? undefined : uri(href, path, walk);
};

/** Real actors have a handful. */
const ALIASES_MAX = 256;

/** Other names of an actor: only web ones can be compared with actors; at: and did: are harmless and not passed on. */
export const aliases: Reader = (value, path, walk) => {
  const names: JsonValue[] = [];
  if (listOf(value).length > ALIASES_MAX) return tooMany(walk, path, ALIASES_MAX);
  for (const [index, alias] of listOf(value).entries()) {
    if (typeof alias !== 'string') return shape(walk, `${path}/${index}`);
    if (!/^https?:/i.test(alias.trim())) continue;
    const seen = uri(alias, `${path}/${index}`, walk);
    if (walk.denied !== undefined) return undefined;
    if (seen !== undefined) names.push(seen);
  }
  return names;
};

/** Recipients: Public in one of its names, or Refs. */
export const recipients: Reader = (value, path, walk) => {
  const all: JsonValue[] = [];
  for (const [index, recipient] of listOf(value).entries()) {
    if (all.length >= INBOX_LIMITS.recipientsMax) return tooMany(walk, path, INBOX_LIMITS.recipientsMax);
    const isPublic = typeof recipient === 'string' && PUBLIC_NAMES.has(recipient);
    const seen = isPublic ? recipient : ref(recipient, `${path}/${index}`, walk);
    if (walk.denied !== undefined) return undefined;
    if (seen !== undefined) all.push(seen);
  }
  return all;
};

export const tooMany = (walk: Walk, path: string, max: number): undefined =>
  refuse(walk, 'SEKISHO_INBOX_COUNT', `${path}: more than ${max}`);

/** What is limited together: recipients of both kinds, choices of both kinds. */
const TOGETHER = [
  ['to', 'cc', INBOX_LIMITS.recipientsMax],
  ['oneOf', 'anyOf', INBOX_LIMITS.pollOptionsMax],
] as const;

/** Of what a table has read. */
export function limitTogether(seen: JsonObject, path: string, walk: Walk): void {
  for (const [one, other, max] of TOGETHER) {
    if (listOf(seen[one]).length + listOf(seen[other]).length > max) tooMany(walk, `${path}/${one} and ${other}`, max);
  }
}

/** An object read by a table; anything else is left out where `otherwise` says so. */
export const object = (table: Table, otherwise: 'refuse' | 'omit' = 'refuse'): Reader => (value, path, walk) => {
  if (isObject(value)) return readTable(value, table, path, walk);
  return otherwise === 'omit' ? undefined : shape(walk, path);
};

/** One or many, at most `max`. */
export const list = (item: Reader, max: number): Reader => (value, path, walk) => {
  const items = listOf(value);
  if (items.length > max) return tooMany(walk, path, max);
  const out: JsonValue[] = [];
  for (const [index, one] of items.entries()) {
    if (one === null) continue;
    const seen = item(one, `${path}/${index}`, walk);
    if (walk.denied !== undefined) return undefined;
    if (seen !== undefined) out.push(seen);
  }
  return out;
};

/** The first type; the reading of an object has chosen its table by it. */
export const type: Reader = (value, path, walk) => {
  const first = isList(value) ? value[0] : value;
  return typeof first === 'string' ? first : shape(walk, path);
};

/** An object by its type; types that are not in the map are not read by Misskey. */
export const byType = (tables: ReadonlyMap<string, Table>): Reader => (value, path, walk) => {
  if (!isObject(value)) return typeof value === 'string' ? undefined : shape(walk, path);
  const table = tables.get(typeOf(value) ?? '');
  return table === undefined ? undefined : readTable(value, table, path, walk);
};

/** Host of a URL in what Misskey does not read, where it is one; refuses nothing. */
export function mentionHost(value: JsonValue | undefined, walk: Walk): void {
  const id = isObject(value) ? value['id'] : isList(value) ? value[0] : value;
  const reference = typeof id === 'string' ? parseReference(id, walk.isAllowed) : undefined;
  if (reference !== undefined && !walk.isOwn(reference.host) && walk.hosts.size < INBOX_LIMITS.hostsMax) walk.hosts.add(reference.host);
}
