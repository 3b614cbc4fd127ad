// What the stub keeps: files it serves and requests it has seen.

import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { StubSignature } from './signature.ts';

export const REQUESTS_MAX = 1_000;
const KEPT_BYTES_MAX = 1024 * 1024;

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
  /** The bytes, where the stub was told to keep them. */
  body?: Buffer;
  /** The peer left before the body or the answer was complete. */
  aborted: boolean;
}

/** What the inbox has put into its queue. */
export interface StubJob {
  readonly activity: unknown;
  readonly signature: StubSignature;
}

export interface StubState {
  readonly files: Map<string, StubFile>;
  /** Keys of /files that answer 301 to a Location. */
  readonly redirects: Map<string, string>;
  readonly requests: StubRequest[];
  publicUrl: string;
  mediaProxy: string;
  /** `none`: the inbox refuses everything, as before set-up. */
  federation: 'all' | 'none';
  /** Activities taken by the inbox, the newest 5,000. */
  readonly jobs: StubJob[];
  /** The inbox answers this to what it would otherwise judge. */
  inboxStatus: number | undefined;
  /** The inbox waits this long after reading before it answers, and after each chunk that it reads. */
  inboxDelayMs: number;
  inboxReadDelayMs: number;
  /** Bodies of requests stay in `requests`. */
  keepBodies: boolean;
  /** Requests remembered; older ones are forgotten. */
  requestsMax: number;
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
  if (state.keepBodies) record.body = Buffer.alloc(0);
  state.requests.push(record);
  if (state.requests.length > state.requestsMax) state.requests.shift();
  return record;
}

export interface BodyLimits {
  readonly bytesMax?: number;
  /** Pause after each chunk. */
  readonly delayMs?: number;
}

/** Reads a body to its end: its first MiB, or that the peer left, or that the limit was met. */
export async function readBody(req: IncomingMessage, record: StubRequest, { bytesMax = Infinity, delayMs = 0 }: BodyLimits = {}): Promise<Buffer | 'gone' | 'large'> {
  const hash = createHash('sha256');
  const kept: Buffer[] = [];
  // The iterator would destroy the request when the loop is left early, and the answer with it.
  const chunks = req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  try {
    for await (const chunk of chunks) {
      hash.update(chunk);
      record.bodyBytes += chunk.length;
      if (record.bodyBytes > bytesMax) return 'large';
      if (record.bodyBytes <= KEPT_BYTES_MAX) kept.push(chunk);
      if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
  } catch {
    record.aborted = true;
    return 'gone';
  }
  record.bodyHash = hash.digest('hex');
  const body = Buffer.concat(kept);
  if (record.body !== undefined) record.body = body;
  return body;
}
