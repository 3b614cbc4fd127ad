// The body of an inbox request: counted while it comes, whatever length was declared, and bounded in time.

import type { IncomingMessage } from 'node:http';
import { Collected } from '../passthrough/collected.ts';
import { deny } from './deny.ts';
import type { Offer } from './places.ts';
import type { InboxDenied } from './types.ts';

export interface BodyLimits {
  readonly bytesMax: number;
  /** For the whole body: a trickle would hold its place longer than silence. */
  readonly timeMs: number;
}

export type BodyRead = { readonly kind: 'body'; readonly bytes: Buffer } | { readonly kind: 'gone' } | { readonly kind: 'denied'; readonly denied: InboxDenied };

/**
 * Settles once; listens to nothing afterwards. What still comes is for `linger()`. To be called before anything else is waited
 * for: what comes meanwhile lies there in as many buffers as it came in.
 */
export async function readBody(req: IncomingMessage, limits: BodyLimits, offer: Offer): Promise<BodyRead> {
  if (req.destroyed) return { kind: 'gone' };
  const { promise, resolve } = Promise.withResolvers<BodyRead>();
  const body = new Collected(limits.bytesMax);
  const onData = (piece: Buffer): void => {
    if (!body.add(piece)) resolve({ kind: 'denied', denied: deny('SEKISHO_INBOX_TOO_LARGE', `more than ${limits.bytesMax} bytes`) });
  };
  const onEnd = (): void => resolve({ kind: 'body', bytes: body.bytes });
  const onClose = (): void => resolve({ kind: 'gone' });
  const timer = setTimeout(() => resolve({ kind: 'denied', denied: deny('SEKISHO_INBOX_BODY_TIMEOUT', `after ${body.length} bytes`) }), limits.timeMs);
  const withdraw = offer(() => resolve({ kind: 'denied', denied: deny('SEKISHO_INBOX_DISPLACED', `after ${body.length} bytes`) }));
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
