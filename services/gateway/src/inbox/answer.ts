// What a sender is told. The status decides what it does next: 4xx but 429 is never tried again, 429 and 503 are, 202 is
// done, and 410 would make it forget us for good, so nobody ever gets one.

import { STATUS_CODES } from 'node:http';
import { CODES, type Code } from '@sekisho/contracts';
import { RETRY_AFTER_S, linger, refuse } from '../passthrough/answer.ts';
import type { Delivery, InboxDenied, Visit } from './types.ts';

/** Drops look like accepted activities to the last header: which ones Misskey writes is learnt from its own answers. */
export interface Accepted {
  learn(headers: readonly string[]): void;
  headers(requestId: string): readonly string[];
}

/** Headers that belong to one answer; its date and id are made anew. */
const OF_ONE: ReadonlySet<string> = new Set(['set-cookie', 'age', 'etag']);
const HEADERS_MAX = 64;
const OWN: readonly string[] = ['content-length', '0'];

export function createAccepted(nowMs: () => number = Date.now): Accepted {
  let known = OWN;
  const fresh = (name: string, value: string, requestId: string): string => {
    if (name === 'date') return new Date(nowMs()).toUTCString();
    return name === 'x-request-id' ? requestId : value;
  };
  return {
    learn: (headers) => {
      const kept: string[] = [];
      for (let at = 0; at + 1 < headers.length && at < HEADERS_MAX * 2; at += 2) {
        if (!OF_ONE.has((headers[at] ?? '').toLowerCase())) kept.push(headers[at] ?? '', headers[at + 1] ?? '');
      }
      known = kept;
    },
    headers: (requestId) => {
      const names = known.map((part, at) => (at % 2 === 0 ? part : fresh((known[at - 1] ?? '').toLowerCase(), part, requestId)));
      return known === OWN ? [...names, 'X-Request-Id', requestId] : names;
    },
  };
}

/** Says that the activity was received, whatever became of it. */
export function sendAccepted({ req, res, requestId }: Visit, accepted: Accepted): number {
  res.writeHead(202, STATUS_CODES[202] ?? '', [...accepted.headers(requestId)]);
  res.end();
  linger(req);
  return 202;
}

/** Refuses with the constant body of the code; a drop looks like an accepted activity. Returns the status. */
export function sendDenied(visit: Visit, denied: InboxDenied, accepted: Accepted): number {
  const { req, res, requestId } = visit;
  if (CODES[denied.code].status === 202) return sendAccepted(visit, accepted);
  return refuse(req, res, denied.code, { requestId, retryAfterS: denied.retryAfterS, closes: !req.complete });
}

export type Outcome = { readonly kind: 'taken' } | { readonly kind: 'refused' } | { readonly kind: 'fault'; readonly code: Code };

/** What an answer of Misskey means for the mark and the budget. */
export function outcomeOf(delivery: Delivery): Outcome {
  if (delivery.kind === 'queued') return { kind: 'taken' };
  if (delivery.kind === 'fault') return delivery;
  if (delivery.status >= 500) return { kind: 'fault', code: 'SEKISHO_MISSKEY_AWAY' };
  return delivery.status < 300 ? { kind: 'taken' } : { kind: 'refused' };
}

/** Hands Misskey's answer on. Returns the status that was sent. */
export function sendDelivery(visit: Visit, delivery: Delivery, accepted: Accepted): number {
  const { req, res, requestId } = visit;
  if (delivery.kind === 'queued') return sendAccepted(visit, accepted);
  const outcome = outcomeOf(delivery);
  if (delivery.kind === 'fault' || outcome.kind === 'fault') {
    return refuse(req, res, outcome.kind === 'fault' ? outcome.code : 'SEKISHO_MISSKEY_AWAY', { requestId, retryAfterS: RETRY_AFTER_S });
  }
  const { headers, body } = delivery;
  if (delivery.status === 202 && body.length === 0) accepted.learn(headers);
  const status = delivery.status === 410 ? 404 : delivery.status;
  res.writeHead(status, STATUS_CODES[status] ?? '', headers);
  res.end(body);
  return status;
}
