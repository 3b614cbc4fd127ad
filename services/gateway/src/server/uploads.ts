// Bodies on their way in. Node's own limit is on the whole request and would cut a long honest upload; this one is on
// silence. A pause of ours, because Misskey is slower than the client, is not the client's silence.

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { closeWith } from './raw.ts';

interface Upload {
  /** The one body that a connection is sending; undefined between two. */
  req: IncomingMessage | undefined;
  bytes: number;
  sinceMs: number;
}

/** One entry per connection, not per request: what was received stays in memory no longer than its successor takes to come. */
export class Uploads {
  readonly #idleMs: number;
  readonly #connections = new Map<Socket, Upload>();

  constructor(idleMs: number) {
    this.#idleMs = idleMs;
  }

  /** Bodies on their way, as far as the last sweep or request of their connection told. */
  get size(): number {
    let open = 0;
    for (const { req } of this.#connections.values()) if (req !== undefined) open += 1;
    return open;
  }

  /** Watches the body of a request, if it has one. */
  add(req: IncomingMessage): void {
    const { 'content-length': length, 'transfer-encoding': encoding } = req.headers;
    const hasBody = encoding !== undefined || (length !== undefined && length !== '0');
    const upload = this.#connections.get(req.socket) ?? (hasBody ? this.#connect(req.socket) : undefined);
    if (upload === undefined) return;
    upload.req = hasBody ? req : undefined;
    upload.bytes = req.socket.bytesRead;
    upload.sinceMs = performance.now();
  }

  sweep(nowMs: number): void {
    for (const upload of this.#connections.values()) {
      const { req } = upload;
      if (req === undefined) continue;
      if (req.complete || req.socket.destroyed) upload.req = undefined;
      else if (this.#isIdle(upload, req, nowMs)) {
        upload.req = undefined;
        closeWith(req.socket, 408, 'SEKISHO_REQUEST_TIMEOUT');
      }
    }
  }

  #connect(socket: Socket): Upload {
    const upload = { req: undefined, bytes: 0, sinceMs: 0 };
    this.#connections.set(socket, upload);
    socket.once('close', () => this.#connections.delete(socket));
    return upload;
  }

  #isIdle(upload: Upload, req: IncomingMessage, nowMs: number): boolean {
    const isOurPause = req.readableLength >= req.readableHighWaterMark || req.socket.isPaused();
    if (isOurPause || req.socket.bytesRead !== upload.bytes) {
      upload.bytes = req.socket.bytesRead;
      upload.sinceMs = nowMs;
    }
    return nowMs - upload.sinceMs >= this.#idleMs;
  }
}
