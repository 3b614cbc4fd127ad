// One request and its answer. undici's dispatch calls straight into this object: the promise and stream forms of undici
// cost up to four times as much CPU.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Code } from '@sekisho/contracts';
import type { Dispatcher } from 'undici';
import { linger, refuse } from './answer.ts';
import type { Entry, Gate } from './gate.ts';
import { readAnswerHead } from './head.ts';
import { collectBody, uploadOf } from './upload.ts';

/** Bodies up to this are collected before Misskey sees the request. */
const COLLECT_BYTES_MAX = 16 * 1024;
// Node keeps a reason it refused and would refuse our own answer for it.
const REASON = /^[\t\u0020-\u007e\u0080-\u00ff]+$/;
const GONE = new Error('the client left');
const LATE = new Error('deadline');
/** A kept connection that Misskey closed just then; what is safe is asked once more. */
const CLOSED_UNDER_US: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);
const OUR_FAULT: ReadonlySet<string> = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED']);
const NO_ANSWER: ReadonlySet<string> = new Set(['UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'ERR_INVALID_CHAR', 'ERR_INVALID_HTTP_TOKEN']);

export interface ExchangeTimes {
  readonly queueMs: number;
  readonly headersMs: number;
  readonly bodyIdleMs: number;
  readonly stallMs: number;
}

export interface ExchangeDeps {
  readonly pool: Dispatcher;
  readonly gate: Gate;
  /** In front of the gate for bodies too long to collect: slow senders must not hold the places of everybody. */
  readonly uploads: Gate;
  readonly active: Set<Exchange>;
  readonly times: ExchangeTimes;
  /** Coarse: renewed by the sweep, so that reading it costs nothing. */
  readonly clock: { nowMs: number };
}

export interface ExchangeRequest {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly headers: string[];
  readonly bodyBytes: number | undefined;
  readonly clientKey: string;
  readonly requestId: string;
  readonly onEnd: ((end: PassEnd) => void) | undefined;
}

export interface PassEnd {
  /** 0: the client left before there was one. */
  readonly status: number;
  /** Bytes of the answer's body handed to the client's socket. */
  readonly bytes: number;
  readonly code: Code | undefined;
  /** One side broke off. */
  readonly aborted: boolean;
}

export class Exchange implements Entry, Dispatcher.DispatchHandler {
  readonly clientKey: string;
  readonly #deps: ExchangeDeps;
  readonly #asked: ExchangeRequest;
  #controller: Dispatcher.DispatchController | undefined;
  #body: Buffer | Readable | null = null;
  #phase: 'queue' | 'headers' | 'body' | 'ended' = 'queue';
  #sinceMs: number;
  #paused = false;
  #status = 0;
  #bytes = 0;
  #left: number | undefined;
  #attempts = 0;
  #upload: Entry | undefined;

  constructor(deps: ExchangeDeps, asked: ExchangeRequest) {
    this.#deps = deps;
    this.#asked = asked;
    this.clientKey = asked.clientKey;
    this.#sinceMs = deps.clock.nowMs;
  }

  /** Takes the body if it is short, then a place at the gate. */
  begin(): void {
    const { req, res, bodyBytes } = this.#asked;
    res.once('close', () => this.#clientClosed());
    const collects = bodyBytes !== undefined && bodyBytes > 0 && bodyBytes <= COLLECT_BYTES_MAX;
    if (!collects) return bodyBytes === 0 ? this.#enter(this.#deps.gate, this) : this.#enterUpload();
    collectBody(req, bodyBytes, (body) => {
      this.#body = body;
      this.#enter(this.#deps.gate, this);
    });
  }

  #enterUpload(): void {
    const { gate, uploads } = this.#deps;
    this.#upload = { clientKey: this.clientKey, start: () => this.#enter(gate, this) };
    this.#enter(uploads, this.#upload);
    // While it waits too: unread, each of its pieces would be a buffer.
    if (this.#phase === 'queue') this.#takeUpload();
  }

  #takeUpload(): void {
    this.#body ??= uploadOf(this.#asked.req);
  }

  #enter(gate: Gate, entry: Entry): void {
    if (this.#phase === 'ended') return;
    this.#sinceMs = this.#deps.clock.nowMs;
    this.#deps.active.add(this);
    const admission = gate.enter(entry);
    if (admission === 'full') this.#refuse('SEKISHO_MISSKEY_AWAY');
    else if (admission === 'client-full') this.#refuse('SEKISHO_LIMIT_CLIENT');
  }

  /** By the gate. */
  start(): void {
    const { bodyBytes } = this.#asked;
    if (bodyBytes === undefined || bodyBytes > COLLECT_BYTES_MAX) this.#takeUpload();
    this.#dispatch();
  }

  #dispatch(): void {
    const { req, headers } = this.#asked;
    this.#phase = 'headers';
    this.#sinceMs = this.#deps.clock.nowMs;
    this.#attempts += 1;
    this.#deps.pool.dispatch({ path: req.url ?? '/', method: req.method ?? 'GET', headers, body: this.#body }, this);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#phase === 'ended') controller.abort(GONE);
  }

  onBodySent(): void {
    this.#sinceMs = this.#deps.clock.nowMs;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _headers: unknown, reason?: string): void {
    // 1xx say nothing about the answer; early hints would need a flood limit of their own.
    if (status < 200 || this.#phase === 'ended') return;
    const { req, res, requestId } = this.#asked;
    const raw = Array.isArray(controller.rawHeaders) ? controller.rawHeaders : [];
    const head = readAnswerHead(raw, status, requestId);
    const left = req.method === 'HEAD' || status === 204 || status === 304 ? undefined : head.bodyBytes;
    if (reason === undefined || !REASON.test(reason)) res.writeHead(status, head.headers);
    else res.writeHead(status, reason, head.headers);
    // Not before: a head that Node refuses to write becomes a 502.
    this.#phase = 'body';
    this.#status = status;
    this.#sinceMs = this.#deps.clock.nowMs;
    this.#left = left;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#phase !== 'body') return;
    const { res } = this.#asked;
    this.#bytes += chunk.length;
    this.#sinceMs = this.#deps.clock.nowMs;
    if (this.#left !== undefined) this.#left -= chunk.length;
    // The last piece and the end in one write.
    if (this.#left === 0) res.end(chunk);
    else if (!res.write(chunk)) this.#pause(controller);
  }

  #pause(controller: Dispatcher.DispatchController): void {
    this.#paused = true;
    controller.pause();
    this.#asked.res.once('drain', () => {
      this.#paused = false;
      this.#sinceMs = this.#deps.clock.nowMs;
      controller.resume();
    });
  }

  onResponseEnd(): void {
    if (this.#phase !== 'body') return;
    const { req, res } = this.#asked;
    if (!res.writableEnded) res.end();
    this.#phase = 'ended';
    linger(req);
    this.#finish(undefined, false);
  }

  onResponseError(_controller: unknown, error: Error): void {
    if (this.#phase === 'ended') return;
    if (this.#phase === 'body') return this.#reset('SEKISHO_MISSKEY_AWAY');
    if (this.#asked.req.socket.destroyed) return this.#clientClosed();
    const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
    const { method } = this.#asked.req;
    const isSafe = this.#body === null && (method === 'GET' || method === 'HEAD') && this.#attempts < 2;
    if (isSafe && CLOSED_UNDER_US.has(code)) return this.#dispatch();
    this.#refuse(error.name === 'HTTPParserError' ? 'SEKISHO_UPSTREAM_FAULT' : codeOf(code));
  }

  /** By the sweep, about once a second. */
  check(nowMs: number): void {
    const { times } = this.#deps;
    const idleMs = nowMs - this.#sinceMs;
    if (this.#phase === 'queue' && idleMs >= times.queueMs) this.#refuse('SEKISHO_MISSKEY_AWAY');
    else if (this.#phase === 'headers' && idleMs >= times.headersMs) this.#refuse('SEKISHO_MISSKEY_AWAY');
    else if (this.#phase === 'body' && this.#paused && idleMs >= times.stallMs) this.#reset('SEKISHO_REQUEST_TIMEOUT');
    else if (this.#phase === 'body' && !this.#paused && idleMs >= times.bodyIdleMs) this.#reset('SEKISHO_MISSKEY_AWAY');
  }

  #refuse(code: Code): void {
    const { req, res, requestId } = this.#asked;
    this.#phase = 'ended';
    if (!res.headersSent && !res.destroyed) this.#status = refuse(req, res, code, { requestId });
    this.#controller?.abort(LATE);
    this.#finish(code, false);
  }

  /** Part of the body is out: only a broken connection tells the client that the rest is missing. */
  #reset(code: Code): void {
    this.#phase = 'ended';
    this.#asked.res.destroy();
    this.#controller?.abort(LATE);
    this.#finish(code, true);
  }

  #clientClosed(): void {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    this.#controller?.abort(GONE);
    this.#finish('SEKISHO_ABORTED', true);
  }

  #finish(code: Code | undefined, aborted: boolean): void {
    this.#deps.active.delete(this);
    this.#deps.gate.leave(this);
    if (this.#upload !== undefined) this.#deps.uploads.leave(this.#upload);
    if (this.#body !== null && 'destroy' in this.#body) this.#body.destroy();
    this.#asked.onEnd?.({ status: this.#status, bytes: this.#bytes, code, aborted });
  }
}

function codeOf(code: string): Code {
  if (OUR_FAULT.has(code)) return 'SEKISHO_REQUEST_INVALID';
  return NO_ANSWER.has(code) ? 'SEKISHO_UPSTREAM_FAULT' : 'SEKISHO_MISSKEY_AWAY';
}
