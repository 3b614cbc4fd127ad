// Bodies on their way in. Node's own limit is on the whole request and would cut a long honest upload; this one is on
// silence. A pause of ours, because Misskey is slower than the client, is not the client's silence.

import type { IncomingMessage } from 'node:http';
import { closeWith } from './raw.ts';

interface Upload {
  readonly req: IncomingMessage;
  bytes: number;
  sinceMs: number;
}

/** Requests with bodies are bounded by the connections there may be. */
export class Uploads {
  readonly #idleMs: number;
  readonly #open = new Set<Upload>();

  constructor(idleMs: number) {
    this.#idleMs = idleMs;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Watches the body of a request, if it has one. */
  add(req: IncomingMessage): void {
    const { 'content-length': length, 'transfer-encoding': encoding } = req.headers;
    if (encoding === undefined && (length === undefined || length === '0')) return;
    this.#open.add({ req, bytes: req.socket.bytesRead, sinceMs: performance.now() });
  }

  sweep(nowMs: number): void {
    for (const upload of this.#open) {
      const { req } = upload;
      if (req.complete || req.socket.destroyed) this.#open.delete(upload);
      else if (this.#isIdle(upload, nowMs)) {
        this.#open.delete(upload);
        closeWith(req.socket, 408, 'SEKISHO_REQUEST_TIMEOUT');
      }
    }
  }

  #isIdle(upload: Upload, nowMs: number): boolean {
    const { req } = upload;
    const isOurPause = req.readableLength >= req.readableHighWaterMark;
    if (isOurPause || req.socket.bytesRead !== upload.bytes) {
      upload.bytes = req.socket.bytesRead;
      upload.sinceMs = nowMs;
    }
    return nowMs - upload.sinceMs >= this.#idleMs;
  }
}
