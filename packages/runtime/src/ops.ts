// /metrics, /healthz and /readyz on a port of their own, which the public never reaches. Ready never depends on a shared
// dependency: one blink of Redis would take every replica out at once. Dependencies show in the body instead.

import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import type { Metrics } from './metrics.ts';

export interface Readiness {
  readonly ready: boolean;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface OpsOptions {
  readonly host: string;
  readonly port: number;
  readonly metrics: Metrics;
  readonly readiness: () => Readiness;
}

export interface OpsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Starts the ops server; rejects when the port is taken. */
export async function startOps(options: OpsOptions): Promise<OpsServer> {
  const server = createServer({ headersTimeout: 5_000, requestTimeout: 5_000, maxHeaderSize: 8_192 }, listener(options));
  server.maxConnections = 64;
  server.listen(options.port, options.host);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: async () => {
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, 'close');
    },
  };
}

const listener = (options: OpsOptions): RequestListener => (request, response) => {
  const path = request.url?.split('?')[0];
  if (path === '/metrics') {
    options.metrics.render().then(
      (text) => response.writeHead(200, { 'content-type': options.metrics.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
    return;
  }
  if (path === '/healthz') {
    response.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n');
    return;
  }
  if (path === '/readyz') {
    const { ready, details } = options.readiness();
    response.writeHead(ready ? 200 : 503, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify({ ready, ...details })}\n`);
    return;
  }
  response.writeHead(404).end();
};
