// Times that Misskey sorts posts by.

import { INBOX_LIMITS } from '@sekisho/contracts';
import { deny } from '../denied.ts';
import type { Denied, JsonObject, JsonValue } from '../types.ts';
import { isList, isObject, listOf, typeOf } from './types.ts';

/** Posts that an activity brings along, as opposed to those that it is about. */
const WITH_POST: ReadonlySet<string> = new Set(['Create', 'Update']);

export function checkPublished(activity: JsonObject, nowMs: number, path = ''): Denied | undefined {
  if (!isFit(activity['published'], nowMs)) return deny('SEKISHO_INBOX_PUBLISHED', `${path}/published`);
  if (!WITH_POST.has(typeOf(activity) ?? '')) return undefined;
  const isWrong = listOf(activity['object']).some((object) => isObject(object) && !isFit(object['published'], nowMs));
  return isWrong ? deny('SEKISHO_INBOX_PUBLISHED', `${path}/object/published`) : undefined;
}

function isFit(published: JsonValue | undefined, nowMs: number): boolean {
  const text = isList(published) ? published[0] : published;
  if (typeof text !== 'string' || text === '') return true;
  const ms = Date.parse(text);
  return Number.isFinite(ms) && ms <= nowMs + INBOX_LIMITS.publishedAheadMs;
}
