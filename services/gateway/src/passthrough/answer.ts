// Our own answers on routes that are not media: constant bodies by public code, written without a framework. Routes of
// the gateway's server and of the passthrough share them.

import { type IncomingMessage, STATUS_CODES, type ServerResponse } from 'node:http';
import { CODES, type Code, PUBLIC_CODES, type PublicCode } from '@sekisho/contracts';

/** What a client without a better hint should wait. */
export const RETRY_AFTER_S = 5;
/** A client that is still sending when it is answered gets this long to read the answer before the reset. */
const LINGER_MS = 5_000;

const BODIES = new Map<PublicCode, string>();
/** The body of a public code, as in the media answers. */
export function bodyOf(code: PublicCode): string {
  const known = BODIES.get(code) ?? JSON.stringify({ code, message: PUBLIC_CODES[code] });
  BODIES.set(code, known);
  return known;
}

/** Headers every own answer carries, flat. */
export function headOf(code: PublicCode): string[] {
  return [
    'Content-Type', 'application/json; charset=utf-8',
    'Content-Length', String(bodyOf(code).length),
    'Sekisho-Code', code,
    'Cache-Control', 'no-store',
    'X-Content-Type-Options', 'nosniff',
  ];
}

export interface RefuseOptions {
  readonly requestId: string;
  readonly retryAfterS?: number | undefined;
  /** Closes the connection: what follows an ambiguous message has no known beginning. */
  readonly closes?: boolean;
}

/** Answers with the constant body of a code; returns the status. Headers must not be sent yet. */
export function refuse(req: IncomingMessage, res: ServerResponse, code: Code, options: RefuseOptions): number {
  const { status, publicCode, retryable } = CODES[code];
  const head = [...headOf(publicCode), 'X-Request-Id', options.requestId];
  if (retryable) head.push('Retry-After', String(options.retryAfterS ?? RETRY_AFTER_S));
  if (status === 405) head.push('Allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS');
  if (options.closes === true) head.push('Connection', 'close');
  res.writeHead(status || 502, STATUS_CODES[status || 502] ?? '', head);
  res.end(req.method === 'HEAD' ? undefined : bodyOf(publicCode));
  linger(req);
  return status || 502;
}

/**
 * For a request that was answered before its body was read: what still comes is thrown away for a moment, as a reset
 * at once could destroy the answer on its way.
 */
export function linger(req: IncomingMessage): void {
  if (req.complete || req.destroyed) return;
  const { socket } = req;
  const timer = setTimeout(() => {
    if (!req.complete) socket.destroy();
  }, LINGER_MS).unref();
  socket.once('close', () => clearTimeout(timer));
  req.once('end', () => clearTimeout(timer));
  req.resume();
}
