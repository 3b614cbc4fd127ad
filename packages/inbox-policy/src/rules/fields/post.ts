// Parts of an activity in any of the shapes that they come in. Nothing here throws on a value of another shape.

import { isObject, listOf as allOf } from '../../activity/types.ts';
import type { JsonObject, JsonValue } from '../../types.ts';

/** Above the limits of the checks before: whoever calls without them gets an answer in bounded time too. */
const ITEMS_MAX = 1_024;

/** One or many as many. */
export const listOf = (value: JsonValue | undefined): readonly JsonValue[] => allOf(value).slice(0, ITEMS_MAX);

export const objectsOf = (value: JsonValue | undefined): readonly JsonObject[] => listOf(value).filter((item) => isObject(item));

export const textOf = (value: JsonValue | undefined): string | undefined => (typeof value === 'string' ? value : undefined);

/** URLs in `url`: a text, `{href}`, or several of these. */
export const urlsOf = (value: JsonValue | undefined): readonly string[] =>
  listOf(value).flatMap((item) => textOf(isObject(item) ? item['href'] : item) ?? []);

/** Lower-case host as in URLs; undefined where there is none. */
export function hostOfUrl(url: string | undefined): string | undefined {
  const parsed = url === undefined ? null : URL.parse(url);
  if (parsed === null || (parsed.protocol !== 'https:' && parsed.protocol !== 'http:')) return undefined;
  return parsed.hostname.endsWith('.') ? parsed.hostname.slice(0, -1) : parsed.hostname;
}

/** The post or profile that an activity is about; the activity itself where its object is only a URL. */
export function subjectOf(value: JsonObject): JsonObject {
  const object = listOf(value['object'])[0];
  return isObject(object) ? object : value;
}
