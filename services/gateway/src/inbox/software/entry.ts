// What is known of one host, and its form in Redis. Whoever writes to the state Redis could plant one: then rules about
// software misjudge, so an entry is held to the shape and the life that ours have.

import type { Software } from '@sekisho/inbox-policy/rules';
import { z } from 'zod';
import { NAME_CHARS_MAX, VERSION_CHARS_MAX } from './nodeinfo.ts';

const HOUR_MS = 3_600_000;
/** Versions change with releases; a wave of sign-ups is noticed within a day. */
const KNOWN_LIFE_MS = 24 * HOUR_MS;
const NONE_LIFE_MS = HOUR_MS;
/** So that all hosts that were met at once are not asked again at once. */
const JITTER = 0.2;
const ENTRY_CHARS_MAX = 1_024;

export interface SoftwareEntry {
  readonly host: string;
  /** Time of day, ms. */
  readonly untilMs: number;
  /** undefined: the host does not say, or what it says cannot be read. */
  readonly software: Software | undefined;
}

/** @param random 0 to 1 */
export function createEntry(host: string, software: Software | undefined, { nowMs, random }: { readonly nowMs: number; readonly random: number }): SoftwareEntry {
  const lifeMs = software === undefined ? NONE_LIFE_MS : KNOWN_LIFE_MS;
  return { host, software, untilMs: Math.ceil(nowMs + lifeMs * (1 - JITTER / 2 + JITTER * random)) };
}

const flag = z.boolean().optional();
const entrySchema = z.strictObject({
  v: z.literal(1),
  host: z.string(),
  untilMs: z.int().min(0),
  software: z.strictObject({
    name: z.string().min(1).max(NAME_CHARS_MAX), version: z.string().min(1).max(VERSION_CHARS_MAX).optional(),
    openSignup: flag, users: z.int().min(0).optional(), captcha: flag, emailRequired: flag,
  }).optional(),
});

export const encodeEntry = (entry: SoftwareEntry): string => JSON.stringify({ v: 1, ...entry });

/** undefined for what is no entry of this host, or is over, or would last longer than any of ours. */
export function decodeEntry(text: string, host: string, nowMs: number): SoftwareEntry | undefined {
  const parsed = text.length > ENTRY_CHARS_MAX ? undefined : entrySchema.safeParse(parseJson(text));
  if (parsed?.success !== true || parsed.data.host !== host) return undefined;
  const { untilMs, software } = parsed.data;
  const lifeMs = (software === undefined ? NONE_LIFE_MS : KNOWN_LIFE_MS) * (1 + JITTER / 2);
  return untilMs <= nowMs || untilMs > nowMs + lifeMs + 1 ? undefined : { host, untilMs, software };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
