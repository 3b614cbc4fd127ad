// What the cache keeps, and its form in Redis: HMAC over key, type, meta and bytes, so that whoever can write to that
// Redis but does not hold the key file can neither plant a picture nor move one to another key.

import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import { CODE_NAMES, type Code, LIMITS } from '@sekisho/contracts';
import { z } from 'zod';
import type { Picture, Refusal } from '../media/types.ts';

export type CacheEntry = Picture | Refusal;

/** Hashes under which an entry is listed for purging. */
export interface EntryPlace {
  readonly urlHash: string;
  readonly hostHash: string;
}
export interface StoredEntry extends EntryPlace {
  readonly entry: CacheEntry;
  /** Ms since 1970. */
  readonly expiresAtMs: number;
}

const MAC_BYTES = 32;
const LENGTH_BYTES = 4;
const META_BYTES_MAX = 4_096;
const VERSION = 1;

const hashOf = (text: string): string => hash('sha256', text, 'base64url').slice(0, 22);
/** Index hash of a canonical URL. */
export const urlHashOf = (url: string): string => hashOf(`url|${url}`);
/** Index hash of a host name as in a canonical URL. */
export const hostHashOf = (host: string): string => hashOf(`host|${host}`);
/** Where entries of a canonical URL are listed. */
export const placeOf = (url: string): EntryPlace => ({ urlHash: urlHashOf(url), hostHash: hostHashOf(new URL(url).hostname) });

const side = z.int().min(1).max(65_535);
const placeShape = { v: z.literal(VERSION), urlHash: z.string().length(22), hostHash: z.string().length(22), expiresAtMs: z.int().min(0) };
const pictureMeta = z.strictObject({
  ...placeShape,
  kind: z.literal('picture'),
  type: z.string().max(64),
  etag: z.string().max(64),
  width: side,
  height: side,
  frames: z.int().min(1),
  framesCapped: z.boolean(),
  fileName: z.string().max(255).optional(),
});
const refusalMeta = z.strictObject({
  ...placeShape,
  kind: z.literal('refusal'),
  code: z.enum(CODE_NAMES as [Code, ...Code[]]),
  upstreamStatus: z.int().optional(),
});
const metaSchema = z.discriminatedUnion('kind', [pictureMeta, refusalMeta]);
type Meta = z.infer<typeof metaSchema>;

const NO_BODY = Buffer.alloc(0);

function metaOf(stored: StoredEntry): Meta {
  const { entry, urlHash, hostHash, expiresAtMs } = stored;
  const base = { v: VERSION, urlHash, hostHash, expiresAtMs } as const;
  if (entry.kind === 'refusal') return { ...base, kind: 'refusal', code: entry.code, upstreamStatus: entry.upstreamStatus };
  const { body: _body, ...facts } = entry;
  return { ...base, ...facts };
}

function macOf(secret: Buffer, key: string, content: Buffer): Buffer {
  return createHmac('sha256', secret).update(key).update('|').update(content).digest();
}

/** Bytes for Redis: MAC, length of the meta, meta, body. */
export function encodeEntry(secret: Buffer, key: string, stored: StoredEntry): Buffer {
  const meta = Buffer.from(JSON.stringify(metaOf(stored)));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(meta.length);
  const content = Buffer.concat([length, meta, stored.entry.kind === 'picture' ? stored.entry.body : NO_BODY]);
  return Buffer.concat([macOf(secret, key, content), content]);
}

/** The entry of a value, or undefined when it does not verify. The body is a copy that holds no larger buffer alive. */
export function decodeEntry(secret: Buffer, key: string, value: Buffer): StoredEntry | undefined {
  if (value.length < MAC_BYTES + LENGTH_BYTES || value.length > LIMITS.pictureBytesMax + META_BYTES_MAX) return undefined;
  const content = value.subarray(MAC_BYTES);
  if (!timingSafeEqual(value.subarray(0, MAC_BYTES), macOf(secret, key, content))) return undefined;
  const end = LENGTH_BYTES + content.readUInt32BE(0);
  const meta = parseMeta(content.subarray(LENGTH_BYTES, end).toString());
  return meta === undefined ? undefined : storedOf(meta, content.subarray(end));
}

function parseMeta(text: string): Meta | undefined {
  try {
    const parsed = metaSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

function storedOf(meta: Meta, bytes: Buffer): StoredEntry {
  const { urlHash, hostHash, expiresAtMs } = meta;
  if (meta.kind === 'refusal') {
    const entry: Refusal = { kind: 'refusal', code: meta.code, upstreamStatus: meta.upstreamStatus, retryAfterS: undefined };
    return { entry, urlHash, hostHash, expiresAtMs };
  }
  const body = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(body);
  const { kind, type, etag, width, height, frames, framesCapped, fileName } = meta;
  const entry: Picture = { kind, type, body, etag, width, height, frames, framesCapped, fileName };
  return { entry, urlHash, hostHash, expiresAtMs };
}
