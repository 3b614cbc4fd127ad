// Media routes, answered before express. One function decides, one sends, one accounts: every answer, hit or refusal,
// passes the same headers, budget, metrics and log line.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { CODES, type Code, LIMITS, isSekishoError, toSekishoError } from '@sekisho/contracts';
import { TICK_MS } from '@sekisho/limiter';
import type { Logger } from '@sekisho/runtime';
import { type MediaAccess, mayAccess } from '../client/access.ts';
import type { Identify } from '../client/identity.ts';
import type { GatewayLimits } from '../limits-file/limits.ts';
import type { GatewayMetrics } from '../metrics.ts';
import { isShareable, refusal, refusalOf } from './outcome.ts';
import { type Obtained, type PipelineDeps, obtain } from './pipeline.ts';
import { type Asked, type ParsedMediaRequest, type RequestRules, createTargetMemo, isMediaTarget, parseMediaRequest } from './request.ts';
import { type CacheVerdict, type Sent, outwardOf, requestIdOf, sendOptions, sendPicture, sendRefusal } from './respond.ts';
import { type Cost, noCost } from './transform.ts';
import type { ClientIdentity, MediaOutcome, MediaRequest, Refusal } from './types.ts';

/** Fetch, line and decode at their limits, one after the other, with a little air. */
const requestMs = ({ line }: GatewayLimits): number => LIMITS.pictureTotalMs + line.waitMs + LIMITS.decodeWallMs + 5_000;

export interface StreamContext {
  readonly request: MediaRequest;
  readonly key: string;
  readonly requestId: string;
  readonly client: ClientIdentity;
  readonly signal: AbortSignal;
  readonly limits: GatewayLimits;
  readonly opened: Obtained['opened'];
}
export type StreamEnd =
  | { readonly kind: 'sent'; readonly sent: Sent; readonly cost: Cost }
  | { readonly kind: 'refusal'; readonly refusal: Refusal; readonly cost: Cost };

export interface MediaHandlerDeps extends PipelineDeps {
  readonly rules: RequestRules;
  readonly identify: Identify;
  readonly access: MediaAccess;
  readonly pseudonym: string;
  /** The limits of now. */
  readonly limits: () => GatewayLimits;
  readonly keyOf: (request: MediaRequest, limits: GatewayLimits) => string;
  /** `origin`: only the instance's own files and its object storage. */
  readonly servesOrigin: (url: string) => boolean;
  /** Whether the medium is known to stream, so that no flight is needed. */
  readonly isKnownStream: (key: string) => boolean;
  readonly stream: (res: ServerResponse, context: StreamContext) => Promise<StreamEnd>;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
  /** For canonical lines. */
  readonly journal: Logger;
}

interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly requestId: string;
  readonly client: ClientIdentity;
  readonly arrivedMs: number;
  readonly limits: GatewayLimits;
  asked: Asked;
  request: MediaRequest | undefined;
}

/** Answers a media request; false for every other path. */
export type MediaHandler = (req: IncomingMessage, res: ServerResponse) => boolean;

export function createMediaHandler(deps: MediaHandlerDeps): MediaHandler {
  const readTarget = createTargetMemo(deps.rules);
  return (req, res) => {
    if (!isMediaTarget(req.url ?? '')) return false;
    const exchange: Exchange = {
      req, res,
      requestId: requestIdOf(req.headers['x-request-id']),
      client: deps.identify(req.socket.remoteAddress, req.headers['x-forwarded-for']),
      arrivedMs: deps.clock.monotonicMs(),
      limits: deps.limits(),
      asked: { method: 'GET', fallback: false },
      request: undefined,
    };
    const parsed = parseMediaRequest({ method: req.method ?? '', target: req.url ?? '', rawHeaders: req.rawHeaders }, deps.rules, readTarget);
    answer(deps, exchange, parsed);
    return true;
  };
}

function answer(deps: MediaHandlerDeps, exchange: Exchange, parsed: ParsedMediaRequest): void {
  if (parsed.kind === 'options') {
    sendOptions(exchange.res, exchange.requestId);
    return;
  }
  if (parsed.kind === 'refused') {
    exchange.asked = parsed.asked;
    return refuseSoon(deps, exchange, refusal(parsed.code));
  }
  const { request } = parsed;
  exchange.asked = request;
  exchange.request = request;
  const denied = admissionFault(deps, exchange, request);
  if (denied !== undefined) return refuseSoon(deps, exchange, denied);
  const key = deps.keyOf(request, exchange.limits);
  const kept = deps.cache.getLocal(key);
  if (kept !== undefined) return answerHit(deps, exchange, { request, outcome: kept });
  void answerMiss(deps, exchange, { request, key, inboundVia: parsed.inboundVia });
}

