// An activity without what people wrote to each other, for captures: the shape, the addresses and the counts stay.

import { isObject } from '../../activity/types.ts';
import { keepNumbersApart, mayBeNumber } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../types.ts';

/** Properties of a post that hold what its author wrote. */
const WRITTEN: ReadonlySet<string> = new Set([
  'content', 'contentMap', 'summary', 'summaryMap', 'name', 'nameMap', 'source', '_misskey_content', '_misskey_summary', 'preview',
]);
const DEPTH_MAX = 20;

/** Texts become empty, their maps and sources go. Names of tags stay: hashtags and mentions are addresses. */
export const redactActivity = (value: JsonObject): JsonObject => redactObject(value, 0);

function redactObject(value: JsonObject, depth: number): JsonObject {
  const isTag = typeof value['type'] === 'string' && ['Mention', 'Hashtag', 'Emoji'].includes(value['type']);
  const entries = Object.entries(value).flatMap(([key, item]): [string, JsonValue][] => {
    if (isTag || !WRITTEN.has(key)) return [[key, redactValue(item, depth + 1)]];
    return typeof item === 'string' ? [[key, '']] : [];
  });
  // As the reader of bodies makes them.
  const copy: Record<string, JsonValue> = Object.create(null);
  if (entries.some(([key]) => mayBeNumber(key))) keepNumbersApart(copy);
  for (const [key, item] of entries) copy[key] = item;
  return copy;
}

function redactValue(value: JsonValue, depth: number): JsonValue {
  if (depth > DEPTH_MAX) return null;
  if (Array.isArray(value)) return value.map((item: JsonValue) => redactValue(item, depth + 1));
  return isObject(value) ? redactObject(value, depth) : value;
}
