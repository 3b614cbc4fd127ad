// How a programmed route is answered: whole or by range, in the clear or encoded, at once or late.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';

export interface OriginRoute {
  readonly bytes?: Uint8Array;
  /** Content-Type as claimed; absent: none is sent. */
  readonly type?: string;
  readonly etag?: string;
  readonly lastModified?: string;
  /** Answers single ranges with 206; default: ranges are ignored. */
  readonly ranges?: boolean;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly status?: number;
  /** Before the headers. */
  readonly delayMs?: number;
  /** No Content-Length. */
  readonly chunked?: boolean;
  /** Encodes the bytes, one coding after the other, and says so. */
  readonly contentEncoding?: readonly ('gzip' | 'br' | 'zstd' | 'deflate')[];
  /** Content-Disposition as it is. */
  readonly disposition?: string;
}

const ENCODERS = { gzip: gzipSync, br: brotliCompressSync, zstd: zstdCompressSync, deflate: deflateSync } as const;

export function answerRoute(route: OriginRoute, request: IncomingMessage, response: ServerResponse): void {
  const codings = route.contentEncoding ?? [];
  const encoded = codings.reduce<Buffer>((bytes, coding) => ENCODERS[coding](bytes), Buffer.from(route.bytes ?? []));
  const part = route.ranges === true ? cut(encoded, request.headers.range) : undefined;
  const body = part?.body ?? encoded;
  for (const [name, value] of Object.entries(routeHeaders(route, body.length))) response.setHeader(name, value);
  if (part !== undefined) response.setHeader('content-range', part.contentRange);
  response.writeHead(part?.status ?? route.status ?? 200);
  response.end(request.method === 'HEAD' ? undefined : body);
}

function routeHeaders(route: OriginRoute, length: number): Record<string, string | readonly string[]> {
  const { type, etag, lastModified, disposition, contentEncoding } = route;
  return {
    ...(type === undefined ? {} : { 'content-type': type }),
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { 'last-modified': lastModified }),
    ...(disposition === undefined ? {} : { 'content-disposition': disposition }),
    ...(contentEncoding === undefined ? {} : { 'content-encoding': contentEncoding.join(', ') }),
    ...(route.chunked === true ? {} : { 'content-length': String(length) }),
    ...(route.ranges === true ? { 'accept-ranges': 'bytes' } : {}),
    ...route.headers,
  };
}

interface Part {
  readonly status: 206 | 416;
  readonly body: Buffer;
  readonly contentRange: string;
}

function cut(bytes: Buffer, range: string | undefined): Part | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(range ?? '');
  const [, first = '', last = ''] = match ?? [];
  if (match === null || first + last === '') return undefined;
  const total = bytes.length;
  const start = first === '' ? Math.max(0, total - Number(last)) : Number(first);
  const end = first === '' || last === '' ? total - 1 : Math.min(total - 1, Number(last));
  if (start > end) return { status: 416, body: Buffer.alloc(0), contentRange: `bytes */${total}` };
  return { status: 206, body: bytes.subarray(start, end + 1), contentRange: `bytes ${start}-${end}/${total}` };
}
