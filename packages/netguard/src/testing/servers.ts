// Bare TCP and TLS servers for tests that count connections and misbehave on purpose.

import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { TestCert } from './certs.ts';

export interface BareServer {
  readonly port: number;
  /** TCP connections ever accepted. */
  readonly connections: number;
  /** Sockets open now. */
  readonly open: number;
  /** Request heads received (TLS servers: after decryption). */
  readonly requests: readonly string[];
  /** Resolves when no socket is open, or after the time. */
  idle(timeoutMs: number): Promise<boolean>;
  stop(): Promise<void>;
}

export interface BareOptions {
  readonly tls?: TestCert & { readonly maxVersion?: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3' };
  readonly host?: string;
  /** Written to each new connection unasked. */
  readonly greeting?: string;
}

/** Calls `answer` with each complete request head; without it the server accepts and stays silent. */
export async function startBare(answer?: (socket: Socket, head: string) => void, options: BareOptions = {}): Promise<BareServer> {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  let connections = 0;
  const serve = (socket: Socket): void => {
    socket.on('error', () => undefined);
    if (options.greeting !== undefined) socket.write(options.greeting);
    let head = '';
    socket.on('data', (chunk: Buffer) => {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0 || answer === undefined) return;
      requests.push(head.slice(0, end));
      const request = head.slice(0, end);
      head = head.slice(end + 4);
      answer(socket, request);
    });
  };
  const { tls } = options;
  const server: Server = tls === undefined ? createServer(serve) : createTlsServer({ minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0', ...tls }, serve);
  server.on('tlsClientError', () => undefined);
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  });
  server.listen(0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    requests,
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
    idle: async (timeoutMs) => {
      const deadline = performance.now() + timeoutMs;
      while (sockets.size > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
      return sockets.size === 0;
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

/** A whole HTTP/1.1 response. */
export const response = (status: number, headers: Readonly<Record<string, string>>, body = ''): string =>
  [
    `HTTP/1.1 ${status} X`,
    ...Object.entries({ 'content-length': String(Buffer.byteLength(body)), ...headers }).map(([name, value]) => `${name}: ${value}`),
    '',
    body,
  ].join('\r\n');
