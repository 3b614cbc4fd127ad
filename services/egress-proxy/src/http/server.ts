// The CONNECT port: node:http reads the request line and headers within their limits; every other request is answered here.

import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Code } from '@sekisho/contracts';
import { errorCode } from '@sekisho/runtime';
import { closeSoon } from '../tunnel/sockets.ts';
import { answerHeaders, answerText } from './answer.ts';

/** How often node:http looks for late headers: a deadline is met within this. */
const LOOK_MS = 200;
/** Time for a refused client to read its answer. */
const LINGER_MS = 1_000;

export interface ConnectRequest {
  /** As sent. */
  readonly authority: string;
  readonly socket: Socket;
  /** Bytes that came with the headers. */
  readonly head: Buffer;
  readonly authorization: string | undefined;
  /** Of another HTTP version, or with a body, which CONNECT has none of. */
  readonly isOdd: boolean;
}

export interface ConnectServerOptions {
  readonly host: string;
  readonly port: number;
  readonly headersMs: number;
  readonly headerBytesMax: number;
  /** Sockets, tunnels included; the kernel's backlog holds the rest. */
  readonly connectionsMax: number;
  readonly onConnect: (request: ConnectRequest) => void;
  /** A request that was answered here. */
  readonly onRefused: (code: Code, socket: Socket) => void;
}

export interface ConnectServer {
  readonly port: number;
  /** Closes the port. Resolves when the last socket is gone, tunnels included. */
  stopAccepting(): Promise<void>;
  /** Ends the sockets that are no tunnel yet. */
  dropAll(): void;
}

/** Rejects when the port is taken. */
export async function startConnectServer(options: ConnectServerOptions): Promise<ConnectServer> {
  const { headersMs, headerBytesMax } = options;
  const server = createServer({
    maxHeaderSize: headerBytesMax, headersTimeout: headersMs, requestTimeout: headersMs, connectionsCheckingInterval: LOOK_MS,
    // A request without Host is no CONNECT of ours either; 405 says more than 400.
    requireHostHeader: false, keepAlive: false, noDelay: true,
  });
  server.maxConnections = options.connectionsMax;
  const refuse: RequestListener = (request, response) => {
    options.onRefused('SEKISHO_EGRESS_METHOD', request.socket);
    response.writeHead(405, answerHeaders('SEKISHO_EGRESS_METHOD')).end();
  };
  server.on('request', refuse).on('checkContinue', refuse).on('checkExpectation', refuse);
  server.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    // Late errors of a socket must not become uncaught exceptions.
    socket.on('error', () => undefined);
    options.onConnect(readRequest(request, socket, head));
  });
  server.on('clientError', (error, socket) => onClientError(error, socket as Socket, options));
  await listen(server, options);
  const address = server.address();
  let closed: Promise<void> | undefined;
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    stopAccepting: () => {
      closed ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      });
      return closed;
    },
    dropAll: () => server.closeAllConnections(),
  };
}

async function listen(server: Server, options: ConnectServerOptions): Promise<void> {
  server.listen(options.port, options.host);
  await once(server, 'listening');
}

function readRequest(request: IncomingMessage, socket: Socket, head: Buffer): ConnectRequest {
  const { headers } = request;
  return {
    authority: request.url ?? '',
    socket,
    head,
    authorization: headers['proxy-authorization'],
    isOdd: request.httpVersionMajor !== 1 || headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0',
  };
}

const CLIENT_ERRORS: Readonly<Record<string, Code>> = {
  HPE_HEADER_OVERFLOW: 'SEKISHO_EGRESS_HEADERS_SIZE',
  ERR_HTTP_REQUEST_TIMEOUT: 'SEKISHO_EGRESS_HEADERS_TIMEOUT',
};

function onClientError(error: Error, socket: Socket, options: ConnectServerOptions): void {
  if (!socket.writable || errorCode(error) === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const code = CLIENT_ERRORS[errorCode(error) ?? ''] ?? 'SEKISHO_EGRESS_REQUEST';
  options.onRefused(code, socket);
  refuseSocket(socket, code);
}

/** Answers and closes. */
export function refuseSocket(socket: Socket, code: Code, detail = ''): void {
  if (socket.destroyed) return;
  socket.on('error', () => undefined);
  socket.write(answerText(code, detail));
  closeSoon(socket, LINGER_MS);
}
