import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

export interface ServicePorts {
  readonly port: number;
  readonly opsPort: number;
}

export class PortTaken extends Error {}

/** Rejects with a sentence when something listens on the port already. Port 0 is always free. */
export async function assertPortFree(host: string, port: number, variable: string): Promise<void> {
  const server = createServer();
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch {
    throw taken(port, variable);
  } finally {
    server.close();
  }
}

/** The same for UDP. */
export async function assertUdpPortFree(host: string, port: number, variable: string): Promise<void> {
  const socket = createSocket('udp4');
  socket.bind(port, host);
  try {
    await once(socket, 'listening');
  } catch {
    throw taken(port, variable);
  } finally {
    socket.close();
  }
}

const taken = (port: number, variable: string): PortTaken =>
  new PortTaken(`port ${port} is already in use: stop what listens there or set ${variable} to another port`);
