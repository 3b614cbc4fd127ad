// WebSockets to Misskey as raw tunnels: bytes pass unread but for frame ends, back-pressure both ways, one socket's end
// is the other's. Misskey pings each minute and drops the silent, so that a tunnel needs no idle limit of its own.

import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { CODES, type Code, PUBLIC_CODES } from '@sekisho/contracts';
import { bodyOf, headOf } from './answer.ts';
import { CLOSE_RESTART, FrameBounds } from './frames.ts';
import { readAnswerHead } from './head.ts';

/** A refusal of Misskey is a line of text; what is longer is cut. */
const REFUSAL_BYTES_MAX = 16 * 1024;
/** What a peer that was told to close gets to do so. */
const CLOSING_MS = 2_000;

export interface TunnelOptions {
  readonly hostname: string;
  readonly port: number;
  readonly handshakeMs: number;
}

export interface TunnelRequest {
  readonly req: IncomingMessage;
  readonly socket: Duplex;
  /** Bytes the client sent behind its handshake. */
  readonly head: Buffer;
  readonly headers: string[];
  readonly requestId: string;
}

/** Answers on a raw socket and closes it. */
export function refuseSocket(socket: Duplex, code: Code, status: number = CODES[code].status, extra: readonly string[] = []): void {
  const { publicCode, retryable } = CODES[code];
  const head = [...headOf(publicCode), 'Connection', 'close', ...extra];
  if (retryable) head.push('Retry-After', '5');
  endRaw(socket, statusHead(status, PUBLIC_CODES[publicCode], head) + bodyOf(publicCode));
}

function endRaw(socket: Duplex, text: string): void {
  if (socket.destroyed) return;
  socket.on('error', () => undefined);
  socket.end(text, 'latin1');
  const timer = setTimeout(() => socket.destroy(), CLOSING_MS).unref();
  socket.once('close', () => clearTimeout(timer));
  socket.once('finish', () => socket.destroy());
}

function statusHead(status: number, reason: string, flat: readonly string[]): string {
  let text = `HTTP/1.1 ${status} ${reason}\r\n`;
  for (let index = 0; index + 1 < flat.length; index += 2) text += `${flat[index]}: ${flat[index + 1]}\r\n`;
  return `${text}\r\n`;
}

/** One WebSocket. `closed` runs once, with the code where we ended it. */
export class Tunnel {
  readonly #asked: TunnelRequest;
  readonly #closed: (code: Code | undefined) => void;
  readonly #bounds = new FrameBounds();
  #handshake: ClientRequest | undefined;
  #upstream: Duplex | undefined;
  #isClosing = false;
  #isOver = false;

  constructor(asked: TunnelRequest, closed: (code: Code | undefined) => void) {
    this.#asked = asked;
    this.#closed = closed;
  }

