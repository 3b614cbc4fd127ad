// The gateway's side of the fetch contract, over a pool of connections to the fetcher. The fetcher is more trusted than
// anything it talks to, but its answer is parsed and checked all the same.

import type { Readable } from 'node:stream';
import {
  type DocumentOutcome,
  FETCH_PATH,
  type FetchOutcome,
  type FetchRequest,
  LIMITS,
  OUTCOME_CHARS_MAX,
  OUTCOME_HEADER,
  type RefusalOutcome,
  SekishoError,
  isSekishoError,
  parseOutcome,
} from '@sekisho/contracts';
import { type Dispatcher, Pool } from 'undici';
import { boundBody } from './body.ts';
import { checkOutcome } from './check.ts';

const CONNECTIONS_MAX = 256;
const CONNECT_MS = 2_000;
/** Below the 5 s after which a Node server closes idle connections, so that no request runs into a closing one. */
const KEEP_ALIVE_MS = 4_000;
/** Outcome, plus the few headers every answer has. */
const HEADER_BYTES_MAX = OUTCOME_CHARS_MAX + 4 * 1024;
/** The fetcher notices an idle upstream itself; this is the wall behind it. */
const BODY_IDLE_MS = LIMITS.streamIdleMs + 5_000;
const RETRY_AFTER_S = 5;

export interface FetchClientOptions {
  /** Origin of the fetcher, `http://host:port`. */
  readonly url: string;
  /** Bearer token, as text. */
  readonly token: string;
  /** Requests at once, streams included; more are refused with SEKISHO_LIMIT_FETCHES. Default 256. */
  readonly connectionsMax?: number;
  /** Longest silence inside a body, ms. */
  readonly bodyIdleMs?: number;
}

export interface FetchOptions {
  /** Aborting it ends the request in every phase, its body included, and with it the fetcher's work. */
  readonly signal: AbortSignal;
  /** Ms until the outcome must be there, connecting included. The body has its own idle limit. */
  readonly deadlineMs: number;
}

export interface Fetched {
  readonly outcome: Exclude<FetchOutcome, DocumentOutcome>;
  /** There for `stream` only; must be read to its end or destroyed. */
  readonly body: Readable | undefined;
}

export type FetchedDocument =
  | { readonly outcome: DocumentOutcome; /** As long as the outcome says; must be read to its end or destroyed. */ readonly body: Readable }
  | { readonly outcome: RefusalOutcome; readonly body: undefined };

export interface FetchClient {
  /**
   * @throws SEKISHO_FETCHER_AWAY, SEKISHO_CONTRACT_INVALID, SEKISHO_LIMIT_FETCHES, SEKISHO_DEADLINE, SEKISHO_ABORTED.
   * What the fetcher refuses is a value.
   */
  fetch(request: FetchRequest, options: FetchOptions): Promise<Fetched>;
  /** The same for `want: 'document'`. */
  document(request: FetchRequest, options: FetchOptions): Promise<FetchedDocument>;
  /** Requests that are running, their bodies included. */
  readonly running: number;
  close(): Promise<void>;
}

interface Client {
  readonly pool: Pool;
  readonly authorization: string;
  readonly connectionsMax: number;
  running: number;
}

export function createFetchClient(options: FetchClientOptions): FetchClient {
  const connectionsMax = options.connectionsMax ?? CONNECTIONS_MAX;
  const pool = new Pool(new URL(options.url).origin, {
    connections: connectionsMax,
    pipelining: 1,
    connect: { timeout: CONNECT_MS },
    headersTimeout: 0, // the deadline of each request covers it
    bodyTimeout: options.bodyIdleMs ?? BODY_IDLE_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
  });
  const client: Client = { pool, authorization: `Bearer ${options.token}`, connectionsMax, running: 0 };
  return {
    fetch: async (request, fetchOptions) => {
      const { outcome, body } = await counted(client, request, fetchOptions);
      if (outcome.kind !== 'document') return { outcome, body };
      throw unfit(body, 'a document, but media were asked for');
    },
    document: async (request, fetchOptions) => {
      const { outcome, body } = await counted(client, request, fetchOptions);
      if (outcome.kind === 'document' && body !== undefined) return { outcome, body };
      if ('code' in outcome) return { outcome, body: undefined };
      throw unfit(body, 'media, but a document was asked for');
    },
    get running() {
      return client.running;
    },
    close: () => pool.destroy(),
  };
}

