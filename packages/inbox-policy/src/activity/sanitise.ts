// The copy of an accepted activity that goes into Misskey's queue: what Misskey reads, and nothing else.

import type { JsonObject, ReadActivity } from '../types.ts';
import { readProperties } from './activities.ts';
import { openAcceptedWalk } from './walk.ts';

/**
 * Only properties of the tables, one shape for each, the actor as text. The signature of the document is not among them:
 * it would not fit the copy, so what others forward under it is never to be sanitised.
 * @throws Error where the activity was not read by `readActivity`.
 */
export function sanitiseActivity(activity: ReadActivity): JsonObject {
  const walk = openAcceptedWalk();
  const copy = readProperties(activity.value, '', walk);
  if (walk.denied !== undefined) throw new Error(`sanitiseActivity: the activity was never accepted: ${walk.denied.detail}`);
  return copy;
}
