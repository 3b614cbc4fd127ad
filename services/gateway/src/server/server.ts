// The public listener. `hot` answers cached media before any framework; everything else goes to the app. Limits on
// time, size and number of what strangers send stand here, so that no handler has to repeat them.

import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { LIMITS } from '@sekisho/contracts';
import { HEADER_LINES_MAX } from '../passthrough/head.ts';
import { type RawStatus, closeWith, statusOf } from './raw.ts';
import { Uploads } from './uploads.ts';

export interface ServerLimits {
  readonly headersMs: number;
  readonly headerBytesMax: number;
  readonly uploadIdleMs: number;
  /** Silence in both directions on a connection with a request; longer than any answer may take to begin. */
  readonly socketIdleMs: number;
  /** Longer than an ingress keeps its connections to us (nginx: 60 s), so that it never writes into a closing one. */
  readonly keepAliveMs: number;
  readonly connectionsMax: number;
  /** Pause between two looks at all limits on time. */
  readonly checkMs: number;
  readonly tunnelSpreadMs: number;
  /** What running answers get when the server closes. */
  readonly drainMs: number;
}

export const SERVER_LIMITS: ServerLimits = {
  headersMs: LIMITS.clientHeadersMs,
  headerBytesMax: LIMITS.clientHeaderBytesMax,
  uploadIdleMs: 30_000,
  socketIdleMs: 90_000,
  keepAliveMs: 75_000,
  connectionsMax: 20_000,
  checkMs: 1_000,
  tunnelSpreadMs: 15_000,
  drainMs: 60_000,
};

export interface GatewayServerParts {
  /** Answers and says true, or leaves the request untouched and says false. Must not throw. */
  hot(req: IncomingMessage, res: ServerResponse): boolean;
  app(req: IncomingMessage, res: ServerResponse): void;
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void;
  closeTunnels?(spreadMs: number): Promise<void>;
  /** For metrics: a connection was closed with this status before it became a request. */
  onRefused?(status: number): void;
  readonly limits?: Partial<ServerLimits>;
}

export interface GatewayServer {
  readonly server: Server;
  /** The port, also when 0 was asked for. */
  listen(port: number, host?: string): Promise<number>;
  /** Since `leave()` or `close()`. */
  readonly leaving: boolean;
  /** Connections that are open, WebSockets included. */
  readonly connections: number;
  /**
   * Each answer from now on is the last of its connection, so that clients in steady use are elsewhere when it closes: a
   * request that is on its way to a closing connection is lost.
   */
  leave(): void;
  /**
   * Orderly end: no new connection, idle ones closed, WebSockets closed over `tunnelSpreadMs`, running answers given
   * `drainMs` and then reset.
   */
  close(): Promise<void>;
}

interface Live {
  readonly server: Server;
  readonly parts: GatewayServerParts;
  readonly limits: ServerLimits;
  readonly uploads: Uploads;
  readonly sockets: Set<Duplex>;
  leaving: boolean;
}

export function createGatewayServer(parts: GatewayServerParts): GatewayServer {
  const limits = { ...SERVER_LIMITS, ...parts.limits };
  const server = createListener(limits);
  const live: Live = { server, parts, limits, uploads: new Uploads(limits.uploadIdleMs), sockets: new Set(), leaving: false };
  attach(live);
  let ending: Promise<void> | undefined;
  const check = setInterval(() => {
    live.uploads.sweep(performance.now());
    if (ending !== undefined) server.closeIdleConnections();
  }, limits.checkMs);
  check.unref();
  return {
    server,
    listen: (port, host) => listen(server, port, host),
    get leaving() {
      return live.leaving;
    },
    get connections() {
      return live.sockets.size;
    },
    leave: () => {
      live.leaving = true;
    },
    close: () => (ending ??= drain(live).finally(() => clearInterval(check))),
  };
}

function createListener(limits: ServerLimits): Server {
  const server = createServer({
    headersTimeout: limits.headersMs,
    requestTimeout: 0, // Uploads limits silence instead of duration.
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: limits.checkMs,
    maxHeaderSize: limits.headerBytesMax,
    insecureHTTPParser: false,
    requireHostHeader: true,
    noDelay: true,
  });
  server.maxHeadersCount = 0; // counted below: Node drops what is above its own limit without a word.
  server.maxConnections = limits.connectionsMax;
  server.timeout = limits.socketIdleMs;
  return server;
}

function attach(live: Live): void {
  const { server, parts, uploads, sockets } = live;
  server.on('connection', (socket: Duplex) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('request', (req: IncomingMessage, res: ServerResponse) => {
    if (req.rawHeaders.length > HEADER_LINES_MAX * 2) return refuse(parts, req.socket, { status: 431, code: 'SEKISHO_REQUEST_INVALID' });
    uploads.add(req);
    if (live.leaving) res.shouldKeepAlive = false;
    if (!parts.hot(req, res)) parts.app(req, res);
  });
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => undefined);
    req.socket.setTimeout(0); // the application pings
    parts.upgrade(req, socket, head);
  });
  server.on('connect', (_req: IncomingMessage, socket: Duplex) => refuse(parts, socket, { status: 405, code: 'SEKISHO_REQUEST_METHOD' }));
  server.on('clientError', (error: Error & { readonly code?: string }, socket: Duplex) => {
    const answer = statusOf(error);
    if (answer === undefined) socket.destroy();
    else refuse(parts, socket, answer);
  });
}

function refuse(parts: GatewayServerParts, socket: Duplex, answer: RawStatus): void {
  parts.onRefused?.(answer.status);
  closeWith(socket, answer.status, answer.code);
}

async function drain(live: Live): Promise<void> {
  const { server, parts, limits, sockets } = live;
  live.leaving = true;
  const closed = once(server, 'close');
  server.close();
  const calm = Promise.all([closed, parts.closeTunnels?.(limits.tunnelSpreadMs)]);
  const stop = new AbortController();
  await Promise.race([calm, delay(limits.drainMs, undefined, { signal: stop.signal }).catch(() => undefined)]);
  stop.abort();
  for (const socket of sockets) socket.destroy();
  await closed;
  sockets.clear(); // their own close events are still on the way
}

async function listen(server: Server, port: number, host: string | undefined): Promise<number> {
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');
  return address.port;
}