  open(options: TunnelOptions): void {
    const { req, socket, headers } = this.#asked;
    socket.on('error', () => undefined);
    socket.once('close', () => this.#over(undefined));
    // Paused until there is somebody to read for.
    socket.pause();
    const { hostname, port } = options;
    const handshake = request({ hostname, port, method: 'GET', path: req.url ?? '/', headers, agent: false, setHost: false });
    this.#handshake = handshake;
    const timer = setTimeout(() => this.#refuse('SEKISHO_MISSKEY_AWAY'), options.handshakeMs);
    handshake.once('close', () => clearTimeout(timer));
    handshake.on('error', () => this.#refuse('SEKISHO_MISSKEY_AWAY'));
    handshake.once('response', (answer) => this.#mirror(answer));
    handshake.once('upgrade', (answer, upstream, head) => {
      clearTimeout(timer);
      this.#join(answer, upstream, head);
    });
    handshake.end();
  }

  /** Closes with 1012 between two frames, or by force where no boundary comes. */
  close(): void {
    if (this.#upstream === undefined) return this.#refuse('SEKISHO_SHUTTING_DOWN');
    this.#isClosing = true;
    if (this.#bounds.atBoundary) this.#sayGoodbye();
    const timer = setTimeout(() => this.destroy(), CLOSING_MS).unref();
    this.#asked.socket.once('close', () => clearTimeout(timer));
  }

  destroy(): void {
    this.#over('SEKISHO_SHUTTING_DOWN');
  }

  #refuse(code: Code): void {
    if (this.#isOver) return;
    refuseSocket(this.#asked.socket, code, undefined, ['X-Request-Id', this.#asked.requestId]);
    this.#handshake?.destroy();
    this.#end(code);
  }

  /** Misskey refused: its own status and words. */
  #mirror(answer: IncomingMessage): void {
    const chunks: Buffer[] = [];
    let bytes = 0;
    answer.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= REFUSAL_BYTES_MAX) chunks.push(chunk);
      else answer.destroy();
    });
    answer.once('close', () => {
      if (this.#isOver) return;
      const { headers } = readAnswerHead(answer.rawHeaders, answer.statusCode ?? 502, this.#asked.requestId);
      const body = Buffer.concat(chunks);
      const flat = withoutLength(headers);
      flat.push('Content-Length', String(body.length), 'Connection', 'close');
      endRaw(this.#asked.socket, statusHead(answer.statusCode ?? 502, answer.statusMessage ?? '', flat) + body.toString('latin1'));
      this.#end(undefined);
    });
  }

  #join(answer: IncomingMessage, upstream: Duplex, head: Buffer): void {
    const { socket } = this.#asked;
    this.#upstream = upstream;
    upstream.on('error', () => undefined);
    upstream.once('close', () => this.#over(undefined));
    if (this.#isOver || socket.destroyed) return this.#over(undefined);
    const { headers } = readAnswerHead(answer.rawHeaders, 101, this.#asked.requestId);
    headers.push('Upgrade', 'websocket', 'Connection', 'Upgrade');
    socket.write(statusHead(101, 'Switching Protocols', headers), 'latin1');
    if (this.#asked.head.length > 0) upstream.write(this.#asked.head);
    if (head.length > 0) this.#down(head);
    upstream.on('data', (chunk: Buffer) => this.#down(chunk));
    socket.on('drain', () => upstream.resume());
    upstream.once('end', () => endSoon(socket));
    socket.pipe(upstream);
    socket.once('end', () => endSoon(upstream));
  }

  #down(chunk: Buffer): void {
    if (this.#isClosing && this.#bounds.atBoundary) return;
    const boundary = this.#bounds.push(chunk);
    const piece = this.#isClosing && boundary > 0 ? chunk.subarray(0, boundary) : chunk;
    const canGoOn = this.#asked.socket.write(piece);
    if (this.#isClosing && boundary > 0) this.#sayGoodbye();
    else if (!canGoOn) this.#upstream?.pause();
  }

  #sayGoodbye(): void {
    const { socket } = this.#asked;
    socket.unpipe();
    socket.resume();
    socket.end(CLOSE_RESTART);
    this.#upstream?.destroy();
    this.#upstream = undefined;
  }

  #over(code: Code | undefined): void {
    if (this.#isClosing && this.#upstream === undefined && !this.#asked.socket.destroyed && code === undefined) return;
    this.#handshake?.destroy();
    this.#upstream?.destroy();
    this.#asked.socket.destroy();
    this.#end(code);
  }

  #end(code: Code | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#closed(code);
  }
}

/** Half a WebSocket is none: who does not close after its peer did is cut. */
function endSoon(socket: Duplex): void {
  socket.end();
  const timer = setTimeout(() => socket.destroy(), CLOSING_MS).unref();
  socket.once('close', () => clearTimeout(timer));
}

function withoutLength(flat: readonly string[]): string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < flat.length; index += 2) {
    const name = flat[index] ?? '';
    if (name.toLowerCase() !== 'content-length') kept.push(name, flat[index + 1] ?? '');
  }
  return kept;
}
