// Exact bytes over a plain socket: no HTTP library tidies them up, adds a header or hides an answer.

import { connect } from 'node:net';
import type { ExactRequest } from './request.ts';

const ANSWER_MS = 20_000;
const HEAD_END = Buffer.from('\r\n\r\n');
const CHUNK_BYTES = 16 * 1024;

export interface WireAnswer {
  /** 0: no answer, and `end` says how it ended. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly end: 'answered' | 'closed' | 'reset' | 'timeout';
  readonly ms: number;
}

export interface WireTarget {
  readonly port: number;
  readonly address?: string;
  /** Headers before all others, such as X-Forwarded-For; they are not part of what was signed. */
  readonly first?: readonly (readonly [string, string])[];
  readonly timeoutMs?: number;
}

export function bytesOf(request: ExactRequest, first: WireTarget['first'] = []): Buffer {
  const isChunked = request.chunked === true;
  const headers = [...first, ...request.headers.filter(([name]) => !isChunked || name.toLowerCase() !== 'content-length')];
  if (isChunked) headers.push(['Transfer-Encoding', 'chunked']);
  const head = `${request.method} ${request.target} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  // latin1 would cut other characters; what a case writes in a header goes as UTF-8.
  return Buffer.concat([Buffer.from(head), isChunked ? chunked(request.body) : request.body]);
}

function chunked(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += CHUNK_BYTES) {
    const piece = body.subarray(at, at + CHUNK_BYTES);
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

/** One request on a connection of its own. Never rejects: how it went is in the answer. */
export async function sendExact(request: ExactRequest, target: WireTarget): Promise<WireAnswer> {
  const began = performance.now();
  const { promise, resolve } = Promise.withResolvers<WireAnswer['end']>();
  const socket = connect({ port: target.port, host: target.address ?? '127.0.0.1', noDelay: true });
  let received: Buffer = Buffer.alloc(0);
  socket.setTimeout(target.timeoutMs ?? ANSWER_MS, () => resolve('timeout'));
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    if (isComplete(received)) resolve('answered');
  });
  socket.once('error', () => resolve('reset'));
  socket.once('close', () => resolve('closed'));
  socket.write(bytesOf(request, target.first));
  const end = await promise;
  socket.destroy();
  const parsed = parseAnswer(received);
  return { ...parsed, end: parsed.status === 0 ? end : 'answered', ms: performance.now() - began };
}

function isComplete(bytes: Buffer): boolean {
  const end = bytes.indexOf(HEAD_END);
  if (end < 0) return false;
  const head = bytes.toString('latin1', 0, end);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return bytes.length >= end + HEAD_END.length + Number(length);
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) return bytes.toString('latin1', end).endsWith('0\r\n\r\n');
  return /^HTTP\/1\.1 (?:1\d\d|204|304)/.test(head);
}

function parseAnswer(bytes: Buffer): Pick<WireAnswer, 'status' | 'headers' | 'body'> {
  const end = bytes.indexOf(HEAD_END);
  if (end < 0) return { status: 0, headers: {}, body: Buffer.alloc(0) };
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = Object.fromEntries(lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }));
  return { status: Number(first.slice(9, 12)), headers, body: bytes.subarray(end + HEAD_END.length) };
}
