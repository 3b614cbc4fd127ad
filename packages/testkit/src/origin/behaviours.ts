// What hostile and broken servers do. Each path is one behaviour; numbers come in the query. Raw ones write to the socket,
// because node:http refuses to be that wrong.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { makeStream } from '../images/streams.ts';

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
  readonly query: URLSearchParams;
  /** Runs `step` every `ms` until it returns false, the socket closes or the origin stops. */
  every(ms: number, step: () => boolean): void;
}

export type Behaviour = (exchange: Exchange) => void;

const number = (query: URLSearchParams, name: string, fallback: number): number => Number(query.get(name) ?? fallback);
const video = (bytes: number): Buffer => makeStream('video/webm', Math.max(1_024, bytes));
const chunk = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
const CHUNKED = 'HTTP/1.1 200 OK\r\ncontent-type: video/webm\r\ntransfer-encoding: chunked\r\n\r\n';
const BOMB_BYTES = 64 * 1024 * 1024;

const bombs = new Map<string, Buffer>();
function bomb(coding: 'gzip' | 'br' | 'zstd', bytes: number): Buffer {
  const key = `${coding} ${bytes}`;
  const known = bombs.get(key);
  if (known !== undefined) return known;
  // A real medium's first bytes, so that only the size can be the reason to refuse it.
  const plain = Buffer.concat([video(1_024), Buffer.alloc(bytes)]);
  const made = COMPRESS[coding](plain);
  bombs.set(key, made);
  return made;
}
const COMPRESS = {
  gzip: (plain: Buffer): Buffer => gzipSync(plain, { level: 1 }),
  br: (plain: Buffer): Buffer => brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 2 } }),
  zstd: (plain: Buffer): Buffer => zstdCompressSync(plain),
} as const;

const sendBomb = (coding: 'gzip' | 'br' | 'zstd'): Behaviour => ({ response, query }) => {
  const body = bomb(coding, number(query, 'bytes', BOMB_BYTES));
  response.writeHead(200, { 'content-type': 'video/webm', 'content-encoding': coding, 'content-length': body.length }).end(body);
};

export const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  /** Chunked without end, as fast as the peer reads. */
  '/infinite': ({ response }) => {
    response.writeHead(200, { 'content-type': 'video/webm' });
    const block = Buffer.alloc(64 * 1024, 0x5a);
    const go = (): void => {
      while (!response.destroyed && response.write(block)) { /* until back-pressure */ }
    };
    response.on('drain', go);
    response.write(video(64 * 1024));
    go();
  },
  /** Headers after `ms`. */
  '/slow': ({ response, query, every }) => {
    every(number(query, 'ms', 60_000), () => {
      response.writeHead(200, { 'content-type': 'video/webm' }).end(video(4_096));
      return false;
    });
  },
  /** One byte every `ms`; `head` bytes at once before. */
  '/drip': ({ response, query, every }) => {
    const bytes = video(1_000_000);
    let at = number(query, 'head', 0);
    response.writeHead(200, { 'content-type': 'video/webm', 'content-length': bytes.length });
    response.write(bytes.subarray(0, at));
    every(number(query, 'ms', 50), () => response.write(bytes.subarray(at, ++at)) || at < bytes.length);
  },
  /** `head` bytes, then silence. */
  '/stall': ({ response, query }) => {
    const bytes = video(1_000_000);
    response.writeHead(200, { 'content-type': 'video/webm', 'content-length': bytes.length });
    response.write(bytes.subarray(0, number(query, 'head', 10_000)));
  },
  '/hang': () => undefined,
  /** One byte of an endless header every `ms`. */
  '/header-drip': ({ socket, query, every }) => {
    socket.write('HTTP/1.1 200 OK\r\nx-drip: ');
    every(number(query, 'ms', 50), () => socket.write('a') || true);
  },
  /** 103 responses without end, which restart naive header timers. */
  '/103-flood': ({ socket, query, every }) => {
    every(number(query, 'ms', 20), () => socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n') || true);
  },
  '/gzip-bomb': sendBomb('gzip'),
  '/br-bomb': sendBomb('br'),
  '/zstd-bomb': sendBomb('zstd'),
  '/double-gzip': ({ response, query }) => {
    const body = gzipSync(gzipSync(video(4_096)));
    response.writeHead(200, { 'content-encoding': query.get('say') ?? 'gzip, gzip' }).end(body);
  },
  /** Says gzip, is not; `cut` sends a real one without its end. */
  '/broken-gzip': ({ response, query }) => {
    const whole = gzipSync(video(200_000), { level: 0 });
    const body = query.has('cut') ? whole.subarray(0, whole.length / 2) : video(4_096);
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(body);
  },
  /** Content-Length says `say`, `send` bytes come, then the connection ends. */
  '/wrong-length': ({ socket, query }) => {
    const send = number(query, 'send', 5_000);
    socket.write(`HTTP/1.1 200 OK\r\ncontent-type: video/webm\r\ncontent-length: ${query.get('say') ?? 10_000}\r\n\r\n`);
    socket.end(video(Math.max(send, 1_024)).subarray(0, send));
  },
  /** `n` hops to itself, then to `to`. */
  '/redirect': ({ response, query }) => {
    const left = number(query, 'n', 1);
    const to = query.get('to') ?? '/';
    const location = left > 1 ? `/redirect?n=${left - 1}&to=${encodeURIComponent(to)}` : to;
    response.writeHead(number(query, 'status', 302), query.has('none') ? {} : { location }).end();
  },
  '/loop': ({ response }) => void response.writeHead(302, { location: '/loop' }).end(),
  /** `head` bytes of a chunked body, then a reset. */
  '/reset': ({ socket, query }) => {
    const head = number(query, 'head', 10_000);
    socket.write(Buffer.concat([Buffer.from(CHUNKED), chunk(video(Math.max(head, 1_024)).subarray(0, Math.max(head, 1)))]), () => socket.resetAndDestroy());
  },
  /** A chunked body whose end never comes: the connection closes in order. */
  '/cut-chunked': ({ socket, query }) => {
    socket.end(Buffer.concat([Buffer.from(CHUNKED), chunk(video(number(query, 'head', 10_000)))]));
  },
  '/cd': ({ response, query }) => {
    const bytes = video(4_096);
    response.writeHead(200, { 'content-disposition': query.get('v') ?? '', 'content-length': bytes.length }).end(bytes);
  },
  '/set-cookie': ({ response }) => {
    response.writeHead(200, { 'set-cookie': ['a=b', 'c=d'], refresh: '0; url=/', 'content-security-policy': 'x', 'x-secret': 'y' }).end(video(4_096));
  },
  /** Says one type and is another. */
  '/wrong-type': ({ response, query }) => {
    response.writeHead(200, { 'content-type': query.get('say') ?? 'image/png' }).end(query.get('body') ?? '<!doctype html><script>alert(1)</script>');
  },
  '/big-headers': ({ response, query }) => {
    response.writeHead(200, { 'x-big': 'a'.repeat(number(query, 'bytes', 64 * 1024)) }).end(video(4_096));
  },
  '/no-http': ({ socket }) => void socket.end('SSH-2.0-OpenSSH_9.2\r\n'),
  '/switch': ({ socket }) => void socket.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
  /** Lies about ranges: `v` is the lie. */
  '/range-lie': rangeLie,
};

