// A guarded GET: URL rules, pinned connection, loop headers and deadlines, again for every redirect hop.

import type { Readable } from 'node:stream';
import type { SecureContext } from 'node:tls';
import { type Code, LIMITS } from '@sekisho/contracts';
import { connectPinned, type Refusal } from './connect.ts';
import { type Exchange, exchangeOver, stopCode } from './exchange.ts';
import { type LoopEntries, type LoopIdentity, outgoingLoopHeaders } from './loop.ts';
import type { NameResolver } from './resolver.ts';
import { checkTargetUrl, type Target, type TargetRules, type TargetVerdict } from './url.ts';

export interface GuardedRequest {
  readonly url: string;
  readonly headers?: {
    readonly accept?: string | undefined;
    readonly range?: string | undefined;
    readonly ifRange?: string | undefined;
    /** Go to the first hop only: they are signed for its host and path. */
    readonly signed?: { readonly date: string; readonly signature: string } | undefined;
  };
  readonly userAgent: string;
  /** Inbound entries that `checkLoop` kept. */
  readonly loop: LoopEntries;
  /** Everything up to the headers of the final response, all hops together. The body's deadline is the caller's. */
  readonly deadlineMs: number;
  readonly connectMs?: number;
  readonly headersMs?: number;
  readonly redirectsMax?: number;
  /** Before each hop, with the vetted URL; for logs and per-host budgets. */
  readonly onHop?: ((hop: { readonly index: number; readonly host: string }) => void) | undefined;
  /** Destroys the connection at once, in every phase, the body included. */
  readonly signal?: AbortSignal | undefined;
}

export type HostSlot =
  | { readonly ok: true; readonly release: () => void }
  | { readonly ok: false; readonly code: Code; readonly retryAfterS?: number };

export interface FetchDeps {
  readonly rules: TargetRules;
  readonly identity: LoopIdentity;
  readonly resolver: NameResolver;
  readonly tlsContext?: SecureContext | undefined;
  /** A connection slot of the host, awaited before each hop, released when its connection is gone. Must settle on abort. */
  readonly acquire?: ((host: string, signal: AbortSignal) => Promise<HostSlot>) | undefined;
}

export interface GuardedResponse {
  readonly kind: 'response';
  /** Never 301, 302, 303, 307 or 308. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
  readonly finalUrl: string;
  /** Scheme, host and port after redirects. */
  readonly finalOrigin: string;
  readonly finalHost: string;
  readonly redirects: number;
  /** Destroys body and connection at once; any number of times. Call it unless the body was read to its end. */
  close(): void;
}

export interface FetchRefusal {
  readonly kind: 'deny' | 'fault';
  readonly code: Code;
  /** For the log only. */
  readonly detail: string;
  readonly upstreamStatus?: number;
  readonly retryAfterS?: number;
}

const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Never rejects; leaves no socket behind unless it returns a response, whose `close` ends it. */
export async function guardedFetch(request: GuardedRequest, deps: FetchDeps): Promise<GuardedResponse | FetchRefusal> {
  const stop = new AbortController();
  const onAbort = (): void => stop.abort('SEKISHO_ABORTED');
  if (request.signal?.aborted === true) onAbort();
  request.signal?.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => stop.abort('SEKISHO_UPSTREAM_TIMEOUT'), request.deadlineMs);
  const result = await followHops(request, deps, stop.signal);
  clearTimeout(timer);
  const unlisten = (): void => request.signal?.removeEventListener('abort', onAbort);
  if (result.kind !== 'response') {
    unlisten();
    return result;
  }
  // The deadline may have struck between the last hop and here.
  if (stop.signal.aborted) {
    result.close();
    unlisten();
    return stopped(stop.signal);
  }
  stop.signal.addEventListener('abort', result.close, { once: true });
  result.body.once('close', unlisten);
  return result;
}

async function followHops(request: GuardedRequest, deps: FetchDeps, signal: AbortSignal): Promise<GuardedResponse | FetchRefusal> {
  const redirectsMax = request.redirectsMax ?? LIMITS.redirectsMax;
  let next: NextHop = { url: request.url, fromTls: false };
  for (let index = 0; index <= redirectsMax; index += 1) {
    const target = checkHop(next, deps.rules);
    if (!target.ok) return { kind: 'deny', code: target.code, detail: target.detail };
    request.onHop?.({ index, host: target.host });
    const answer = await runHop(target, { request, deps, signal, index });
    if (answer.kind !== 'exchange') return answer;
    if (!REDIRECT_STATUSES.has(answer.status)) return toResponse(answer, target, index);
    answer.close();
    const located = parseLocation(answer.headers['location'], target);
    if ('kind' in located) return located;
    next = located;
  }
  return redirectFault(`more than ${redirectsMax} redirects`);
}

