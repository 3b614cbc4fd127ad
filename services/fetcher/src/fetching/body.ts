// The body of an upstream response, held to limits in every phase: exact length, bytes as sent, bytes decoded, progress.
// Whatever is wrong ends the stream with a fault, never as a clean end.

import { pipeline, type Readable, Transform } from 'node:stream';
import { isSekishoError, SekishoError } from '@sekisho/contracts';
import { type Coding, createDecoder } from './encoding.ts';

const BUFFER_BYTES = 64 * 1024;
/** Fewer bytes than this within the idle time count as silence, or one byte every nine seconds would hold a slot for years. */
const PROGRESS_BYTES_MIN = 1_024;
const TICKS = 5;

export interface BodyBounds {
  /** Exact length as sent, where the upstream said one. */
  readonly length: number | undefined;
  /** For the bytes as sent and for the decoded ones. */
  readonly bytesMax: number;
  readonly coding: Coding | 'identity';
  readonly idleMs: number;
}

/** The decoded, bounded body. Destroying it destroys `raw`; errors are faults. */
export function boundBody(raw: Readable, bounds: BodyBounds): Readable {
  const sent = createGuard(bounds);
  if (bounds.coding === 'identity') {
    pipeline(raw, sent, ignore);
    return sent;
  }
  const decoded = createGuard({ length: undefined, bytesMax: bounds.bytesMax, idleMs: 0 });
  pipeline(raw, sent, createDecoder(bounds.coding), decoded, ignore);
  return decoded;
}

/** Any error of a body as a fault. */
export function toBodyFault(error: unknown): SekishoError {
  if (isSekishoError(error)) return error;
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown';
  // zlib numbers its errors; sockets and undici have names of their own.
  const isDecoder = typeof error === 'object' && error !== null && /^(?:Z_|ERR_BROTLI|ERR_ZLIB|ERR__|ZSTD_)/.test(code);
  return new SekishoError(isDecoder ? 'SEKISHO_UPSTREAM_ENCODING' : 'SEKISHO_UPSTREAM_FAULT', { detail: `body: ${code}`, cause: error });
}

export interface Head {
  readonly bytes: Buffer;
  /** There is no more. */
  readonly ended: boolean;
}

/** At least `count` bytes more, or all there are. @throws SekishoError */
export async function readHead(body: Readable, count: number, before: Head = { bytes: Buffer.alloc(0), ended: false }): Promise<Head> {
  if (before.ended || before.bytes.length >= count) return before;
  const chunks = [before.bytes];
  let length = before.bytes.length;
  try {
    for await (const chunk of body.iterator({ destroyOnReturn: false })) {
      const bytes: Buffer = chunk;
      chunks.push(bytes);
      length += bytes.length;
      if (length >= count) return { bytes: Buffer.concat(chunks), ended: false };
    }
  } catch (error) {
    throw toBodyFault(error);
  }
  return { bytes: Buffer.concat(chunks), ended: true };
}

const ignore = (): void => undefined;

interface GuardBounds {
  readonly length: number | undefined;
  readonly bytesMax: number;
  /** 0: no watch. */
  readonly idleMs: number;
}

function createGuard(bounds: GuardBounds): Transform {
  let bytes = 0;
  const guard: Transform = new Transform({
    highWaterMark: BUFFER_BYTES,
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > bounds.bytesMax) done(new SekishoError('SEKISHO_UPSTREAM_TOO_LARGE', { detail: `body above ${bounds.bytesMax} bytes` }));
      else if (bounds.length !== undefined && bytes > bounds.length) done(wrongLength(bytes));
      else done(null, chunk);
    },
    flush(done) {
      done(bounds.length !== undefined && bytes < bounds.length ? wrongLength(bytes) : null);
    },
    destroy(error, done) {
      clearInterval(watch);
      done(error);
    },
  });
  guard.on('error', ignore);
  const watch = bounds.idleMs > 0 ? watchProgress(guard, bounds.idleMs, () => bytes) : undefined;
  guard.once('end', () => clearInterval(watch));
  return guard;
}

const wrongLength = (bytes: number): SekishoError =>
  new SekishoError('SEKISHO_UPSTREAM_FAULT', { detail: `body of ${bytes} bytes is not of the announced length` });

/** Ends the guard when too little came over the idle time although we were ready for more; a slow reader is no fault of the upstream. */
function watchProgress(guard: Transform, idleMs: number, bytesNow: () => number): NodeJS.Timeout {
  let window: number[] = [];
  let seen = 0;
  return setInterval(() => {
    const isBlocked = guard.readableLength >= guard.readableHighWaterMark;
    const bytes = bytesNow();
    window = isBlocked ? [] : [...window, bytes - seen].slice(-TICKS);
    seen = bytes;
    const sum = window.reduce((total, part) => total + part, 0);
    if (window.length === TICKS && sum < PROGRESS_BYTES_MIN) {
      guard.destroy(new SekishoError('SEKISHO_UPSTREAM_TIMEOUT', { detail: 'the body stalls' }));
    }
  }, idleMs / TICKS);
}
