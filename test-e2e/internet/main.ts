// The simulated internet of the cluster tests: one hostile origin over http and https on every public address, counters,
// and a control port for the cases. Runs inside the internet's network: cluster.sh internet node main.ts CA-FILE

import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type OriginRoute, type TestOrigin, startOrigin } from '@sekisho/testkit';
import { type Front, startFront } from './front.ts';

/** Not one of the counted ports: what the cases ask is not what they count. */
const CONTROL_PORT = 8053;
const BODY_BYTES_MAX = 300 * 1024 * 1024;

const [caFile = 'origin-ca.crt'] = process.argv.slice(2);
const plain = await startOrigin();
const tls = await startOrigin({ tls: true });
const front = await startFront(new Map([[80, plain.port], [443, tls.port], [8443, tls.port]]));
writeFileSync(caFile, tls.ca ?? '');
createServer((request, response) => {
  control({ request, response, origins: [plain, tls], front }).catch((error: unknown) => response.writeHead(500).end(String(error)));
}).listen(CONTROL_PORT, '::', () => process.stdout.write('the internet is up\n'));

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly origins: readonly TestOrigin[];
  readonly front: Front;
}

/**
 * PUT /serve?path=/x&route={…} with the bytes; GET /hits?path=/x; GET /connections; DELETE /connections.
 */
async function control({ request, response, origins, front: { connections, reset } }: Call): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://control');
  const path = url.searchParams.get('path') ?? '/';
  const json = (value: unknown): void => void response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
  switch (`${request.method} ${url.pathname}`) {
    case 'PUT /serve': {
      const route = JSON.parse(url.searchParams.get('route') ?? '{}') as OriginRoute;
      const bytes = await bodyOf(request);
      for (const origin of origins) origin.serve(path, { ...route, bytes });
      return json({ bytes: bytes.length });
    }
    case 'GET /hits':
      return json(origins.reduce((sum, origin) => sum + origin.hits(path), 0));
    case 'GET /connections':
      return json(Object.fromEntries(connections));
    case 'DELETE /connections':
      reset();
      return json({});
    default:
      response.writeHead(404).end();
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new Error('too much to serve');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
