// Answers below HTTP: for what Node's parser refused there is no response object, only a socket.

import { CODES, type Code, PUBLIC_CODES, type PublicCode } from '@sekisho/contracts';
import type { Duplex } from 'node:stream';
import { bodyOf, headOf } from '../passthrough/answer.ts';

const REASONS: Readonly<Record<number, string>> = { 400: 'Bad Request', 405: 'Method Not Allowed', 408: 'Request Timeout', 413: 'Content Too Large', 431: 'Request Header Fields Too Large' };
const FLUSH_MS = 2_000;

const rawAnswer = (status: number, code: PublicCode): string => {
  const flat = [...headOf(code), 'Connection', 'close'];
  let text = `HTTP/1.1 ${status} ${REASONS[status] ?? PUBLIC_CODES[code]}\r\n`;
  for (let index = 0; index + 1 < flat.length; index += 2) text += `${flat[index]}: ${flat[index + 1]}\r\n`;
  return `${text}\r\n${bodyOf(code)}`;
};

/** Whether an answer is under way on the socket: bytes of ours would land in its middle. */
function isAnswering(socket: Duplex): boolean {
  const response: unknown = Reflect.get(socket, '_httpMessage');
  return typeof response === 'object' && response !== null && 'headersSent' in response && response.headersSent === true;
}

/** Answers once and closes; only closes where an answer is under way or the socket is gone. */
export function closeWith(socket: Duplex, status: number, code: Code): void {
  if (socket.destroyed) return;
  if (!socket.writable || isAnswering(socket)) {
    socket.destroy();
    return;
  }
  socket.on('error', () => undefined);
  socket.end(rawAnswer(status, CODES[code].publicCode), 'latin1');
  const timer = setTimeout(() => socket.destroy(), FLUSH_MS).unref();
  socket.once('close', () => clearTimeout(timer));
  socket.once('finish', () => socket.destroy());
}

export interface RawStatus {
  readonly status: number;
  readonly code: Code;
}
const BROKEN: RawStatus = { status: 400, code: 'SEKISHO_REQUEST_INVALID' };
const BY_ERROR: Readonly<Record<string, RawStatus>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, code: 'SEKISHO_REQUEST_TIMEOUT' },
  HPE_HEADER_OVERFLOW: { status: 431, code: 'SEKISHO_REQUEST_INVALID' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, code: 'SEKISHO_REQUEST_INVALID' },
};
const GONE: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

/** What a parser error is answered with; undefined where nobody is there any more. */
export function statusOf(error: Error & { readonly code?: string }): RawStatus | undefined {
  const { code = '' } = error;
  return GONE.has(code) ? undefined : (BY_ERROR[code] ?? BROKEN);
}
