// The strangers' server: files of a folder from memory, whatever the query, and a counter of what was asked for.

import { readFileSync, readdirSync } from 'node:fs';
import { type RequestListener, createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { extname, join } from 'node:path';
import { originAuthority } from '@sekisho/testkit';
import { z } from 'zod';
import { helperArgument, serveHelper, tell } from './child.ts';

const argument = z.object({ folder: z.string(), tls: z.boolean().default(false), delayMs: z.number().default(0) }).parse(helperArgument());
const TYPES: Readonly<Record<string, string>> = {
  '.png': 'image/png', '.jpeg': 'image/jpeg', '.gif': 'image/gif', '.webp': 'image/webp', '.avif': 'image/avif', '.svg': 'image/svg+xml', '.json': 'application/json',
};

const files = new Map(readdirSync(argument.folder).map((name) => [`/${name}`, readFileSync(join(argument.folder, name))]));
const hits = new Map<string, number>();

const listener: RequestListener = (req, res) => {
  const path = (req.url ?? '').split('?')[0] ?? '';
  hits.set(path, (hits.get(path) ?? 0) + 1);
  const bytes = files.get(path);
  const answer = (): void => {
    if (bytes === undefined) res.writeHead(404).end();
    else res.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream', 'content-length': bytes.length }).end(bytes);
  };
  if (argument.delayMs === 0) answer();
  else setTimeout(answer, argument.delayMs);
};

const authority = argument.tls ? originAuthority() : undefined;
const server = authority === undefined ? createServer(listener) : createTlsServer({ key: authority.key, cert: authority.cert }, listener);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  tell({ port: typeof address === 'object' ? address?.port : 0, ca: authority?.ca });
});
serveHelper((message) => ({ hits: hits.get(z.object({ path: z.string() }).parse(message).path) ?? 0 }));
