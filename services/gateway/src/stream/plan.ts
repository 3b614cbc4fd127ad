// What a request for a streamed medium becomes, from what is known of the medium. Pure. The rule behind it: a range is
// answered only with a type that was learnt from the first bytes, as bytes out of the middle tell no type.

import { type StreamOutcome, isBrowsersafe } from '@sekisho/contracts';
import { allowsRange, matchesEtag, resolveRange } from '../media/conditional.ts';
import { streamEtag } from '../media/key.ts';
import type { MediaRequest } from '../media/types.ts';

/** What the first bytes and the headers of a medium told. */
export interface StreamDescription {
  readonly type: string;
  /** ETag or Last-Modified of the upstream, as it came. */
  readonly validator: string | undefined;
  /** Whole length in bytes. */
  readonly length: number | undefined;
}

export type StreamAsk = Pick<MediaRequest, 'method' | 'range' | 'ifRange' | 'ifNoneMatch'>;

/** Enough for every sniffer, little enough to throw away. */
export const PROBE_RANGE = 'bytes=0-4095';

export type StreamPlan =
  /** Ask PROBE_RANGE, remember, plan again. */
  | { readonly kind: 'probe' }
  | { readonly kind: 'not-modified' }
  | { readonly kind: 'unsatisfiable'; readonly length: number }
  /** HEAD: the head of the whole medium. */
  | { readonly kind: 'describe' }
  /** The whole where `range` is undefined. */
  | { readonly kind: 'fetch'; readonly range: string | undefined };

const WHOLE: StreamPlan = { kind: 'fetch', range: undefined };

/** ETag of a medium, or undefined where nothing of the upstream would change with its bytes. */
export const etagOf = (key: string, { validator, length }: StreamDescription): string | undefined =>
  validator === undefined || length === undefined ? undefined : streamEtag({ key, validator, length });

export function planStream(ask: StreamAsk, key: string, known: StreamDescription | undefined): StreamPlan {
  if (known === undefined) return ask.method === 'HEAD' || ask.range !== undefined ? { kind: 'probe' } : WHOLE;
  const etag = etagOf(key, known);
  if (etag !== undefined && matchesEtag(ask.ifNoneMatch, etag)) return { kind: 'not-modified' };
  if (ask.method === 'HEAD') return { kind: 'describe' };
  if (ask.range === undefined || known.length === undefined || !allowsRange(ask.ifRange, etag)) return WHOLE;
  const range = resolveRange(ask.range, known.length);
  if (range === 'unsatisfiable') return { kind: 'unsatisfiable', length: known.length };
  return range === undefined ? WHOLE : { kind: 'fetch', range: `bytes=${range.start}-${range.end}` };
}

/** What an answer tells of the whole medium; undefined when its type may not leave. */
export function describe(outcome: StreamOutcome): StreamDescription | undefined {
  if (!isBrowsersafe(outcome.type)) return undefined;
  const length = outcome.status === 206 ? outcome.contentRange?.total : outcome.length;
  return { type: outcome.type, validator: outcome.validator, length };
}

/** Whether a partial answer is of the very medium that is known. Parts of two versions would make a third. */
export const belongsTo = (outcome: StreamOutcome, known: StreamDescription): boolean =>
  outcome.validator === known.validator && outcome.contentRange?.total === known.length;
