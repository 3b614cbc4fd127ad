// Who may see a post, as Misskey reads it (ApAudienceService).

import type { JsonObject, ReadActivity } from '../types.ts';
import { idsOf } from './authority.ts';
import { hostOf } from './references.ts';
import { isObject, listOf, PUBLIC_NAMES } from './types.ts';

/** Misskey merges the recipients of activity and object. */
export function visibilityOf(activity: JsonObject, actorHost: string): ReadActivity['visibility'] {
  const [first] = listOf(activity['object']);
  const object = isObject(first) ? first : undefined;
  const to = [...idsOf(activity['to']), ...idsOf(object?.['to'])];
  const cc = [...idsOf(activity['cc']), ...idsOf(object?.['cc'])];
  if (to.some((id) => PUBLIC_NAMES.has(id))) return 'public';
  if (cc.some((id) => PUBLIC_NAMES.has(id))) return 'unlisted';
  if ([...to, ...cc].some((id) => id.endsWith('/followers') && hostOf(id) === actorHost)) return 'followers';
  return to.length + cc.length > 0 ? 'direct' : 'unknown';
}
