// The client's body on its way to Misskey. The pool gets a stream of its own and never the request itself: undici takes
// the socket off a request whose body it gives up, and the server behind it would trip over that.

import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { Collected } from './collected.ts';

const GONE = 'the client left';

/** The body of `req` as a stream with the back-pressure of its reader; destroyed when the client leaves. */
export function uploadOf(req: IncomingMessage): Readable {
  const onData = (chunk: Buffer): void => {
    if (!upload.push(chunk)) req.pause();
  };
  const onEnd = (): void => void upload.push(null);
  const onClose = (): void => {
    if (!req.complete) upload.destroy(new Error(GONE));
  };
  const detach = (): void => {
    req.off('data', onData).off('end', onEnd).off('close', onClose);
  };
  const upload = new Readable({
    highWaterMark: 64 * 1024,
    read: () => void req.resume(),
    destroy: (error, done) => {
      detach();
      done(error);
    },
  });
  req.on('data', onData).on('end', onEnd).on('close', onClose);
  req.pause();
  return upload;
}

/** A small body in one piece: Misskey's API is POST with short JSON, and a slow sender then holds no connection. */
export function collectBody(req: IncomingMessage, bytes: number, done: (body: Buffer) => void): void {
  const body = new Collected(bytes);
  req.on('data', (piece: Buffer) => void body.add(piece));
  req.on('end', () => {
    if (body.length === bytes) done(body.bytes);
  });
}
