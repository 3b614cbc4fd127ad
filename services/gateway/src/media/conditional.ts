// Conditional and range requests on bytes we hold (RFC 9110 13 and 14). Pure.

import type { MediaRequest } from './types.ts';

/** Validators compared in one If-None-Match; clients send one. */
const VALIDATORS_MAX = 64;
const ENTITY_TAG = /^(?:W\/)?"[\u0021\u0023-\u007e\u0080-\u00ff]*"$/;
const RANGE = /^bytes=(\d{0,15})-(\d{0,15})$/;

const opaque = (tag: string): string => (tag.startsWith('W/') ? tag.slice(2) : tag);

/** If-None-Match against our validator by weak comparison; what does not parse never matches. */
export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch === etag || ifNoneMatch.trim() === '*') return true;
  const tags = ifNoneMatch.split(',', VALIDATORS_MAX).map((tag) => tag.trim());
  return tags.some((tag) => ENTITY_TAG.test(tag) && opaque(tag) === opaque(etag));
}

export interface ByteRange {
  readonly start: number;
  /** Inclusive. */
  readonly end: number;
}

/** Range of `bytesTotal` bytes: absent when malformed, `unsatisfiable` when it lies outside. */
export function resolveRange(range: string | undefined, bytesTotal: number): ByteRange | 'unsatisfiable' | undefined {
  const parts = range === undefined ? null : RANGE.exec(range);
  if (parts === null) return undefined;
  const [, first = '', last = ''] = parts;
  if (first === '') return suffixRange(last, bytesTotal);
  const start = Number(first);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= bytesTotal) return 'unsatisfiable';
  return { start, end: last === '' ? bytesTotal - 1 : Math.min(Number(last), bytesTotal - 1) };
}

function suffixRange(last: string, bytesTotal: number): ByteRange | 'unsatisfiable' | undefined {
  if (last === '') return undefined;
  const length = Math.min(Number(last), bytesTotal);
  return length === 0 ? 'unsatisfiable' : { start: bytesTotal - length, end: bytesTotal - 1 };
}

/** Whether If-Range lets the range through: strong comparison only, no dates, as we send no Last-Modified. */
export const allowsRange = (ifRange: string | undefined, etag: string | undefined): boolean =>
  ifRange === undefined || (etag !== undefined && !etag.startsWith('W/') && ifRange.trim() === etag);

export type PictureAnswer =
  | { readonly status: 200 | 304 | 416 }
  | { readonly status: 206; readonly range: ByteRange };

/** What to answer when the whole picture is at hand. */
export function decidePicture(
  request: Pick<MediaRequest, 'method' | 'range' | 'ifRange' | 'ifNoneMatch'>,
  etag: string,
  bytesTotal: number,
): PictureAnswer {
  if (matchesEtag(request.ifNoneMatch, etag)) return { status: 304 };
  if (request.method !== 'GET' || request.range === undefined) return { status: 200 };
  if (!allowsRange(request.ifRange, etag)) return { status: 200 };
  const range = resolveRange(request.range, bytesTotal);
  if (range === undefined) return { status: 200 };
  return range === 'unsatisfiable' ? { status: 416 } : { status: 206, range };
}
