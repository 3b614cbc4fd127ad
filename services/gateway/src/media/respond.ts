// Answers of the media path, written straight to node:http: a cached hit must not pay for a framework. Everything that
// is the same for each answer of a picture or a code is computed once.

import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { CODES, type Code, PUBLIC_CODES, type PublicCode } from '@sekisho/contracts';
import { decidePicture } from './conditional.ts';
import {
  ALLOWED_METHODS, CACHE_ERROR, CACHE_FOREVER, CACHE_HEADER, CACHE_NEVER, CODE_HEADER, FRAMES_CAPPED_NOTE, NOTE_HEADER,
  REQUEST_ID_HEADER, SECURITY_FLAT,
} from './headers.ts';
import { contentDisposition } from './names.ts';
import { drawPlaceholder } from './placeholder.ts';
import type { Asked } from './request.ts';
import type { MediaRequest, Picture } from './types.ts';

const REQUEST_ID = /^[A-Za-z0-9._-]{8,64}$/;
/** Where a code carries no wait of its own. */
const RETRY_AFTER_DEFAULT_S = 1;
const RETRY_AFTER_MAX_S = 3_600;

/** The client's request id when it is well formed, else a new one. */
export const requestIdOf = (header: string | readonly string[] | undefined): string =>
  typeof header === 'string' && REQUEST_ID.test(header) ? header : randomUUID();

export type CacheVerdict = 'hit' | 'miss' | 'shared';
export interface AnswerFacts {
  readonly cache: CacheVerdict;
  readonly requestId: string;
}

/** What was sent, for the log line. */
export interface Sent {
  readonly status: number;
  /** Bytes of the body. */
  readonly bytes: number;
}

interface PictureHead {
  /** For 304: no representation headers. */
  readonly shared: readonly string[];
  /** For 200 and 206: with type and name. */
  readonly whole: readonly string[];
}

// Keyed by the picture itself: the cache holds one object per key, and a key has one URL, so one name.
const heads = new WeakMap<Picture, PictureHead>();

function headOf(picture: Picture, url: string): PictureHead {
  const known = heads.get(picture);
  if (known !== undefined) return known;
  const shared = [...SECURITY_FLAT, 'ETag', picture.etag, 'Cache-Control', CACHE_FOREVER];
  if (picture.framesCapped) shared.push(NOTE_HEADER, FRAMES_CAPPED_NOTE);
  const name = contentDisposition({ suggested: picture.fileName, url, type: picture.type });
  const whole = [...shared, 'Content-Type', picture.type, 'Content-Disposition', name, 'Accept-Ranges', 'bytes'];
  const head = { shared, whole };
  heads.set(picture, head);
  return head;
}

/** Sends a picture: 200, 206, 304 or 416, with or without body. */
export function sendPicture(res: ServerResponse, request: MediaRequest, picture: Picture, facts: AnswerFacts): Sent {
  const answer = decidePicture(request, picture.etag, picture.body.length);
  const head = headOf(picture, request.url);
  const own = [CACHE_HEADER, facts.cache, REQUEST_ID_HEADER, facts.requestId];
  if (answer.status === 416) {
    const range = ['Content-Range', `bytes */${picture.body.length}`];
    return sendError(res, { method: request.method, code: 'RANGE_NOT_SATISFIABLE', status: 416, extra: [...own, ...range] });
  }
  if (answer.status === 304) {
    res.writeHead(304, [...head.shared, ...own]).end();
    return { status: 304, bytes: 0 };
  }
  let body = picture.body;
  if (answer.status === 206) {
    own.push('Content-Range', `bytes ${answer.range.start}-${answer.range.end}/${body.length}`);
    body = body.subarray(answer.range.start, answer.range.end + 1);
  }
  res.writeHead(answer.status, [...head.whole, ...own, 'Content-Length', String(body.length)]);
  return finish(res, { status: answer.status, body, method: request.method });
}

function finish(res: ServerResponse, answer: { status: number; body: Buffer; method: 'GET' | 'HEAD' }): Sent {
  if (answer.method === 'HEAD') {
    res.end();
    return { status: answer.status, bytes: 0 };
  }
  res.end(answer.body);
  return { status: answer.status, bytes: answer.body.length };
}

/** Bodies by public code alone: a text that differed by cause would be an oracle about private networks. */
const BODIES = new Map<string, Buffer>(
  Object.entries(PUBLIC_CODES).map(([code, message]) => [code, Buffer.from(JSON.stringify({ code, message }))]),
);
const PLACEHOLDER = drawPlaceholder();
const PLACEHOLDER_HEAD: readonly string[] = [
  ...SECURITY_FLAT,
  'Content-Type', 'image/png',
  'Content-Disposition', 'inline; filename="placeholder.png"',
  'Content-Length', String(PLACEHOLDER.length),
];
/** Faults of the request itself: a placeholder would hide them from whoever wrote the client. 416 has a picture. */
const NEVER_PLACEHOLDER: ReadonlySet<PublicCode> = new Set(['BAD_REQUEST', 'METHOD_NOT_ALLOWED', 'LOOP', 'RANGE_NOT_SATISFIABLE', 'REQUEST_TIMEOUT']);
/**
 * Refusals that say nothing about the URL. A shared cache in front of us must not keep them: one request under a
 * refused User-Agent would take the picture from everybody else.
 */
