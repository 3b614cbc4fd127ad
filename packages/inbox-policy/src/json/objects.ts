// What keeps objects small, whatever a body makes of them. Measured with Node 24: sixteen bodies of 27 KiB filled a heap of
// 384 MiB, which is what a container of 768 MiB gets.

import type { JsonObject, JsonValue } from '../types.ts';

/** One for all: each of its own takes 184 bytes, for two of the body. */
export const EMPTY: JsonObject = Object.freeze(Object.create(null) as JsonObject);

/** Values that an object, and a second table for keys that are numbers, count as: by the memory that they take, the limit holds 0.5 MiB. */
export const WEIGHT = { object: 2, numbers: 2 } as const;

const [ZERO, NINE] = [0x30, 0x39];
/** The largest key that is an index. */
const LAST_INDEX = '4294967294';

/** Keys that begin like one do no harm. */
export function mayBeNumber(key: string): boolean {
  const first = key.charCodeAt(0);
  return first >= ZERO && first <= NINE;
}

/**
 * Numbered keys are kept like the items of a list: {"1023":1} takes room for 1,550 of them, 12 KiB. An object that ever had the
 * largest index keeps them in a table of 200 bytes.
 */
export function keepNumbersApart(object: Record<string, JsonValue>): void {
  object[LAST_INDEX] = null;
  Reflect.deleteProperty(object, LAST_INDEX);
}
