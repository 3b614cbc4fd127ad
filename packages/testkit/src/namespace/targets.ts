// Addresses of a namespace and listeners on all of them. Only to be run inside one: it changes the machine's addresses.

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

const REACH_MS = 1_000;

export interface Targets {
  /** TCP connections accepted so far, all addresses and ports together. */
  readonly connections: number;
  /** Connections since the last call, as the local addresses that they came to. */
  taken(): readonly string[];
  stop(): Promise<void>;
}

/** Brings loopback up with the addresses on it; gives back those that the kernel refuses. */
export function addAddresses(addresses: readonly string[]): readonly string[] {
  const ip = (...args: string[]): boolean => spawnSync('ip', args, { stdio: 'ignore', timeout: 5_000 }).status === 0;
  if (!ip('link', 'set', 'lo', 'up')) throw new Error('loopback cannot be brought up');
  return addresses.filter((address) => !ip('addr', 'add', `${address}/${address.includes(':') ? 128 : 32}`, 'dev', 'lo', ...(address.includes(':') ? ['nodad'] : [])));
}

/** Listens on the ports of every address, both families. `serve` gets each connection. */
export async function listenEverywhere(ports: readonly number[], serve: (socket: Socket) => void): Promise<Targets> {
  const servers: Server[] = [];
  let connections = 0;
  let taken: string[] = [];
  for (const port of ports) {
    const server = createServer((socket) => {
      connections += 1;
      taken.push(`${socket.localAddress?.replace(/^::ffff:/, '')}`);
      socket.on('error', () => undefined);
      serve(socket);
    });
    server.listen({ port, host: '::', ipv6Only: false });
    await once(server, 'listening');
    servers.push(server);
  }
  return {
    get connections() {
      return connections;
    },
    taken: () => {
      const now = taken;
      taken = [];
      return now;
    },
    stop: async () => {
      for (const server of servers) {
        server.close();
        await once(server, 'close');
      }
    },
  };
}

/** Does a plain connection arrive? The positive control of every count of none. */
export async function isReachable(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  const reached = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    setTimeout(() => resolve(false), REACH_MS).unref();
  });
  socket.destroy();
  return reached;
}