/** What is refused before anything is looked up: who asks, and for which host. */
function admissionFault(deps: MediaHandlerDeps, { req }: Exchange, request: MediaRequest): Refusal | undefined {
  const { headers } = req;
  const facts = { secFetchSite: oneOf(headers['sec-fetch-site']), referer: headers.referer, origin: headers.origin };
  if (!mayAccess(deps.access, facts, deps.rules.isOwn)) return refusal('SEKISHO_CLIENT_ACCESS');
  if (request.origin && !deps.servesOrigin(request.url)) return refusal('SEKISHO_CLIENT_ORIGIN_MODE');
  return deps.isBlocked(hostnameOf(request.url)) ? refusal('SEKISHO_TARGET_BLOCKED') : undefined;
}

const oneOf = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);

function answerHit(deps: MediaHandlerDeps, exchange: Exchange, hit: { readonly request: MediaRequest; readonly outcome: MediaOutcome }): void {
  const over = deps.budget.tick(exchange.client, 'media', TICK_MS);
  if (over !== undefined) return refuseSoon(deps, exchange, refusal(over.code, over));
  if (hit.outcome.kind === 'refusal') return refuseSoon(deps, exchange, hit.outcome, 'hit');
  if (hit.outcome.kind !== 'picture') return;
  const sent = sendPicture(exchange.res, hit.request, hit.outcome, { cache: 'hit', requestId: exchange.requestId });
  account(deps, exchange, { sent, cache: 'hit', cost: HIT_COST });
}

const HIT_COST: Cost = { chargedMs: TICK_MS, usedMs: TICK_MS, cpuMs: 0, waitedMs: 0 };

interface Miss {
  readonly request: MediaRequest;
  readonly key: string;
  readonly inboundVia: boolean;
}

async function answerMiss(deps: MediaHandlerDeps, exchange: Exchange, miss: Miss): Promise<void> {
  const leaving = new AbortController();
  const onClose = (): void => leaving.abort();
  exchange.res.once('close', onClose);
  try {
    await serveMiss(deps, exchange, { ...miss, signal: leaving.signal });
  } catch (error) {
    const fault = toSekishoError(error);
    if (!isSekishoError(error)) deps.log.error({ err: fault, request_id: exchange.requestId }, 'media request failed');
    if (leaving.signal.aborted) accountAborted(deps, exchange);
    else await refuse(deps, exchange, { refusal: refusalOf(fault), cache: 'none', cost: noCost() });
  } finally {
    exchange.res.off('close', onClose);
  }
}

async function serveMiss(deps: MediaHandlerDeps, exchange: Exchange, miss: Miss & { readonly signal: AbortSignal }): Promise<void> {
  const { request, key, inboundVia, signal } = miss;
  const { requestId, client, limits } = exchange;
  if (request.mode === 'asis' && deps.isKnownStream(key)) return await serveStream(deps, exchange, { request, key, requestId, client, signal, limits, opened: undefined });
  const deadlineAtMs = deps.clock.now() + requestMs(exchange.limits);
  const obtained = await obtain(deps, { request, requestId, client, deadlineAtMs, limits: limits.media, key, inboundVia, signal });
  if (obtained.role === 'joined' || obtained.role === 'remote') deps.metrics.flightJoins.inc({ role: obtained.role });
  const { outcome, cost } = obtained;
  if (outcome.kind === 'stream') return await serveStream(deps, exchange, { request, key, requestId, client, signal, limits, opened: obtained.opened });
  if (obtained.role === 'hit') return answerHit(deps, exchange, { request, outcome });
  const cache: CacheVerdict = obtained.role === 'leader' ? 'miss' : 'shared';
  if (outcome.kind === 'refusal') return await refuse(deps, exchange, { refusal: outcome, cache, cost });
  if (signal.aborted) return accountAborted(deps, exchange);
  const sent = sendPicture(exchange.res, request, outcome, { cache, requestId });
  account(deps, exchange, { sent, cache, cost });
}

