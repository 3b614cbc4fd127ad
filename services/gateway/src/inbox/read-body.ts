// The body of an inbox request: counted while it comes, whatever length was declared, and bounded in time. Most come with
// their heads and are taken as they lie there; only of the others does somebody wait.

import type { IncomingMessage } from 'node:http';
import { deny } from './deny.ts';
import type { Offer } from './places.ts';
import type { InboxDenied } from './types.ts';

export interface BodyLimits {
  readonly bytesMax: number;
  /** For the whole body: a trickle would hold its place longer than silence. */
  readonly timeMs: number;
}

export type BodyRead = { readonly kind: 'body'; readonly bytes: Buffer } | { readonly kind: 'gone' } | { readonly kind: 'denied'; readonly denied: InboxDenied };

/** Settles once; listens to nothing afterwards. What still comes is for `linger()`. */
export async function readBody(req: IncomingMessage, limits: BodyLimits, offer: Offer): Promise<BodyRead> {
  if (req.destroyed) return { kind: 'gone' };
  return req.complete ? takeWhole(req, limits) : await collect(req, limits, offer);
}

function takeWhole(req: IncomingMessage, { bytesMax }: BodyLimits): BodyRead {
  const bytes = (req.read() as Buffer | null) ?? Buffer.alloc(0);
  return bytes.length > bytesMax ? tooLarge(bytesMax) : { kind: 'body', bytes };
}

const tooLarge = (bytesMax: number): BodyRead => ({ kind: 'denied', denied: deny('SEKISHO_INBOX_TOO_LARGE', `more than ${bytesMax} bytes`) });

async function collect(req: IncomingMessage, limits: BodyLimits, offer: Offer): Promise<BodyRead> {
  const { promise, resolve } = Promise.withResolvers<BodyRead>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > limits.bytesMax) resolve(tooLarge(limits.bytesMax));
    else chunks.push(chunk);
  };
  const onEnd = (): void => resolve({ kind: 'body', bytes: chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks) });
  const onClose = (): void => resolve({ kind: 'gone' });
  const timer = setTimeout(() => resolve({ kind: 'denied', denied: deny('SEKISHO_INBOX_BODY_TIMEOUT', `after ${bytes} bytes`) }), limits.timeMs);
  const withdraw = offer(() => resolve({ kind: 'denied', denied: deny('SEKISHO_INBOX_DISPLACED', `after ${bytes} bytes`) }));
  req.on('data', onData).once('end', onEnd).once('close', onClose).once('error', onClose);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    withdraw();
    req.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
    req.pause();
  }
}
