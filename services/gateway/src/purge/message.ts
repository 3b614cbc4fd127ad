// What a purge tells every gateway process. Hashes only: the channel needs to know no URL.

import { z } from 'zod';

const MESSAGE_CHARS_MAX = 4_096;
const HASHES_MAX = 16;

const messageSchema = z.strictObject({
  v: z.literal(1),
  hashes: z.array(z.string().regex(/^[A-Za-z0-9_-]{22}$/)).min(1).max(HASHES_MAX),
});

/** Text for the channel. */
export const encodePurge = (hashes: readonly string[]): string => JSON.stringify({ v: 1, hashes });

/** Hashes of a message; undefined when it is none, which the listener answers by dropping everything. */
export function parsePurge(text: string): readonly string[] | undefined {
  if (text.length > MESSAGE_CHARS_MAX) return undefined;
  try {
    const parsed = messageSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data.hashes : undefined;
  } catch {
    return undefined;
  }
}
