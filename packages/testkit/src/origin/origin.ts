// A hostile origin on loopback: programmable routes, built-in misbehaviour, and counters of everything that reached it.

import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { originAuthority } from './authority.ts';
import { BEHAVIOURS } from './behaviours.ts';
import { answerRoute, type OriginRoute } from './routes.ts';

export type { OriginRoute } from './routes.ts';

const REQUESTS_KEPT_MAX = 10_000;

export interface OriginOptions {
  /** TLS with a certificate of `originAuthority()`. */
  readonly tls?: boolean;
  readonly host?: string;
  readonly port?: number;
}

export interface OriginRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

export interface TestOrigin {
  readonly port: number;
  /** `127.0.0.1:port`, as SEKISHO_UNSAFE_ALLOW_TARGETS wants it. */
  readonly address: string;
  /** PEM to trust, with `tls`. */
  readonly ca: string | undefined;
  readonly requests: readonly OriginRequest[];
  /** Connections ever accepted, open now, and ended by the peer before the answer was complete. */
  readonly connections: number;
  readonly open: number;
  readonly aborted: number;
  /** URL of a path under a host name, default `a.origin.example`. */
  url(path: string, host?: string): string;
  serve(path: string, route: OriginRoute): void;
  /** A path with a handler of the test's own. */
  handle(path: string, listener: RequestListener): void;
  /** Requests for a path so far, its query aside. */
  hits(path: string): number;
  /** True as soon as no connection is open, false after the time. */
  idle(timeoutMs: number): Promise<boolean>;
  stop(): Promise<void>;
}

interface State {
  readonly routes: Map<string, OriginRoute | RequestListener>;
  readonly requests: OriginRequest[];
  readonly sockets: Set<Socket>;
  readonly timers: Set<NodeJS.Timeout>;
  connections: number;
  aborted: number;
}

export async function startOrigin(options: OriginOptions = {}): Promise<TestOrigin> {
  const state: State = { routes: new Map(), requests: [], sockets: new Set(), timers: new Set(), connections: 0, aborted: 0 };
  const tls = options.tls === true ? originAuthority() : undefined;
  const listener: RequestListener = (request, response) => answer(state, request, response);
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer({ key: tls.key, cert: tls.cert }, listener);
  server.on('connection', (socket: Socket) => {
    state.connections += 1;
    state.sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => state.sockets.delete(socket));
  });
  server.on('tlsClientError', () => undefined);
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  const { port } = bound;
  const scheme = tls === undefined ? 'http' : 'https';
  return {
    port,
    address: `${options.host ?? '127.0.0.1'}:${port}`,
    ca: tls?.ca,
    requests: state.requests,
    get connections() {
      return state.connections;
    },
    get open() {
      return state.sockets.size;
    },
    get aborted() {
      return state.aborted;
    },
    url: (path, host = 'a.origin.example') => `${scheme}://${host}:${port}${path}`,
    serve: (path, route) => void state.routes.set(path, route),
    handle: (path, handler) => void state.routes.set(path, handler),
    hits: (path) => state.requests.filter(({ url }) => url.split('?')[0] === path).length,
    idle: (timeoutMs) => idle(state, timeoutMs),
    stop: async () => {
      for (const timer of state.timers) clearTimeout(timer);
      for (const socket of state.sockets) socket.destroy();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

function answer(state: State, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://origin');
  if (state.requests.length < REQUESTS_KEPT_MAX) {
    state.requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
  }
  response.on('error', () => undefined);
  response.once('close', () => {
    if (!response.writableFinished) state.aborted += 1;
  });
  const route = state.routes.get(url.pathname);
  if (typeof route === 'function') {
    route(request, response);
    return;
  }
  if (route !== undefined) {
    later(state, route.delayMs ?? 0, () => answerRoute(route, request, response));
    return;
  }
  const status = /^\/status\/(\d{3})$/.exec(url.pathname)?.[1];
  if (status !== undefined) {
    answerRoute({ status: Number(status), bytes: Buffer.from('status'), headers: statusHeaders(url.searchParams) }, request, response);
    return;
  }
  const behaviour = BEHAVIOURS[url.pathname];
  if (behaviour === undefined) {
    response.writeHead(404).end('no such path');
    return;
  }
  const every = (ms: number, step: () => boolean): void => {
    later(state, ms, () => {
      if (!request.socket.destroyed && step()) every(ms, step);
    });
  };
  behaviour({ request, response, socket: request.socket, query: url.searchParams, every });
}

const statusHeaders = (query: URLSearchParams): Record<string, string> => {
  const retryAfter = query.get('retry-after');
  return retryAfter === null ? {} : { 'retry-after': retryAfter };
};

function later(state: State, ms: number, run: () => void): void {
  if (ms === 0) {
    run();
    return;
  }
  const timer = setTimeout(() => {
    state.timers.delete(timer);
    run();
  }, ms);
  state.timers.add(timer);
}

async function idle(state: State, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (state.sockets.size > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
  return state.sockets.size === 0;
}
