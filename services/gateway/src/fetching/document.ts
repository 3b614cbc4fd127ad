// Documents of other servers, whole: actors and keys, subscribed lists. One budget of its own, so that a flood of keys to
// fetch never takes the connections of media.

import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import {
  type Code, type DocumentKind, DOCUMENTS, FETCH_VERSION, type FetchRequest, isDocumentUrl, isSekishoError, SekishoError, type SignedGet, toSekishoError,
} from '@sekisho/contracts';
import { inTime } from '@sekisho/runtime';
import type { FetchClient } from './client.ts';

/** Of the 256 connections to the fetcher. */
const RUNNING_MAX = 64;
/** What the fetcher gets on top of its own deadline to say that it was late. */
const GRACE_MS = 500;

export interface DocumentOptions {
  readonly accept: DocumentKind;
  /** At most, and by default, that of the kind. */
  readonly bytesMax?: number;
  readonly deadlineMs?: number;
  /** For activities. */
  readonly signed?: SignedGet | undefined;
}

export type FetchedBody =
  | { readonly kind: 'document'; readonly status: 200; readonly type: string; readonly body: Buffer; readonly finalUrl: string }
  | { readonly kind: 'refused'; readonly code: Code; readonly upstreamStatus?: number };

/** Never rejects: an absent fetcher is a refusal with its code too. */
export type FetchDocument = (url: string, options: DocumentOptions) => Promise<FetchedBody>;

export function createFetchDocument(client: Pick<FetchClient, 'document'>, runningMax: number = RUNNING_MAX): FetchDocument {
  let running = 0;
  return async (url, options) => {
    const normal = normalUrl(url);
    if (normal === undefined) return { kind: 'refused', code: 'SEKISHO_TARGET_URL' };
    if (running >= runningMax) return { kind: 'refused', code: 'SEKISHO_LIMIT_FETCHES' };
    running += 1;
    try {
      return await fetchWhole(client, requestOf(normal, options));
    } catch (error) {
      return { kind: 'refused', code: toSekishoError(error).code };
    } finally {
      running -= 1;
    }
  };
}

/** As the fetcher will spell it, so that what it says of the final URL can be compared. */
function normalUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || url.protocol !== 'https:' || url.username + url.password !== '' || url.hostname.endsWith('.')) return undefined;
  url.hash = '';
  return isDocumentUrl(url.href) ? url.href : undefined;
}

function requestOf(url: string, { accept, bytesMax, deadlineMs, signed }: DocumentOptions): FetchRequest {
  const rules = DOCUMENTS[accept];
  return {
    v: FETCH_VERSION,
    requestId: randomBytes(16).toString('base64url'),
    url,
    want: 'document',
    accept,
    ...(signed === undefined ? {} : { signed }),
    sourceId: randomBytes(16).toString('base64url'),
    loop: { via: [], cdnLoop: [] },
    limits: { bytesMax: within(bytesMax, rules.bytesMax), deadlineMs: within(deadlineMs, rules.deadlineMs) },
  };
}

const within = (asked: number | undefined, max: number): number => Math.max(1, Math.min(Math.floor(asked ?? max), max));

async function fetchWhole(client: Pick<FetchClient, 'document'>, request: FetchRequest): Promise<FetchedBody> {
  const stop = new AbortController();
  const late = (): never => {
    throw new SekishoError('SEKISHO_DEADLINE', { detail: 'no whole document from the fetcher' });
  };
  const ms = request.limits.deadlineMs + GRACE_MS;
  try {
    return await inTime(exchange(client, request, { signal: stop.signal, deadlineMs: ms }), ms, late);
  } finally {
    stop.abort();
  }
}

async function exchange(client: Pick<FetchClient, 'document'>, request: FetchRequest, options: { readonly signal: AbortSignal; readonly deadlineMs: number }): Promise<FetchedBody> {
  const { outcome, body } = await client.document(request, options);
  if (body === undefined) {
    const { code, upstreamStatus } = outcome;
    return { kind: 'refused', code, ...(upstreamStatus === undefined ? {} : { upstreamStatus }) };
  }
  const bytes = await buffer(body).catch((error: unknown) => {
    // What breaks without a code of ours is the connection to the fetcher.
    throw isSekishoError(error) ? error : new SekishoError('SEKISHO_FETCHER_AWAY', { cause: error });
  });
  return { kind: 'document', status: outcome.status, type: outcome.type, body: bytes, finalUrl: outcome.finalUrl };
}
