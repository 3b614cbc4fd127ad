// What one gateway tells the others about the end of a flight. Never the picture: that is read from the cache, where its
// HMAC is checked.

import { CODE_NAMES, type Code } from '@sekisho/contracts';
import { z } from 'zod';

const NOTE_CHARS_MAX = 512;

const noteSchema = z.discriminatedUnion('kind', [
  /** The picture lies in the cache. */
  z.strictObject({ kind: z.literal('cached') }),
  /** A refusal that depends on the URL alone. */
  z.strictObject({
    kind: z.literal('refusal'),
    code: z.enum(CODE_NAMES as [Code, ...Code[]]),
    upstreamStatus: z.int().min(400).max(499).optional(),
    retryAfterS: z.int().min(0).max(3_600).optional(),
  }),
  /** Passed on as a stream: everybody opens their own. */
  z.strictObject({ kind: z.literal('stream') }),
]);
export type FlightNote = z.infer<typeof noteSchema>;

export const encodeNote = (note: FlightNote): string => JSON.stringify(note);

/** Text of a note; undefined when it is none. */
export function parseNote(text: string): FlightNote | undefined {
  if (text.length > NOTE_CHARS_MAX) return undefined;
  try {
    return noteSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
