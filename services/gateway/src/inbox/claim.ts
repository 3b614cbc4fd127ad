// What a body says of itself, before anything about it is checked; for the log.

import { type JsonObject, type JsonValue, isObject, typeOf } from '@sekisho/inbox-policy';
import type { Claimed } from './types.ts';

const textOf = (value: JsonValue | undefined): string | undefined => (typeof value === 'string' ? value : undefined);

export function claimOf(value: JsonObject): Claimed {
  const { id, actor } = value;
  return {
    type: typeOf(value),
    id: textOf(id),
    actor: textOf(isObject(actor) ? actor['id'] : actor),
  };
}
