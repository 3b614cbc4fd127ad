// The least a reverse proxy on Node can do: node:http in front of undici's dispatch, no rules, no metrics.

import { createServer } from 'node:http';
import { Pool } from 'undici';
import { z } from 'zod';
import { helperArgument, serveHelper, tell } from './child.ts';

const { origin } = z.object({ origin: z.number() }).parse(helperArgument());
const pool = new Pool(`http://127.0.0.1:${origin}`, { connections: 64 });

const server = createServer((req, res) => {
  pool.dispatch(
    { path: req.url ?? '/', method: 'GET' },
    {
      // A client that leaves would otherwise hold its connection to the origin for ever.
      onRequestStart: (controller) => {
        res.once('close', () => {
          if (!res.writableFinished) controller.abort(new Error('client left'));
        });
      },
      onResponseStart: (_controller, status, headers) => {
        res.writeHead(status, { 'content-type': 'application/json', 'content-length': String(headers['content-length']) });
      },
      onResponseData: (controller, chunk) => {
        if (res.write(chunk)) return;
        controller.pause();
        res.once('drain', () => controller.resume());
      },
      onResponseEnd: () => void res.end(),
      onResponseError: () => void res.destroy(),
    },
  );
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  tell({ port: typeof address === 'object' ? address?.port : 0 });
});
serveHelper(() => ({}));
