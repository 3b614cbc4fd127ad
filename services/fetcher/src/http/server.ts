// The internal port: POST /v1/fetch and nothing else. The answer is always 200 with the outcome in a header, so that an
// outcome is never mistaken for a fault of the transport.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import {
  encodeOutcome, FETCH_PATH, FETCH_REQUEST_BYTES_MAX, type FetchOutcome, type FetchRequest, OUTCOME_HEADER, parseFetchRequest, SekishoError,
} from '@sekisho/contracts';
import { toBodyFault } from '../fetching/body.ts';
import { type Fetched, type FetchFacts, type FetchService, noFacts, refusal } from '../fetching/fetch-service.ts';
import { type AuthRules, isAuthorized } from './auth.ts';
import { readBody } from './read-body.ts';

const REQUEST_MS = 5_000;
const HEADER_BYTES_MAX = 8 * 1024;
const CONNECTIONS_MAX = 1_024;
/** Longer than the gateway keeps idle connections, so that it never writes into a closing one. */
const KEEP_ALIVE_MS = 10_000;
/** A reader that takes nothing for so long is gone; a paused video asks for a range when it goes on. */
const SOCKET_IDLE_MS = 120_000;

/** One finished request, for log and metrics. */
export interface Finished {
  /** Undefined where the request did not parse. */
  readonly requestId: string | undefined;
  readonly outcome: FetchOutcome;
  readonly facts: FetchFacts;
  /** Of a stream: sent before it ended. */
  readonly bytes: number;
  /** Of a stream that broke. */
  readonly fault: SekishoError | undefined;
  readonly durationMs: number;
}

export interface FetchServerOptions {
  readonly host: string;
  readonly port: number;
  readonly token: Buffer;
  /** Default: loopback names with the port. */
  readonly hosts: readonly string[] | undefined;
  readonly service: FetchService;
  readonly onFinished: (finished: Finished) => void;
  readonly onUnauthorized: () => void;
}

export interface FetchServer {
  readonly port: number;
  /**
   * Each answer from now on is the last of its connection. A gateway in steady use never lets a kept connection rest: it
   * would stay with this process until the end, and have a fetch cut there.
   */
  leave(): void;
  /** No new connections; resolves when the running ones have ended. */
  stopAccepting(): Promise<void>;
  /** Cuts what still runs. */
  close(): Promise<void>;
}

/** Rejects when the port is taken. */
export async function startFetchServer(options: FetchServerOptions): Promise<FetchServer> {
  let rules: AuthRules = { token: options.token, hosts: new Set() };
  let isLeaving = false;
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX, headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: 1_000,
      keepAliveTimeout: KEEP_ALIVE_MS, joinDuplicateHeaders: false, requireHostHeader: true,
    },
    (request, response) => {
      if (isLeaving) response.shouldKeepAlive = false;
      handle(request, response, options, rules).catch(() => response.destroy());
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.maxHeadersCount = 64;
  server.setTimeout(SOCKET_IDLE_MS);
  server.listen(options.port, options.host);
  await once(server, 'listening');
  const port = portOf(server, options.port);
  rules = { token: options.token, hosts: new Set(options.hosts ?? [`127.0.0.1:${port}`, `localhost:${port}`]) };
  const leave = (): void => {
    isLeaving = true;
  };
  const stopAccepting = async (): Promise<void> => {
    if (!server.listening) return;
    leave();
    server.close();
    server.closeIdleConnections();
    await once(server, 'close');
  };
  return {
    port,
    leave,
    stopAccepting,
    close: async () => {
      const closed = stopAccepting();
      server.closeAllConnections();
      await closed;
    },
  };
}

function portOf(server: Server, fallback: number): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : fallback;
}

async function handle(request: IncomingMessage, response: ServerResponse, options: FetchServerOptions, rules: AuthRules): Promise<void> {
  const startedMs = performance.now();
  response.on('error', () => undefined);
  if (!isAuthorized({ headers: request.headersDistinct }, rules)) {
    options.onUnauthorized();
    refuseRequest(response, 403);
    return;
  }
  if (request.url !== FETCH_PATH) return refuseRequest(response, 404);
  if (request.method !== 'POST') return refuseRequest(response, 405);
  const body = await readBody(request, FETCH_REQUEST_BYTES_MAX, REQUEST_MS);
  if (body === undefined) return refuseRequest(response, 413);
  const parsed = parseFetchRequest(body);
  if (!parsed.ok) {
    const outcome = refusal(new SekishoError(parsed.code));
    response.writeHead(200, { [OUTCOME_HEADER]: encodeOutcome(outcome), 'content-length': 0 }).end();
    const fault = new SekishoError(parsed.code, { detail: parsed.detail });
    options.onFinished({ requestId: undefined, outcome, facts: noFacts(), bytes: 0, fault, durationMs: performance.now() - startedMs });
    return;
  }
  await answer(parsed.request, response, options, startedMs);
}

/** Constant bodies; the rest of the request is not read. */
function refuseRequest(response: ServerResponse, status: number): void {
  response.writeHead(status, { connection: 'close', 'content-length': 0 }).end();
}

async function answer(request: FetchRequest, response: ServerResponse, options: FetchServerOptions, startedMs: number): Promise<void> {
  const left = new AbortController();
  // With a reason of our own: the default one is an exception with a stack, made on every request.
  response.once('close', () => left.abort('SEKISHO_ABORTED'));
  const fetched = await options.service.fetch(request, left.signal);
  const { outcome, facts, stream, document } = fetched;
  const finish = (bytes: number, fault?: SekishoError): void =>
    options.onFinished({ requestId: request.requestId, outcome, facts, bytes, fault, durationMs: performance.now() - startedMs });
  if (stream === undefined) {
    const body = document ?? Buffer.alloc(0);
    if (!response.destroyed) response.writeHead(200, { [OUTCOME_HEADER]: encodeOutcome(outcome), 'content-length': body.length }).end(body);
    finish(facts.bytes);
    return;
  }
  const sent = await sendStream(response, stream, left.signal);
  stream.done(sent.fault?.code);
  finish(sent.bytes, sent.fault);
}

interface Sent {
  readonly bytes: number;
  readonly fault: SekishoError | undefined;
}

/** A body that breaks destroys the connection: a cut file must never pass for a whole one. */
async function sendStream(response: ServerResponse, stream: NonNullable<Fetched['stream']>, left: AbortSignal): Promise<Sent> {
  const { outcome, head, body } = stream;
  let bytes = head.bytes.length;
  try {
    response.writeHead(200, {
      [OUTCOME_HEADER]: encodeOutcome(outcome),
      'content-type': 'application/octet-stream',
      ...(outcome.length === undefined ? {} : { 'content-length': outcome.length }),
    });
    if (bytes > 0) response.write(head.bytes);
    if (head.ended) {
      response.end();
    } else {
      body.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      await pipeline(body, response);
    }
    return { bytes, fault: undefined };
  } catch (error) {
    const fault = left.aborted ? new SekishoError('SEKISHO_ABORTED', { cause: error }) : toBodyFault(error);
    response.destroy();
    return { bytes, fault };
  }
}