interface Answer {
  readonly outcome: FetchOutcome;
  readonly body: Readable | undefined;
}

function unfit(body: Readable | undefined, detail: string): SekishoError {
  if (body !== undefined) discard(body);
  return new SekishoError('SEKISHO_CONTRACT_INVALID', { detail, retryAfterS: RETRY_AFTER_S });
}

async function counted(client: Client, request: FetchRequest, options: FetchOptions): Promise<Answer> {
  if (options.signal.aborted) throw new SekishoError('SEKISHO_ABORTED');
  if (client.running >= client.connectionsMax) {
    throw new SekishoError('SEKISHO_LIMIT_FETCHES', { retryAfterS: RETRY_AFTER_S });
  }
  client.running += 1;
  const leave = (): void => {
    client.running -= 1;
  };
  try {
    const fetched = await exchange(client, request, options);
    if (fetched.body === undefined) leave();
    else fetched.body.once('close', leave);
    return fetched;
  } catch (error) {
    leave();
    throw error;
  }
}

/**
 * One request under one controller. undici looks at a signal only once a connection is there, so the wait is raced here
 * and an answer that comes after all is destroyed.
 */
async function exchange(client: Client, request: FetchRequest, options: FetchOptions): Promise<Answer> {
  const work = new AbortController();
  const stop = Promise.withResolvers<never>();
  const end = (fault: SekishoError): void => {
    stop.reject(fault);
    work.abort(fault);
  };
  const onAbort = (): void => end(new SekishoError('SEKISHO_ABORTED'));
  const timer = setTimeout(() => end(new SekishoError('SEKISHO_DEADLINE', { detail: 'no outcome from the fetcher' })), options.deadlineMs);
  options.signal.addEventListener('abort', onAbort, { once: true });
  const unlisten = (): void => options.signal.removeEventListener('abort', onAbort);
  stop.promise.catch(() => undefined);
  try {
    const answer = send(client, request, work.signal);
    answer.then((late) => work.signal.aborted && discard(late.body), () => undefined);
    const fetched = read(request, await Promise.race([answer, stop.promise]));
    if (fetched.body === undefined) unlisten();
    else fetched.body.once('close', unlisten);
    return fetched;
  } catch (error) {
    unlisten();
    work.abort();
    throw faultOf(error);
  } finally {
    clearTimeout(timer);
  }
}

const send = (client: Client, request: FetchRequest, signal: AbortSignal): Promise<Dispatcher.ResponseData> =>
  client.pool.request({
    path: FETCH_PATH,
    method: 'POST',
    headers: { authorization: client.authorization, 'content-type': 'application/json' },
    body: JSON.stringify(request),
    signal,
  });

function read(request: FetchRequest, response: Dispatcher.ResponseData): Answer {
  try {
    const outcome = readOutcome(request, response);
    if (outcome.kind === 'stream' || outcome.kind === 'document') {
      const length = outcome.kind === 'stream' ? outcome.length : outcome.bytes;
      return { outcome, body: boundBody(response.body, { length, bytesMax: request.limits.bytesMax }) };
    }
    // An empty body read to its end gives the connection back; anything longer than that is cut off.
    response.body.dump({ limit: 1_024 }).catch(() => undefined);
    return { outcome, body: undefined };
  } catch (error) {
    discard(response.body);
    throw error;
  }
}

function readOutcome(request: FetchRequest, response: Dispatcher.ResponseData): FetchOutcome {
  const { statusCode, headers } = response;
  if (statusCode !== 200) throw away(`status ${statusCode} from the fetcher`);
  const header = headers[OUTCOME_HEADER];
  const parsed = parseOutcome(typeof header === 'string' ? header : undefined);
  if (!parsed.ok) throw new SekishoError(parsed.code, { detail: parsed.detail, retryAfterS: RETRY_AFTER_S });
  const detail = checkOutcome(request, parsed.outcome);
  if (detail !== undefined) throw new SekishoError('SEKISHO_CONTRACT_INVALID', { detail, retryAfterS: RETRY_AFTER_S });
  return parsed.outcome;
}

function discard(body: Readable): void {
  body.on('error', () => undefined);
  body.destroy();
}

const faultOf = (error: unknown): SekishoError => (isSekishoError(error) ? error : away(detailOf(error), error));

const detailOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error);

const away = (detail: string, cause?: unknown): SekishoError =>
  new SekishoError('SEKISHO_FETCHER_AWAY', { detail, cause, retryAfterS: RETRY_AFTER_S });
