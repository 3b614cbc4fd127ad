// The floor of `egress`: node:net that connects to one fixed port and pipes both ways, without a look at anything.

import { connect, createServer, type Socket } from 'node:net';
import { z } from 'zod';
import { helperArgument, serveHelper, tell } from './child.ts';

const { ports } = z.object({ ports: z.array(z.number()) }).parse(helperArgument());

function pipeTo(port: number, near: Socket): void {
  const far = connect({ port, host: '127.0.0.1' });
  for (const [one, other] of [[near, far], [far, near]] as const) {
    one.on('error', () => other.destroy());
    one.pipe(other);
  }
}

const listen = async (port: number): Promise<number> => {
  const server = createServer({ allowHalfOpen: true }, (socket) => pipeTo(port, socket));
  await new Promise<void>((resolve) => void server.listen({ port: 0, host: '127.0.0.1', backlog: 1_024 }, resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
};

tell({ ports: await Promise.all(ports.map(listen)) });
serveHelper(() => ({}));
