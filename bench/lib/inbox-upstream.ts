// A Misskey that costs next to nothing: reads a delivery and takes it.

import { createServer } from 'node:http';
import { helperArgument, serveHelper, tell } from './child.ts';

helperArgument();
const server = createServer({ keepAliveTimeout: 72_000 }, (req, res) => {
  req.on('end', () => void res.writeHead(202, { 'content-length': 0 }).end()).resume();
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  tell({ port: typeof address === 'object' ? address?.port : 0 });
});
serveHelper(() => ({}));
