// Media that are passed on as they come: video, audio, pictures as they are. Each client has its own fetch; nothing is
// stored but what the first bytes and headers told.

import type { ServerResponse } from 'node:http';
import { type Code, type RefusalOutcome, type StreamOutcome } from '@sekisho/contracts';
import type { Fetched } from '../fetching/client.ts';
import { CACHE_DAY, CACHE_FOREVER, REQUEST_ID_HEADER, SECURITY_FLAT } from '../media/headers.ts';
import { matchesEtag } from '../media/conditional.ts';
import { contentDisposition } from '../media/names.ts';
import type { Descriptions } from './descriptions.ts';
import { PROBE_RANGE, type StreamAsk, type StreamDescription, type StreamPlan, belongsTo, describe, etagOf, planStream } from './plan.ts';
import { pump } from './pump.ts';

/** A client that takes nothing for this long is cut. */
export const STALL_MS = 60_000;

export interface StreamOrder {
  readonly request: StreamAsk & { readonly url: string };
  readonly key: string;
  readonly requestId: string;
  /** A fetch of the whole medium that is open already; taken over in every case. */
  readonly opened?: Fetched | undefined;
  /** Fetches with `want: 'stream'`; `undefined` is the whole. */
  fetch(range: string | undefined): Promise<Fetched>;
  /** File name that the caller knows; else the upstream's or the URL's. */
  readonly fileName?: string;
}

export type StreamServed =
  | {
      readonly kind: 'sent';
      readonly status: number;
      /** Bytes of the body given to the client: what a settled charge counts. */
      readonly bytes: number;
      readonly complete: boolean;
    }
  /** Nothing was sent. */
  | { readonly kind: 'refusal'; readonly code: Code; readonly upstreamStatus: number | undefined; readonly retryAfterS: number | undefined };

export interface Streams {
  serve(res: ServerResponse, order: StreamOrder): Promise<StreamServed>;
  /** Whether the medium is known here to stream. */
  isKnown(key: string): boolean;
}

export interface StreamsOptions {
  readonly descriptions: Descriptions;
  readonly stallMs?: number;
}

export function createStreams(options: StreamsOptions): Streams {
  const { descriptions } = options;
  const stallMs = options.stallMs ?? STALL_MS;
  return {
    serve: async (res, order) => await serve({ descriptions, stallMs, res, order }),
    isKnown: (key) => descriptions.local(key) !== undefined,
  };
}

interface Call {
  readonly descriptions: Descriptions;
  readonly stallMs: number;
  readonly res: ServerResponse;
  readonly order: StreamOrder;
}

/** An open body with what it is. */
interface Source {
  readonly outcome: StreamOutcome;
  readonly fetched: Fetched;
}

const refusal = (code: Code, facts: Partial<RefusalOutcome> = {}): StreamServed => ({
  kind: 'refusal', code, upstreamStatus: facts.upstreamStatus, retryAfterS: facts.retryAfterS,
});
const isRefusal = (value: Source | Learnt | StreamServed): value is StreamServed => 'kind' in value;

interface Learnt {
  readonly known: StreamDescription | undefined;
  /** A body of the whole that is open; used or destroyed. */
  readonly spare: Source | undefined;
}

/** @throws what `fetch` throws. */
async function serve(call: Call): Promise<StreamServed> {
  const { order } = call;
  const learnt = await learn(call);
  if (isRefusal(learnt)) return learnt;
  const { known, spare } = learnt;
  const plan = planStream(order.request, order.key, known);
  // An upstream that sent the whole when the probe asked for a part knows no ranges.
  const range = plan.kind === 'fetch' && (order.opened !== undefined || spare === undefined) ? plan.range : undefined;
  const source = plan.kind === 'fetch' && range === undefined ? spare : undefined;
  if (source === undefined) spare?.fetched.body?.destroy();
  return plan.kind === 'fetch' ? await answerBody(call, range, { known, source }) : answerKnown(call, plan, known);
}

async function learn(call: Call): Promise<Learnt | StreamServed> {
  const { order, descriptions } = call;
  if (order.opened !== undefined) return learnFrom(call, order.opened);
  const known = await descriptions.get(order.key);
  const isProbe = planStream(order.request, order.key, known).kind === 'probe';
  return isProbe ? learnFrom(call, await order.fetch(PROBE_RANGE)) : { known, spare: undefined };
}

function learnFrom({ order, descriptions }: Call, fetched: Fetched): Learnt | StreamServed {
  const source = sourceOf(fetched);
  if (isRefusal(source)) return source;
  const known = describe(source.outcome);
  if (known !== undefined) descriptions.put(order.key, known);
  if (source.outcome.status === 200) return { known, spare: source };
  source.fetched.body?.destroy();
  return { known, spare: undefined };
}

