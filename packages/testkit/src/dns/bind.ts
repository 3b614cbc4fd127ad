import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

const BIND_TRIES_MAX = 20;

/** A UDP port whose TCP twin is free as well. @param wanted 0: any. */
export async function bindBoth(host = '127.0.0.1', wanted = 0): Promise<{ udp: Socket; tcp: Server; port: number }> {
  for (let attempt = 0; attempt < BIND_TRIES_MAX; attempt += 1) {
    const udp = createSocket('udp4');
    udp.bind(wanted, host);
    await once(udp, 'listening');
    const { port } = udp.address();
    const tcp = createServer();
    const bound = await new Promise<boolean>((resolve) => {
      tcp.once('error', () => resolve(false));
      tcp.listen(port, host, () => resolve(true));
    });
    if (bound) return { udp, tcp, port };
    udp.close();
  }
  throw new Error('no port that is free for both UDP and TCP');
}