const LIE_TOTAL = 100_000;

interface Lie {
  readonly range?: (start: number, end: number) => string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What is sent, when not the asked part. */
  readonly part?: (start: number, end: number) => readonly [number, number];
}

const LIES: Readonly<Record<string, Lie>> = {
  'other-total': { range: (start, end) => `bytes ${start}-${end}/${LIE_TOTAL * 2}` },
  'star-total': { range: (start, end) => `bytes ${start}-${end}/*` },
  'other-validator': { headers: { etag: '"v2"' } },
  'other-start': { range: (start, end) => `bytes ${start + 1}-${end + 1}/${LIE_TOTAL}` },
  longer: { range: (start, end) => `bytes ${start}-${end + 10}/${LIE_TOTAL}`, part: (start, end) => [start, end + 10] },
  shorter: { range: (start, end) => `bytes ${start}-${end - 10}/${LIE_TOTAL}`, part: (start, end) => [start, end - 10] },
  reversed: { range: (start, end) => `bytes ${end}-${start}/${LIE_TOTAL}` },
  beyond: { range: (start, end) => `bytes ${start}-${end}/${end}` },
  'no-header': { range: () => '' },
  length: { part: (start, end) => [start, end - 1] },
  multipart: { range: () => '', headers: { 'content-type': 'multipart/byteranges; boundary=x' } },
  encoded: { headers: { 'content-encoding': 'gzip' } },
  unasked: { range: () => `bytes 0-99/${LIE_TOTAL}`, part: () => [0, 99] },
};

function rangeLie({ request, response, query }: Exchange): void {
  const bytes = video(LIE_TOTAL);
  const { start, end } = askedRange(request);
  const lie = LIES[query.get('v') ?? ''];
  if (lie === undefined) {
    response.writeHead(200, { etag: '"v1"', 'content-length': LIE_TOTAL }).end(bytes);
    return;
  }
  const [from, to] = lie.part?.(start, end) ?? [start, end];
  const range = lie.range?.(start, end) ?? `bytes ${start}-${end}/${LIE_TOTAL}`;
  const body = bytes.subarray(from, to + 1);
  const headers = { etag: '"v1"', 'content-length': body.length, ...(range === '' ? {} : { 'content-range': range }), ...lie.headers };
  response.writeHead(206, headers).end(body);
}

function askedRange(request: IncomingMessage): { readonly start: number; readonly end: number } {
  const [, first = '0', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  return { start: Number(first), end: last === '' ? LIE_TOTAL - 1 : Math.min(Number(last), LIE_TOTAL - 1) };
}
