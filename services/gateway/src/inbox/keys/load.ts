// From the URL of a key to the keys of its owner: one fetch, or two on the same host, under one deadline.

import { type Code, INBOX_LIMITS, type SignedGet } from '@sekisho/contracts';
import type { Clock } from '@sekisho/runtime';
import type { FetchDocument } from '../../fetching/document.ts';
import type { KnownKey, None } from './entry.ts';
import { readKeyDocument } from './key-document.ts';

export interface LoadDeps {
  readonly fetchDocument: FetchDocument;
  /** Date and signature of a GET; undefined: unsigned, which servers with authorized fetch refuse. */
  readonly sign: ((url: string) => SignedGet) | undefined;
  readonly clock: Clock;
}

export type Loaded =
  | { readonly kind: 'keys'; readonly keys: readonly KnownKey[] }
  /** `lasts`: it says something about the peer, so it is remembered. */
  | { readonly kind: 'none'; readonly none: None; readonly detail: string; readonly lasts: boolean };

/** @param url normalised and without fragment. */
export async function loadKeys(url: string, deps: LoadDeps): Promise<Loaded> {
  const untilMs = deps.clock.monotonicMs() + INBOX_LIMITS.keyMs;
  const first = await fetchOne(url, untilMs, deps);
  if (first.kind !== 'owner') return first;
  const second = await fetchOne(first.url, untilMs, deps);
  return second.kind === 'owner' ? refused('the owner of the key is no actor') : second;
}

const refused = (detail: string): Loaded => ({ kind: 'none', none: 'refused', detail, lasts: true });

async function fetchOne(url: string, untilMs: number, deps: LoadDeps): Promise<Loaded | { readonly kind: 'owner'; readonly url: string }> {
  const deadlineMs = Math.ceil(untilMs - deps.clock.monotonicMs());
  if (deadlineMs < 1) return { kind: 'none', none: 'away', detail: 'the key came too late', lasts: true };
  const signed = deps.sign?.(url);
  const fetched = await deps.fetchDocument(url, { accept: 'activity', bytesMax: INBOX_LIMITS.keyBytesMax, deadlineMs, signed });
  if (fetched.kind === 'refused') return { ...noneOf(fetched.code, fetched.upstreamStatus), kind: 'none', detail: detailOf(fetched.code, fetched.upstreamStatus) };
  const document = readKeyDocument(fetched.body, url);
  switch (document.kind) {
    case 'actor': return { kind: 'keys', keys: document.keys };
    case 'owner': return document;
    case 'refused': return refused(document.detail);
  }
}

const detailOf = (code: Code, status: number | undefined): string => `the key: ${code}${status === undefined ? '' : ` ${status}`}`;

/** What the peer is or says: policy refuses it for good reasons that last. */
const REFUSED: ReadonlySet<Code> = new Set([
  'SEKISHO_TYPE_DOCUMENT', 'SEKISHO_UPSTREAM_TOO_LARGE', 'SEKISHO_UPSTREAM_ENCODING', 'SEKISHO_UPSTREAM_REDIRECTS', 'SEKISHO_LOOP',
]);

/** 401 and 403 are no proof: a server that blocks us, or wants to know us first, has keys all the same. */
function noneOf(code: Code, status: number | undefined): { readonly none: None; readonly lasts: boolean } {
  if (code === 'SEKISHO_UPSTREAM_STATUS') return { none: status === 404 || status === 410 ? 'gone' : 'away', lasts: true };
  if (REFUSED.has(code) || code.startsWith('SEKISHO_TARGET_')) return { none: 'refused', lasts: true };
  // All others are faults of our own side: fetcher away, budget spent.
  return { none: 'away', lasts: code.startsWith('SEKISHO_UPSTREAM_') };
}
