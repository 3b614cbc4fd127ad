import { once } from 'node:events';
import { createServer } from 'node:net';

export class PortTaken extends Error {}

/** Rejects with a sentence when something listens on the port already. Port 0 is always free. */
export async function assertPortFree(host: string, port: number, variable: string): Promise<void> {
  const server = createServer();
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch {
    throw new PortTaken(`port ${port} is already in use: stop what listens there or set ${variable} to another port`);
  } finally {
    server.close();
  }
}

/** A port that was free a moment ago. */
export async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
