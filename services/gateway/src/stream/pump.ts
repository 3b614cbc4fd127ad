// Bytes of a stream to one client. Memory is what two sockets buffer, however slow the client is; a body that ends
// short breaks the connection, as only that tells the client that it has not got everything.

import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';

export interface PumpOptions {
  /** Exact bytes to come; undefined where unknown. */
  readonly length: number | undefined;
  /** A client that takes none of what waits for it for so long is cut, ms. */
  readonly stallMs: number;
}

export interface Pumped {
  /** Bytes handed to the client's socket. */
  readonly bytes: number;
  /** All of them, and to the end. */
  readonly complete: boolean;
}

/** Sends `body`; never throws. Both are finished or destroyed when it returns. */
export function pump(body: Readable, res: ServerResponse, options: PumpOptions): Promise<Pumped> {
  const { promise, resolve } = Promise.withResolvers<Pumped>();
  let bytes = 0;
  let stall: NodeJS.Timeout | undefined;
  let ended = false;
  const cut = (): void => {
    res.destroy();
  };
  const awaitDrain = (): void => {
    stall ??= setTimeout(cut, options.stallMs);
  };
  res.once('close', () => {
    clearTimeout(stall);
    body.destroy();
    resolve({ bytes, complete: ended && res.writableFinished });
  });
  res.on('drain', () => {
    clearTimeout(stall);
    stall = undefined;
    body.resume();
  });
  body.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (options.length !== undefined && bytes > options.length) return cut();
    if (res.write(chunk)) return;
    body.pause();
    awaitDrain();
  });
  body.once('end', () => {
    if (options.length !== undefined && bytes !== options.length) return cut();
    ended = true;
    // What is still buffered must leave in time, too.
    awaitDrain();
    res.end();
  });
  body.once('error', cut);
  body.once('close', () => {
    if (!ended) cut();
  });
  // A client that left while the answer was on its way: no event will come.
  if (res.destroyed) {
    body.destroy();
    resolve({ bytes: 0, complete: false });
  }
  return promise;
}
