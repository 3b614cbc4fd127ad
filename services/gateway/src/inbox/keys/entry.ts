// What is known of one key document: the keys that its owner lists, or why there are none. The form in Redis carries no
// HMAC, unlike cached pictures: whoever writes to the state Redis could plant a key here, but Misskey checks each signature
// again with the key it has itself, in every mode.

import type { KeyObject } from 'node:crypto';
import { parsePublicKey } from '@sekisho/inbox-policy';
import { z } from 'zod';

/** Keys that one actor may list. */
export const KEYS_MAX = 8;
const MINUTE_MS = 60_000;
/** Misskey keeps a key for longer; a rotated one is noticed by its first signature (see REFETCH_MS). */
const KEYS_LIFE_MS = 24 * 60 * MINUTE_MS;
const NONE_LIFE_MS = { gone: 10 * MINUTE_MS, refused: 10 * MINUTE_MS, away: MINUTE_MS } as const;
/** A signature that does not fit a known key asks for the key again at most so often: each costs the peer a request. */
const REFETCH_MS = 10 * MINUTE_MS;

export interface KnownKey {
  /** Normalised, like all URLs here. */
  readonly id: string;
  readonly owner: string;
  readonly pem: string;
  readonly key: KeyObject;
}
/** `gone`: 404 or 410. `refused`: there, and not to be believed. `away`: nobody can say now. */
export type None = keyof typeof NONE_LIFE_MS;

interface Dated {
  /** Of the document, without fragment. */
  readonly url: string;
  readonly atMs: number;
}
export interface KnownKeys extends Dated {
  readonly kind: 'keys';
  readonly keys: readonly KnownKey[];
  /** When the document was fetched again last because of a signature. */
  readonly refetchedAtMs: number;
}
export interface NoKeys extends Dated {
  readonly kind: 'none';
  readonly none: None;
  /** For the log. */
  readonly detail: string;
}
export type KeyEntry = KnownKeys | NoKeys;

export const lifeMs = (entry: KeyEntry): number => (entry.kind === 'keys' ? KEYS_LIFE_MS : NONE_LIFE_MS[entry.none]);
export const isAlive = (entry: KeyEntry, nowMs: number): boolean => nowMs - entry.atMs < lifeMs(entry);
/** When the peer was asked last. */
export const learntAtMs = (entry: KeyEntry): number => (entry.kind === 'keys' ? Math.max(entry.atMs, entry.refetchedAtMs) : entry.atMs);
export const mayRefetch = ({ refetchedAtMs }: KnownKeys, nowMs: number): boolean => nowMs - refetchedAtMs >= REFETCH_MS;

const timeSchema = z.int().min(0);
const entrySchema = z.discriminatedUnion('kind', [
  z.strictObject({
    v: z.literal(1), kind: z.literal('keys'), url: z.string(), atMs: timeSchema, refetchedAtMs: timeSchema,
    keys: z.array(z.strictObject({ id: z.string(), owner: z.string(), pem: z.string() })).min(1).max(KEYS_MAX),
  }),
  z.strictObject({ v: z.literal(1), kind: z.literal('none'), url: z.string(), atMs: timeSchema, none: z.enum(['gone', 'refused', 'away']), detail: z.string().max(200) }),
]);

export function encodeEntry(entry: KeyEntry): string {
  if (entry.kind === 'none') return JSON.stringify({ v: 1, ...entry });
  return JSON.stringify({ v: 1, ...entry, keys: entry.keys.map(({ id, owner, pem }) => ({ id, owner, pem })) });
}

/** Undefined for anything that is not an entry of this URL. */
export function decodeEntry(text: string, url: string): KeyEntry | undefined {
  const parsed = entrySchema.safeParse(parseJson(text));
  if (!parsed.success || parsed.data.url !== url) return undefined;
  const { v: _version, ...entry } = parsed.data;
  if (entry.kind === 'none') return entry;
  const keys = entry.keys.flatMap((known) => {
    const read = parsePublicKey(known.pem);
    return read.ok ? [{ ...known, key: read.key }] : [];
  });
  return keys.length === 0 ? undefined : { ...entry, keys };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