interface NextHop {
  readonly url: string;
  /** The hop before was encrypted. */
  readonly fromTls: boolean;
}

/** The URL rules, and: nothing that began encrypted goes on in the clear, not even where http would be upgraded. */
function checkHop(hop: NextHop, rules: TargetRules): TargetVerdict {
  const verdict = checkTargetUrl(hop.url, rules);
  if (!verdict.ok && verdict.code === 'SEKISHO_LOOP') return verdict;
  if (hop.fromTls && hop.url.startsWith('http:')) {
    return { ok: false, code: 'SEKISHO_TARGET_PLAIN_HTTP', detail: 'redirect from https to http' };
  }
  return verdict;
}

function parseLocation(location: string | undefined, from: Target): NextHop | FetchRefusal {
  if (location === undefined || location === '') return redirectFault('no Location');
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  if (location.length > LIMITS.urlBytesMax || /[\u0000-\u001f\u007f]/.test(location)) return redirectFault('unusable Location');
  const url = URL.parse(location, from.url.href);
  if (url === null) return redirectFault('unusable Location');
  return { url: url.href, fromTls: from.tls };
}

const redirectFault = (detail: string): FetchRefusal => ({ kind: 'fault', code: 'SEKISHO_UPSTREAM_REDIRECTS', detail });

const stopped = (signal: AbortSignal): FetchRefusal => ({ kind: 'fault', code: stopCode(signal), detail: 'stopped' });

interface HopContext {
  readonly request: GuardedRequest;
  readonly deps: FetchDeps;
  readonly signal: AbortSignal;
  /** 0: what was asked for, before redirects. */
  readonly index: number;
}

async function runHop(target: Target, context: HopContext): Promise<Exchange | FetchRefusal> {
  const { deps, signal } = context;
  if (signal.aborted) return stopped(signal);
  const slot = await deps.acquire?.(target.host, signal);
  if (slot !== undefined && !slot.ok) return refuseSlot(slot, signal);
  const answer = await connectAndSend(target, context);
  const release = slot?.release ?? ((): void => undefined);
  if (answer.kind === 'exchange') answer.body.once('close', release);
  else release();
  return answer.kind !== 'exchange' && signal.aborted ? stopped(signal) : answer;
}

function refuseSlot(slot: HostSlot & { readonly ok: false }, signal: AbortSignal): FetchRefusal {
  if (signal.aborted) return stopped(signal);
  const refusal = { kind: 'fault', code: slot.code, detail: 'no connection slot of the host' } as const;
  return slot.retryAfterS === undefined ? refusal : { ...refusal, retryAfterS: slot.retryAfterS };
}

async function connectAndSend(target: Target, context: HopContext): Promise<Exchange | Refusal> {
  const { request, deps, signal, index } = context;
  const connected = await connectPinned(
    { host: target.host, port: target.port, tls: target.tls, connectMs: request.connectMs ?? LIMITS.connectMs, signal },
    { policy: deps.rules.policy, resolver: deps.resolver, tlsContext: deps.tlsContext },
  );
  if (connected.kind !== 'connected') return connected;
  return exchangeOver(connected.socket, {
    origin: target.url.origin,
    path: target.url.pathname + target.url.search,
    headers: outgoingHeaders(request, deps.identity, index),
    headersMs: request.headersMs ?? LIMITS.headersMs,
    signal,
  });
}

function outgoingHeaders(request: GuardedRequest, identity: LoopIdentity, hop: number): Record<string, string> {
  const { accept, range, ifRange, signed } = request.headers ?? {};
  return {
    'user-agent': request.userAgent,
    // A compressed answer is a bomb's favourite wrapping, and pictures are compressed already.
    'accept-encoding': 'identity',
    ...outgoingLoopHeaders(request.loop, identity),
    ...(accept === undefined ? {} : { accept }),
    ...(range === undefined ? {} : { range }),
    ...(ifRange === undefined ? {} : { 'if-range': ifRange }),
    ...(signed === undefined || hop > 0 ? {} : { date: signed.date, signature: signed.signature }),
  };
}

const toResponse = (exchange: Exchange, target: Target, redirects: number): GuardedResponse => ({
  kind: 'response',
  status: exchange.status,
  headers: exchange.headers,
  body: exchange.body,
  finalUrl: target.url.href,
  finalOrigin: target.url.origin,
  finalHost: target.host,
  redirects,
  close: exchange.close,
});
