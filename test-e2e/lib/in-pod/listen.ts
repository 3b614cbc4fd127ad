// Runs in a pod that somebody may try to reach: takes TCP connections on many ports, counts them, and tells the counts on
// a port of its own.

import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';

export interface Listening {
  readonly ports: readonly number[];
  readonly countsPort: number;
}

/** Connections so far by port. */
export type Counts = Readonly<Record<string, number>>;

if (import.meta.main) {
  const { ports, countsPort } = JSON.parse(process.argv[2] ?? '{}') as Listening;
  const counts: Record<string, number> = {};
  for (const port of ports) {
    const server = createServer((socket) => {
      counts[port] = (counts[port] ?? 0) + 1;
      socket.on('error', () => undefined).end();
    });
    server.listen(port, '::');
    await once(server, 'listening');
  }
  createHttpServer((_, response) => response.end(JSON.stringify(counts))).listen(countsPort, '::', () => process.stdout.write('listening\n'));
}
