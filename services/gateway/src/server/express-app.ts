// Everything that is not cached media goes through express: routes of our own are added here, the rest is Misskey's.

import type { IncomingMessage, ServerResponse } from 'node:http';
import express from 'express';

/** @param pass hands a request to Misskey, unchanged. */
export function createExpressApp(pass: (req: IncomingMessage, res: ServerResponse) => void): (req: IncomingMessage, res: ServerResponse) => void {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((req, res) => {
    // Express rewrites `url` below mounted routers; what goes to Misskey is the target as it came.
    req.url = req.originalUrl;
    pass(req, res);
  });
  return app;
}
