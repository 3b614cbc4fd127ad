// The client's body on its way to Misskey. The pool gets a stream of its own and never the request itself: undici takes
// the socket off a request whose body it gives up, and the server behind it would trip over that.

import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { Collected } from './collected.ts';

const GONE = 'the client left';
/** Held in one piece for a reader who is not there yet or is slow; then nothing more is read. */
const HELD_BYTES = 64 * 1024;
/** Beside it: what the request had before, and what one read of its connection brings, 64 KiB each and a piece. */
const HELD_BYTES_MAX = 4 * HELD_BYTES;

/** The body of `req` as a stream with the back-pressure of its reader; destroyed when the client leaves. */
export function uploadOf(req: IncomingMessage): Readable {
  const hold = holdOf(req);
  let held = new Collected(HELD_BYTES_MAX);
  let isAsked = false;
  const onData = (piece: Buffer): void => {
    if (isAsked) isAsked = upload.push(piece);
    else if (!held.add(piece)) upload.destroy(new Error('more than was asked for'));
    else if (held.length >= HELD_BYTES) hold.begin();
  };
  const onEnd = (): void => {
    if (held.length === 0) upload.push(null);
  };
  const onClose = (): void => {
    if (!req.complete) upload.destroy(new Error(GONE));
  };
  const flush = (): void => {
    const { bytes } = held;
    held = new Collected(HELD_BYTES_MAX);
    isAsked = upload.push(bytes);
    if (req.readableEnded) upload.push(null);
  };
  const upload = new Readable({
    // A queue here would hold pieces.
    highWaterMark: 0,
    read: () => {
      isAsked = true;
      if (held.length > 0) flush();
      hold.end();
    },
    destroy: (error, done) => {
      req.off('data', onData).off('end', onEnd).off('close', onClose);
      hold.end();
      done(error);
    },
  });
  // Nobody else may listen yet.
  upload.on('error', () => undefined);
  req.on('data', onData).on('end', onEnd).on('close', onClose);
  return upload;
}

/**
 * Keeps a connection from being read. Pausing the request would not do: Node fills its queue first, and 64 KiB that come in
 * single bytes are 13 MiB of heap there and 38 of the process.
 */
function holdOf({ socket }: IncomingMessage): { begin(): void; end(): void } {
  let isHeld = false;
  // The request, which flows, resumes its connection whenever it has given away what it had.
  const again = (): void => void socket.pause();
  return {
    begin: () => {
      if (isHeld) return;
      isHeld = true;
      socket.on('resume', again).pause();
    },
    end: () => {
      if (!isHeld) return;
      isHeld = false;
      socket.off('resume', again).resume();
    },
  };
}

/** A small body in one piece: Misskey's API is POST with short JSON, and a slow sender then holds no connection. */
export function collectBody(req: IncomingMessage, bytes: number, done: (body: Buffer) => void): void {
  const body = new Collected(bytes);
  req.on('data', (piece: Buffer) => void body.add(piece));
  req.on('end', () => {
    if (body.length === bytes) done(body.bytes);
  });
}
