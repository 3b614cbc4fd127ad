// A listener that nobody may ever reach: it counts TCP connections, the only thing that matters for SSRF.

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export interface Canary {
  readonly host: string;
  readonly port: number;
  /** TCP connections ever accepted. */
  readonly connections: number;
  stop(): Promise<void>;
}

/** Listens on the given loopback address, by default on a free port. */
export async function startCanary(options: { readonly host?: string; readonly port?: number } = {}): Promise<Canary> {
  const host = options.host ?? '127.0.0.1';
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    // An answer that a careless client would take for a picture.
    socket.end('HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 0\r\n\r\n');
  });
  server.listen(options.port ?? 0, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    host,
    port: address.port,
    get connections() {
      return connections;
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}
