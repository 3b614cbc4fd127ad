// The far end of tunnels without TLS of its own: it waits for a recorded ClientHello, answers with the recorded first
// flight of a real server, and then, on its second port, sends a body of a given length. So a bench measures the proxy and
// no cryptography.

import { createServer, type Server, type Socket } from 'node:net';
import { z } from 'zod';
import { helperArgument, serveHelper, tell } from './child.ts';

const { clientBytes, flight, bulkBytes } = z.object({ clientBytes: z.number(), flight: z.string(), bulkBytes: z.number() }).parse(helperArgument());
const firstFlight = Buffer.from(flight, 'base64');
const CHUNK = Buffer.alloc(64 * 1024, 0x5a);

function serve(socket: Socket, bodyBytes: number): void {
  let seen = 0;
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    const before = seen;
    seen += chunk.length;
    if (before >= clientBytes || seen < clientBytes) return;
    socket.write(firstFlight);
    send(socket, bodyBytes);
  });
}

function send(socket: Socket, leftBytes: number): void {
  let left = leftBytes;
  while (left > 0) {
    const part = left >= CHUNK.length ? CHUNK : CHUNK.subarray(0, left);
    left -= part.length;
    if (!socket.write(part)) {
      socket.once('drain', () => send(socket, left));
      return;
    }
  }
  socket.end();
}

const listen = async (bodyBytes: number): Promise<number> => {
  const server: Server = createServer((socket) => serve(socket, bodyBytes)).on('error', () => undefined);
  await new Promise<void>((resolve) => void server.listen({ port: 0, host: '127.0.0.1', backlog: 1_024 }, resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
};

tell({ short: await listen(0), bulk: await listen(bulkBytes) });
serveHelper(() => ({}));