/** The stream in a fetch, or why there is none. Its type counts only where it comes from the first bytes. */
function sourceOf(fetched: Fetched): Source | StreamServed {
  const { outcome } = fetched;
  if (outcome.kind === 'stream' && fetched.body !== undefined) {
    const fromStart = outcome.status === 200 || outcome.contentRange?.start === 0;
    if (!fromStart || describe(outcome) !== undefined) return { outcome, fetched };
    fetched.body.destroy();
    return refusal('SEKISHO_TYPE_REFUSED');
  }
  fetched.body?.destroy();
  return outcome.kind === 'deny' || outcome.kind === 'fault' ? refusal(outcome.code, outcome) : refusal('SEKISHO_CONTRACT_INVALID');
}

async function answerBody(call: Call, range: string | undefined, at: { known: StreamDescription | undefined; source: Source | undefined }): Promise<StreamServed> {
  const { order, descriptions } = call;
  const source = at.source ?? partOf(await order.fetch(range));
  if (isRefusal(source)) {
    // The range lay inside what was known.
    if (source.kind !== 'refusal' || source.code !== 'SEKISHO_UPSTREAM_RANGE') return source;
    descriptions.forget(order.key);
    return refusal('SEKISHO_UPSTREAM_CHANGED');
  }
  if (source.outcome.status === 206) {
    const { known } = at;
    if (known !== undefined && belongsTo(source.outcome, known)) return await send(call, known, source);
    source.fetched.body?.destroy();
    descriptions.forget(order.key);
    return refusal('SEKISHO_UPSTREAM_CHANGED');
  }
  const whole = describe(source.outcome);
  if (whole === undefined) {
    source.fetched.body?.destroy();
    return refusal('SEKISHO_TYPE_REFUSED');
  }
  descriptions.put(order.key, whole);
  return await send(call, whole, source);
}

/** As sourceOf, but a part is believed nothing about its type: that is known already. */
function partOf(fetched: Fetched): Source | StreamServed {
  const { outcome } = fetched;
  return outcome.kind === 'stream' && outcome.status === 206 && fetched.body !== undefined ? { outcome, fetched } : sourceOf(fetched);
}

/** Head of a medium, flat; for 304 and 416 without what describes a body. */
function headOf(call: Call, known: StreamDescription, withBody: boolean, suggested?: string): string[] {
  const { order } = call;
  const etag = etagOf(order.key, known);
  const head = [...SECURITY_FLAT, REQUEST_ID_HEADER, order.requestId, 'Cache-Control', etag === undefined ? CACHE_DAY : CACHE_FOREVER];
  if (etag !== undefined) head.push('ETag', etag);
  if (!withBody) return head;
  const name = contentDisposition({ suggested: order.fileName ?? suggested, url: order.request.url, type: known.type });
  head.push('Content-Type', known.type, 'Content-Disposition', name);
  if (known.length !== undefined) head.push('Accept-Ranges', 'bytes');
  return head;
}

function answerKnown(call: Call, plan: Exclude<StreamPlan, { kind: 'fetch' }>, known: StreamDescription | undefined): StreamServed {
  const { res } = call;
  if (known === undefined || plan.kind === 'probe') return refusal('SEKISHO_TYPE_REFUSED');
  if (plan.kind === 'unsatisfiable') {
    res.writeHead(416, [...SECURITY_FLAT, REQUEST_ID_HEADER, call.order.requestId, 'Cache-Control', 'no-store', 'Content-Range', `bytes */${plan.length}`, 'Content-Length', '0']).end();
    return sent(416);
  }
  if (plan.kind === 'not-modified') {
    res.writeHead(304, headOf(call, known, false)).end();
    return sent(304);
  }
  const length = known.length === undefined ? [] : ['Content-Length', String(known.length)];
  res.writeHead(200, [...headOf(call, known, true), ...length]).end();
  return sent(200);
}

const sent = (status: number): StreamServed => ({ kind: 'sent', status, bytes: 0, complete: true });

async function send(call: Call, known: StreamDescription, source: Source): Promise<StreamServed> {
  const { res, order } = call;
  const { outcome, fetched } = source;
  const { body } = fetched;
  if (body === undefined) return refusal('SEKISHO_CONTRACT_INVALID');
  const etag = etagOf(order.key, known);
  const isSame = outcome.status === 200 && etag !== undefined && matchesEtag(order.request.ifNoneMatch, etag);
  if (isSame || order.request.method === 'HEAD' || res.destroyed) {
    body.destroy();
    return answerKnown(call, { kind: isSame ? 'not-modified' : 'describe' }, known);
  }
  const head = headOf(call, known, true, outcome.fileName);
  const range = outcome.status === 206 ? outcome.contentRange : undefined;
  const length = range === undefined ? outcome.length : range.end - range.start + 1;
  if (length !== undefined) head.push('Content-Length', String(length));
  if (range !== undefined) head.push('Content-Range', `bytes ${range.start}-${range.end}/${range.total}`);
  res.writeHead(outcome.status, head);
  const pumped = await pump(body, res, { length, stallMs: call.stallMs });
  return { kind: 'sent', status: outcome.status, ...pumped };
}