async function serveStream(deps: MediaHandlerDeps, exchange: Exchange, context: StreamContext): Promise<void> {
  const end = await deps.stream(exchange.res, context);
  if (end.kind === 'sent') return account(deps, exchange, { sent: end.sent, cache: 'none', cost: end.cost });
  await refuse(deps, exchange, { refusal: end.refusal, cache: 'none', cost: end.cost });
}

/** Refusals that cost a tick and no wait but the floor of forbidden targets. */
function refuseSoon(deps: MediaHandlerDeps, exchange: Exchange, refused: Refusal, cache: CacheVerdict | 'none' = 'none'): void {
  if (cache === 'none') deps.budget.tick(exchange.client, 'media', TICK_MS);
  void refuse(deps, exchange, { refusal: refused, cache, cost: HIT_COST });
}

interface RefusalEnd {
  readonly refusal: Refusal;
  readonly cache: CacheVerdict | 'none';
  readonly cost: Cost;
}

async function refuse(deps: MediaHandlerDeps, exchange: Exchange, end: RefusalEnd): Promise<void> {
  const { code } = end.refusal;
  if (CODES[code].publicCode === 'FORBIDDEN_TARGET') await waitForFloor(deps, exchange);
  if (exchange.res.destroyed || exchange.res.headersSent) return accountAborted(deps, exchange);
  deps.metrics.denials.inc({ code });
  const sent = sendRefusal(exchange.res, exchange.asked, end.refusal, { requestId: exchange.requestId, pseudonym: deps.pseudonym });
  account(deps, exchange, { sent, cache: isShareable(code) ? end.cache : 'none', cost: end.cost, refused: end.refusal });
}

/** Forbidden targets answer no earlier than the floor after arrival: an early answer would tell which check refused. */
async function waitForFloor(deps: MediaHandlerDeps, exchange: Exchange): Promise<void> {
  const leftMs = exchange.arrivedMs + exchange.limits.media.forbiddenFloorMs - deps.clock.monotonicMs();
  if (leftMs > 0) await deps.clock.sleep(leftMs);
}

interface End {
  readonly sent: Sent;
  readonly cache: CacheVerdict | 'none';
  readonly cost: Cost;
  readonly refused?: Refusal;
}

/** The canonical line and the metrics of one answer. */
function account(deps: MediaHandlerDeps, exchange: Exchange, end: End): void {
  const { metrics } = deps;
  const durationMs = deps.clock.monotonicMs() - exchange.arrivedMs;
  const mode = exchange.request?.mode ?? 'asis';
  const result = end.refused === undefined ? 'ok' : outwardOf(end.refused).publicCode;
  metrics.mediaRequests.inc({ mode, cache: end.cache, result });
  metrics.mediaSeconds.observe(durationMs / 1_000, { cache: end.cache });
  metrics.mediaBytes.inc(undefined, end.sent.bytes);
  if (end.cost.cpuMs > 0) metrics.decodeCpu.observe(end.cost.cpuMs / 1_000);
  deps.journal.info(
    {
      request_id: exchange.requestId, client: exchange.client.key, mode, status: end.sent.status, cache: end.cache,
      code: end.refused?.code, upstream_status: end.refused?.upstreamStatus, host: hostOf(exchange.request),
      bytes: end.sent.bytes, cost_charged_ms: end.cost.chargedMs, cost_used_ms: end.cost.usedMs,
      decode_cpu_ms: end.cost.cpuMs, wait_ms: Math.round(end.cost.waitedMs), duration_ms: Math.round(durationMs * 10) / 10,
    },
    'media',
  );
}

function accountAborted(deps: MediaHandlerDeps, exchange: Exchange): void {
  const code: Code = 'SEKISHO_ABORTED';
  const mode = exchange.request?.mode ?? 'asis';
  deps.metrics.mediaRequests.inc({ mode, cache: 'none', result: 'aborted' });
  deps.journal.info({ request_id: exchange.requestId, client: exchange.client.key, mode, code, host: hostOf(exchange.request) }, 'media');
}

/** Host of a canonical URL without parsing it again: a hit is made of such savings. */
const hostnameOf = (url: string): string => /^[a-z]+:\/\/(\[[^\]]*\]|[^/?:]+)/.exec(url)?.[1] ?? '';

const hostOf = (request: MediaRequest | undefined): string | undefined =>
  request === undefined ? undefined : hostnameOf(request.url);
