// A bare node:http server with one answer from memory: what a cached picture could cost at least.

import { createServer } from 'node:http';
import { z } from 'zod';
import { helperArgument, serveHelper, tell } from './child.ts';

const { bytes } = z.object({ bytes: z.number() }).parse(helperArgument());
const body = Buffer.alloc(bytes, 0x5a);

const server = createServer((_req, res) => {
  res.writeHead(200, { 'content-type': 'image/webp', 'content-length': body.length, etag: '"bench"', 'cache-control': 'public, max-age=31536000, immutable' });
  res.end(body);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  tell({ port: typeof address === 'object' ? address?.port : 0 });
});
serveHelper(() => ({}));
