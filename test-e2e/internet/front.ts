// The front of the simulated internet: takes TCP connections on every address that the internet's network owns and counts
// them by address and port. Public ones are handed to the origins; any other address belongs to a network that nobody may
// reach, so a connection there is answered at once and shows up in the count.

import { createServer, connect, type Socket } from 'node:net';
import { once } from 'node:events';

const PUBLIC = /^(?:203\.0\.113\.|198\.51\.100\.|2001:db8:)/;
/** Ports that only count: what a forged request likes to reach. */
const CANARY_PORTS = [22, 3000, 6379, 8080, 9090] as const;
const COUNTED_MAX = 10_000;

export interface Front {
  /** Connections so far by `address:port`, the address as the client named it. */
  readonly connections: ReadonlyMap<string, number>;
  reset(): void;
}

/** @param origins loopback port to serve behind each public port. */
export async function startFront(origins: ReadonlyMap<number, number>): Promise<Front> {
  const connections = new Map<string, number>();
  for (const port of [...origins.keys(), ...CANARY_PORTS]) {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const address = (socket.localAddress ?? '').replace(/^::ffff:/, '');
      const key = `${address}:${port}`;
      if (connections.size < COUNTED_MAX || connections.has(key)) connections.set(key, (connections.get(key) ?? 0) + 1);
      const origin = origins.get(port);
      if (origin !== undefined && PUBLIC.test(address)) join(socket, origin);
      else answer(socket);
    });
    server.listen(port, '::');
    await once(server, 'listening');
  }
  return { connections, reset: () => connections.clear() };
}

/** A picture's head: a careless client would take it. */
function answer(socket: Socket): void {
  socket.on('error', () => undefined).resume();
  socket.end('HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
}

/** Passes ends on as ends and resets as resets: origins break off in both ways on purpose. */
function join(client: Socket, port: number): void {
  const origin = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  for (const [from, to] of [[client, origin], [origin, client]] as const) {
    from.on('error', () => to.resetAndDestroy());
    from.once('close', () => to.destroySoon());
    from.pipe(to);
  }
}
