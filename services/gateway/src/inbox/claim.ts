// What a body says of itself, before anything about it is checked; for the log.

import type { JsonObject, JsonValue } from '@sekisho/inbox-policy';
import type { Claimed } from './types.ts';

const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

const textOf = (value: JsonValue | undefined): string | undefined => (typeof value === 'string' ? value : undefined);

export function claimOf(value: JsonObject): Claimed {
  const { type, id, actor } = value;
  return {
    type: textOf(Array.isArray(type) ? type[0] : type),
    id: textOf(id),
    actor: textOf(isObject(actor) ? actor['id'] : actor),
  };
}
