// The way to Misskey for one activity: the bytes as they came under the head that was signed, with a deadline, since
// Misskey never answers some requests, and with connections of its own, so that slow pages hold up no activity.

import { INBOX_LIMITS } from '@sekisho/contracts';
import { type Dispatcher, Pool } from 'undici';
import { readAnswerHead } from '../passthrough/head.ts';
import type { Delivery } from './types.ts';

/** Misskey's answers to activities are empty; the body of a longer one is left out. */
const ANSWER_BYTES_MAX = 64 * 1024;
const CONNECTIONS_MAX = 128;
const CONNECT_MS = 5_000;
/** Misskey closes idle connections after 72 s; ours are given up earlier. */
const KEEP_ALIVE_MS = 30_000;
const LATE = new Error('deadline');

export interface ForwardRequest {
  readonly target: string;
  /** Flat. */
  readonly headers: string[];
  readonly body: Buffer;
  readonly requestId: string;
}

export interface Forward {
  /** Never rejects. The outcome after a fault is unknown: Misskey may have taken the activity. */
  deliver(request: ForwardRequest): Promise<Delivery>;
  close(): Promise<void>;
}

export interface ForwardOptions {
  /** Of Misskey, http://host:port. */
  readonly origin: string;
  readonly timeMs?: number;
}

export function createForward({ origin, timeMs = INBOX_LIMITS.misskeyMs }: ForwardOptions): Forward {
  const pool = new Pool(origin, {
    connections: CONNECTIONS_MAX,
    pipelining: 1,
    connect: { timeout: CONNECT_MS },
    // The deadline below holds over all of it.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
  });
  return {
    deliver: async (request) => await new Delivering(request.requestId).run(pool, request, timeMs),
    close: async () => await pool.destroy(),
  };
}

class Delivering implements Dispatcher.DispatchHandler {
  readonly #requestId: string;
  readonly #end = Promise.withResolvers<Delivery>();
  #controller: Dispatcher.DispatchController | undefined;
  #isLate = false;
  #status = 0;
  #headers: string[] = [];
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(requestId: string) {
    this.#requestId = requestId;
  }

  async run(pool: Pool, request: ForwardRequest, timeMs: number): Promise<Delivery> {
    const timer = setTimeout(() => this.#late(), timeMs);
    try {
      pool.dispatch({ path: request.target, method: 'POST', headers: request.headers, body: request.body }, this);
      return await this.#end.promise;
    } catch {
      return AWAY;
    } finally {
      clearTimeout(timer);
    }
  }

  #late(): void {
    this.#isLate = true;
    this.#resolveBroken();
    this.#controller?.abort(LATE);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Waited for a connection until its time was over.
    if (this.#isLate) controller.abort(LATE);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200) return;
    const raw = Array.isArray(controller.rawHeaders) ? controller.rawHeaders : [];
    this.#status = status;
    this.#headers = readAnswerHead(raw, status, this.#requestId).headers;
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= ANSWER_BYTES_MAX) this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const isShort = this.#bytes <= ANSWER_BYTES_MAX;
    const body = isShort ? Buffer.concat(this.#chunks) : Buffer.alloc(0);
    this.#end.resolve({ kind: 'answer', status: this.#status, headers: isShort ? this.#headers : withoutBody(this.#headers), body });
  }

  onResponseError(): void {
    this.#resolveBroken();
  }

  /** A status that came stands: nothing about an activity depends on the body of the answer. */
  #resolveBroken(): void {
    if (this.#status === 0) this.#end.resolve(AWAY);
    else this.#end.resolve({ kind: 'answer', status: this.#status, headers: withoutBody(this.#headers), body: Buffer.alloc(0) });
  }
}

const AWAY: Delivery = { kind: 'fault', code: 'SEKISHO_MISSKEY_AWAY' };
const OF_BODY: ReadonlySet<string> = new Set(['content-length', 'content-encoding', 'content-type']);

function withoutBody(headers: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    if (!OF_BODY.has((headers[at] ?? '').toLowerCase())) kept.push(headers[at] ?? '', headers[at + 1] ?? '');
  }
  return kept;
}
