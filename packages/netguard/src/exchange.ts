// One HTTP/1.1 request over one socket that `connectPinned` opened. This file alone knows undici. undici gets the finished
// socket and can open none itself: its `lookup`, `blockList` and dns interceptor each fail open for literals, https or a full
// cache. Its timeouts and AbortSignal do not cover every phase either (103 responses restart headersTimeout), so the
// deadlines are ours and end in `socket.destroy()`.

import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { type Code, LIMITS } from '@sekisho/contracts';
import { Client } from 'undici';
import type { Refusal } from './connect.ts';
import { errorCode } from './error-code.ts';

export interface ExchangeRequest {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** From sending the request to the last byte of the final response's headers, 1xx responses included. */
  readonly headersMs: number;
  /** Its reason is the code to answer with. */
  readonly signal: AbortSignal;
}

export interface Exchange {
  readonly kind: 'exchange';
  readonly status: number;
  /** Names in lower case; a repeated header is joined with ", ". Bounded by the response header limit. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
  /** Destroys body and socket at once; any number of times. */
  close(): void;
}

/** Sends a GET. Never rejects; the socket belongs to the exchange and is destroyed unless an exchange is returned. */
export async function exchangeOver(socket: Socket, request: ExchangeRequest): Promise<Exchange | Refusal> {
  const client = createClient(socket, request.origin);
  const destroy = (): void => {
    socket.destroy();
    // Rejects only when the client is destroyed already.
    client.destroy().catch(ignore);
  };
  const answer = await firstOf(send(client, request), request);
  if ('kind' in answer) {
    destroy();
    return answer;
  }
  const { body } = answer;
  body.once('close', destroy);
  const close = (): void => {
    body.destroy();
    destroy();
  };
  return { kind: 'exchange', status: answer.statusCode, headers: flatten(answer.headers), body, close };
}

interface Answer {
  readonly statusCode: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Readable;
}

const ignore = (): void => undefined;

function createClient(socket: Socket, origin: string): Client {
  let handedOver = false;
  return new Client(origin, {
    // A later tick: undici misses a connection that is there while it is still asking for it.
    connect: (_options, callback) => {
      const first = !handedOver;
      handedOver = true;
      setImmediate(() => {
        if (first && !socket.destroyed) callback(null, socket);
        else callback(new Error('the vetted connection is gone'), null);
      });
    },
    allowH2: false,
    pipelining: 1,
    maxHeaderSize: LIMITS.responseHeaderBytesMax,
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: -1,
  });
}

/** The response or why there is none. A response that nobody waits for any more is destroyed with the client. */
async function send(client: Client, request: ExchangeRequest): Promise<Answer | Refusal> {
  try {
    const answer = await client.request({ method: 'GET', path: request.path, headers: request.headers, reset: true });
    // An abort before the consumer listens must not become an uncaught exception.
    answer.body.on('error', ignore);
    return answer;
  } catch (error) {
    return { kind: 'fault', code: 'SEKISHO_UPSTREAM_FAULT', detail: `http: ${errorCode(error)}` };
  }
}

async function firstOf(answer: Promise<Answer | Refusal>, request: ExchangeRequest): Promise<Answer | Refusal> {
  const { signal } = request;
  let timer: NodeJS.Timeout | undefined;
  let onAbort = ignore;
  const stopped = new Promise<Refusal>((resolve) => {
    const stop = (code: Code): void => resolve({ kind: 'fault', code, detail: 'no response headers in time' });
    timer = setTimeout(() => stop('SEKISHO_UPSTREAM_TIMEOUT'), request.headersMs);
    onAbort = () => stop(stopCode(signal));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    // The stop comes first: of two settled promises the earlier in the list wins.
    return await Promise.race([stopped, answer]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

/** Why a fetch was stopped: its own deadline, else the caller. */
export const stopCode = (signal: AbortSignal): Code =>
  signal.reason === 'SEKISHO_UPSTREAM_TIMEOUT' ? 'SEKISHO_UPSTREAM_TIMEOUT' : 'SEKISHO_ABORTED';

function flatten(headers: Answer['headers']): Readonly<Record<string, string>> {
  const pairs = Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]);
  // fromEntries defines own properties, so a header called __proto__ is just a header.
  return Object.fromEntries(pairs) as Record<string, string>;
}
