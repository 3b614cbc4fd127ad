// A pod's port on loopback of whoever runs the cases.

import { once } from 'node:events';
import { type Socket, createServer } from 'node:net';
import { KubeConfig, PortForward } from '@kubernetes/client-node';
import type { Pod } from './cluster.ts';

export interface Forwarded {
  readonly url: string;
  stop(): Promise<void>;
}

export async function portForward({ name, namespace }: Pick<Pod, 'name' | 'namespace'>, port: number): Promise<Forwarded> {
  const config = new KubeConfig();
  config.loadFromDefault();
  const forward = new PortForward(config);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    forward.portForward(namespace, name, [port], socket, null, socket).catch(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}
