// Misskey's client stack as its configuration with `proxy` makes it: node-fetch and got over one pair of hpagent agents that
// keep connections, choose by the scheme of each hop, and say nothing but the status of a refused CONNECT.

import { connect } from 'node:net';
import { got } from 'got';
import { HttpProxyAgent, HttpsProxyAgent } from 'hpagent';
import fetch, { type Response } from 'node-fetch';

/** Misskey aborts a request for an ActivityPub object after this. */
const ANSWER_MS = 5_000;
const SOCKETS_MAX = 256;
const RAW_BYTES_MAX = 16 * 1024;

export interface MisskeyClient {
  /** As for ActivityPub objects and files: follows up to 20 redirects. Rejects as node-fetch does. */
  fetch(url: string): Promise<Response>;
  /** As for file downloads. */
  got(url: string): Promise<{ readonly status: number; readonly text: string }>;
  /** Connections to the proxy that wait for the next request. */
  readonly kept: number;
  close(): void;
}

export function createMisskeyClient(options: { readonly proxy: string; readonly ca: string }): MisskeyClient {
  const shared = { keepAlive: true, keepAliveMsecs: 30_000, maxSockets: SOCKETS_MAX, maxFreeSockets: 256, scheduling: 'lifo', proxy: options.proxy } as const;
  const http = new HttpProxyAgent(shared);
  const https = new HttpsProxyAgent({ ...shared, ca: options.ca });
  return {
    fetch: async (url) => await fetch(url, {
      agent: ({ protocol }) => (protocol === 'http:' ? http : https), size: 10 * 1024 * 1024, signal: AbortSignal.timeout(ANSWER_MS),
    }),
    got: async (url) => {
      const response = await got(url, { agent: { http, https }, http2: false, retry: { limit: 0 }, timeout: { request: ANSWER_MS } });
      return { status: response.statusCode, text: response.body };
    },
    get kept() {
      return [http, https].flatMap(({ freeSockets }) => Object.values(freeSockets)).reduce((sum, list) => sum + (list?.length ?? 0), 0);
    },
    close: () => {
      http.destroy();
      https.destroy();
    },
  };
}

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
}

/** A request line that no client library would send, as it is. Status 0: closed without an answer. */
export async function connectRaw(port: number, authority: string): Promise<RawAnswer> {
  const socket = connect(port, '127.0.0.1');
  socket.setTimeout(ANSWER_MS * 2, () => socket.destroy());
  socket.write(Buffer.from(`CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n\r\n`, 'utf8'));
  let text = '';
  await new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (text.includes('\r\n\r\n') || text.length > RAW_BYTES_MAX) socket.destroy();
    });
    socket.on('error', () => undefined).once('close', () => resolve());
  });
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), head: text };
}