const ABOUT_CLIENT: ReadonlySet<Code> = new Set(['SEKISHO_CLIENT_PROXY', 'SEKISHO_CLIENT_ACCESS', 'SEKISHO_REQUEST_METHOD', 'SEKISHO_REQUEST_TIMEOUT', 'SEKISHO_REQUEST_RANGE', 'SEKISHO_UPSTREAM_RANGE']);
const NO_STORE_STATUSES: ReadonlySet<number> = new Set([429, 500, 503, 508]);

export interface RefusalFacts {
  readonly code: Code;
  readonly upstreamStatus?: number | undefined;
  readonly retryAfterS?: number | undefined;
}
export interface RefusalContext {
  readonly requestId: string;
  /** Our name in Via, for Proxy-Status. */
  readonly pseudonym: string;
}
interface Outward {
  readonly status: number;
  readonly publicCode: PublicCode;
}

/** Status and public code of a refusal. An upstream's 429 is never ours to give: it becomes 503. */
export function outwardOf(refusal: RefusalFacts): Outward {
  const { status, publicCode } = CODES[refusal.code];
  if (status !== 0) return { status, publicCode };
  const mirrored = refusal.upstreamStatus;
  if (mirrored === 429) return { status: 503, publicCode: 'OVERLOADED' };
  const valid = mirrored !== undefined && Number.isInteger(mirrored) && mirrored >= 400 && mirrored <= 499;
  return valid ? { status: mirrored, publicCode } : { status: 502, publicCode: 'UPSTREAM_FAULT' };
}

/** Sends a refusal: constant body by public code, or the placeholder where `fallback` asks for it. */
export function sendRefusal(res: ServerResponse, asked: Asked, refusal: RefusalFacts, context: RefusalContext): Sent {
  const { status, publicCode } = outwardOf(refusal);
  const stored = NO_STORE_STATUSES.has(status) || ABOUT_CLIENT.has(refusal.code) ? CACHE_NEVER : CACHE_ERROR;
  const extra = ['Cache-Control', stored, REQUEST_ID_HEADER, context.requestId];
  if (status === 429 || status === 503) extra.push('Retry-After', String(retryAfter(refusal.retryAfterS)));
  if (asked.fallback && !NEVER_PLACEHOLDER.has(publicCode)) return sendPlaceholder(res, asked.method, publicCode, extra);
  if (status === 405) extra.push('Allow', ALLOWED_METHODS);
  if (status === 408) extra.push('Connection', 'close');
  if (status === 508) extra.push('Proxy-Status', `${context.pseudonym}; error=proxy_loop_detected`);
  return sendError(res, { method: asked.method, code: publicCode, status, extra });
}

const retryAfter = (seconds: number | undefined): number =>
  seconds === undefined || !Number.isFinite(seconds)
    ? RETRY_AFTER_DEFAULT_S
    : Math.min(Math.max(Math.ceil(seconds), RETRY_AFTER_DEFAULT_S), RETRY_AFTER_MAX_S);

function sendPlaceholder(res: ServerResponse, method: 'GET' | 'HEAD', code: PublicCode, extra: readonly string[]): Sent {
  res.writeHead(200, [...PLACEHOLDER_HEAD, CODE_HEADER, code, ...extra]);
  return finish(res, { status: 200, body: PLACEHOLDER, method });
}

interface ErrorAnswer {
  readonly method: 'GET' | 'HEAD';
  readonly code: PublicCode;
  readonly status: number;
  readonly extra: readonly string[];
}

function sendError(res: ServerResponse, answer: ErrorAnswer): Sent {
  const body = BODIES.get(answer.code) ?? Buffer.alloc(0);
  const head = ['Content-Type', 'application/json; charset=utf-8', 'Content-Length', String(body.length), CODE_HEADER, answer.code];
  const stored = answer.extra.includes('Cache-Control') ? [] : ['Cache-Control', CACHE_NEVER];
  res.writeHead(answer.status, [...SECURITY_FLAT, ...head, ...answer.extra, ...stored]);
  return finish(res, { status: answer.status, body, method: answer.method });
}

/** Answers OPTIONS: preflights of any origin, for the methods we serve. */
export function sendOptions(res: ServerResponse, requestId: string): Sent {
  const head = ['Allow', ALLOWED_METHODS, 'Access-Control-Max-Age', '86400', 'Cache-Control', CACHE_NEVER];
  res.writeHead(204, [...SECURITY_FLAT, ...head, REQUEST_ID_HEADER, requestId]).end();
  return { status: 204, bytes: 0 };
}
