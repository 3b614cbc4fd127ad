// Other ends that misbehave: bare TCP and TLS servers, and one that the kernel lets nobody reach.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { originAuthority } from '@sekisho/testkit';

export interface TestServer {
  readonly port: number;
  /** `127.0.0.1:port` */
  readonly address: string;
  /** TCP connections ever accepted. */
  readonly connections: number;
  /** Sockets open now. */
  readonly open: number;
  /** Bytes received, after decryption. */
  readonly received: Buffer;
  /** Newest socket, bare. */
  readonly last: Socket | undefined;
  stop(): Promise<void>;
}

/** Calls `serve` for each connection; with `tls` after its handshake. */
export async function startServer(serve: (socket: Socket) => void = () => undefined, tls?: TlsOptions): Promise<TestServer> {
  const sockets = new Set<Socket>();
  const chunks: Buffer[] = [];
  let connections = 0;
  let last: Socket | undefined;
  const take = (socket: Socket): void => {
    socket.on('error', () => undefined).on('data', (chunk: Buffer) => void chunks.push(chunk));
    serve(socket);
  };
  const { key, cert } = originAuthority();
  const server: Server = tls === undefined ? createServer({ allowHalfOpen: true, noDelay: true }, take) : createTlsServer({ key, cert, ...tls }, take);
  server.on('tlsClientError', () => undefined).on('connection', (socket: Socket) => {
    connections += 1;
    last = socket;
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  return {
    port,
    address: `127.0.0.1:${port}`,
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
    get received() {
      return Buffer.concat(chunks);
    },
    get last() {
      return last;
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

export interface BlackHole {
  readonly port: number;
  stop(): void;
}

/** A listener that is stopped and whose backlog is full: the kernel drops what comes after, and a connection never ends. */
export async function startBlackHole(): Promise<BlackHole> {
  const script = "const s = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(s.address().port));";
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(line.toString().trim());
  child.kill('SIGSTOP');
  const fillers = Array.from({ length: 4 }, () => connect({ port, host: '127.0.0.1' }).on('error', () => undefined));
  await new Promise((resolve) => setTimeout(resolve, 100));
  return {
    port,
    stop: () => {
      for (const socket of fillers) socket.destroy();
      child.kill('SIGKILL');
    },
  };
}
