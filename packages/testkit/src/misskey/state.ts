// What the stub keeps: files it serves and requests it has seen.

import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Requests remembered; older ones are forgotten. */
const REQUESTS_MAX = 1_000;

export interface StubFile {
  readonly body: Buffer;
  readonly type: string;
  /** For Content-Disposition. */
  readonly name?: string;
}

export interface StubRequest {
  readonly method: string;
  /** As it came, undecoded. */
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly httpVersion: string;
  /** Bytes of the body so far. */
  bodyBytes: number;
  /** SHA-256 of the body in hex once it is complete. */
  bodyHash: string | undefined;
  /** The peer left before the body or the answer was complete. */
  aborted: boolean;
}

export interface StubState {
  readonly files: Map<string, StubFile>;
  /** Keys of /files that answer 301 to a Location. */
  readonly redirects: Map<string, string>;
  readonly requests: StubRequest[];
  publicUrl: string;
  mediaProxy: string;
  /** Bytes written by /stub/big. */
  bytesSent: number;
  /** Sockets open now. */
  connections: number;
  /** WebSockets open now. */
  webSockets: number;
}

export function remember(state: StubState, req: IncomingMessage): StubRequest {
  const { method = '', url = '', rawHeaders, httpVersion } = req;
  const record: StubRequest = { method, url, rawHeaders, httpVersion, bodyBytes: 0, bodyHash: undefined, aborted: false };
  state.requests.push(record);
  if (state.requests.length > REQUESTS_MAX) state.requests.shift();
  return record;
}

/** Reads a body to its end, waiting `delayMs` after each chunk; false when the peer left. */
export async function readBody(req: IncomingMessage, record: StubRequest, delayMs = 0): Promise<boolean> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of req as AsyncIterable<Buffer>) {
      hash.update(chunk);
      record.bodyBytes += chunk.length;
      if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
  } catch {
    record.aborted = true;
    return false;
  }
  record.bodyHash = hash.digest('hex');
  return true;
}
