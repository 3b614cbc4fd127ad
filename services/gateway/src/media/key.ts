// Names under which work is shared: the cache key, the isolation token of a site, and the validator of a stream.

import { createHash, createHmac, hash } from 'node:crypto';
import type { MediaMode } from '@sekisho/contracts';

export interface PolicyFacts {
  readonly sharpVersion: string;
  /** Everything that changes the bytes of a result. */
  readonly encodeParams: Readonly<Record<string, unknown>>;
  /** Limits that decide between a result and a refusal. */
  readonly limits: Readonly<Record<string, unknown>>;
}

export interface KeyFacts {
  readonly policy: string;
  readonly epoch: number;
  readonly mode: MediaMode;
  /** Canonical URL. */
  readonly url: string;
}

/** Hash of everything that decides how a picture is made; a change of it empties the caches by itself. */
export const policyHash = (facts: PolicyFacts): string =>
  hash('sha256', stableJson({ ...facts }), 'base64url').slice(0, 22);

/** Cache key: 43 characters of base64url. Never file name, `fallback`, `origin` or a header. */
export const cacheKey = (facts: KeyFacts): string =>
  hash('sha256', `v1|${facts.policy}|${facts.epoch}|${facts.mode}|${facts.url}`, 'base64url');

/** 16 bytes that tell one site's decoders from another's without naming the site. `finalOrigin`: after redirects. */
export const isolationToken = (key: Buffer, finalOrigin: string): string =>
  createHmac('sha256', key).update(finalOrigin).digest().subarray(0, 16).toString('base64url');

export interface StreamFacts {
  readonly key: string;
  /** ETag or Last-Modified of the upstream as it came. */
  readonly validator: string;
  /** Whole length in bytes. */
  readonly length: number;
}

/**
 * ETag of a stream: a hash, so that an upstream can neither choose our header's text nor track a client by it.
 * Weak where the upstream's is weak: then ranges of it must not be joined.
 */
export function streamEtag(facts: StreamFacts): string {
  const digest = createHash('sha256').update(`stream|${facts.key}|${facts.length}|${facts.validator}`).digest('base64url');
  return `${facts.validator.startsWith('W/') ? 'W/' : ''}"${digest.slice(0, 27)}"`;
}

/** Strong validator of a picture: a hash of its bytes, with quotes. */
export const pictureEtag = (body: Buffer): string => `"${hash('sha256', body, 'base64url').slice(0, 27)}"`;

function stableJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stableJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, part]) => `${JSON.stringify(name)}:${stableJson(part)}`).join(',')}}`;
}
