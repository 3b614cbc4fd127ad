// What an upstream's status means for the fetch. Pure.

import { type Code, LIMITS } from '@sekisho/contracts';
import { parseHttpDate } from './http-date.ts';

export type StatusVerdict =
  | { readonly kind: 'body'; readonly partial: boolean }
  | { readonly kind: 'empty' }
  | { readonly kind: 'fault'; readonly code: Code; readonly upstreamStatus?: number; readonly retryAfterS?: number };

interface StatusInput {
  readonly status: number;
  readonly rangeAsked: boolean;
  readonly retryAfter: string | undefined;
  /** Ms since 1970, for a Retry-After that is a date. */
  readonly nowMs: number;
}

/** Answers without a body of their own. */
const EMPTY: ReadonlySet<number> = new Set([204, 205, 304]);

export function classifyStatus(input: StatusInput): StatusVerdict {
  const { status, rangeAsked } = input;
  if (EMPTY.has(status)) return { kind: 'empty' };
  if (status === 206) return rangeAsked ? { kind: 'body', partial: true } : { kind: 'fault', code: 'SEKISHO_UPSTREAM_FAULT' };
  if (status >= 200 && status < 300) return { kind: 'body', partial: false };
  if (status === 416 && rangeAsked) return { kind: 'fault', code: 'SEKISHO_UPSTREAM_RANGE' };
  if (status === 429) {
    return { kind: 'fault', code: 'SEKISHO_UPSTREAM_PAUSED', retryAfterS: parseRetryAfter(input.retryAfter, input.nowMs) };
  }
  if (status >= 400 && status < 500) return { kind: 'fault', code: 'SEKISHO_UPSTREAM_STATUS', upstreamStatus: status };
  return { kind: 'fault', code: 'SEKISHO_UPSTREAM_FAULT' };
}

/** Seconds from 1 to 60: how long an upstream may keep us away is our decision. */
export function parseRetryAfter(value: string | undefined, nowMs: number): number {
  const text = (value ?? '').trim();
  const untilMs = /^\d{1,9}$/.test(text) ? nowMs + Number(text) * 1_000 : parseHttpDate(text);
  if (untilMs === undefined) return LIMITS.hostPauseMs / 1_000;
  return Math.min(LIMITS.hostRetryAfterMaxS, Math.max(1, Math.ceil((untilMs - nowMs) / 1_000)));
}
