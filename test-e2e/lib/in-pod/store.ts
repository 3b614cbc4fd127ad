// Runs in a pod: the stand-in of Misskey's PostgreSQL and Redis. It knows one password for each, remembers who has asked in
// which order, and tells it on a port of its own. What it speaks is test-e2e/images/misskey-like/store.ts.

import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';

export interface StoreOrder {
  readonly database: { readonly port: number; readonly user: string; readonly pass: string };
  readonly redis: { readonly port: number; readonly pass: string };
  readonly seenPort: number;
}

export interface Asked {
  readonly store: 'database' | 'redis';
  readonly from: string;
  readonly what: string;
  readonly isKnown: boolean;
}

const LINE_BYTES_MAX = 64 * 1024;
const ASKED_MAX = 10_000;

if (import.meta.main) {
  const { database, redis, seenPort } = JSON.parse(process.argv[2] ?? '{}') as StoreOrder;
  const asked: Asked[] = [];
  let isMigrated = false;
  for (const [store, known] of [['database', database], ['redis', { user: undefined, ...redis }]] as const) {
    createServer({ allowHalfOpen: true }, (socket) => {
      let line = '';
      socket.on('error', () => undefined).setEncoding('utf8');
      socket.on('data', (chunk: string) => {
        line += chunk;
        if (line.length > LINE_BYTES_MAX) socket.destroy();
      });
      socket.once('end', () => {
        const { user, pass, from = '', what = '' } = JSON.parse(line === '' ? '{}' : line) as Record<string, string | undefined>;
        const isKnown = user === known.user && pass === known.pass;
        isMigrated ||= store === 'database' && isKnown && what === 'migrate';
        if (asked.length < ASKED_MAX) asked.push({ store, from, what, isKnown });
        socket.end(JSON.stringify({ isKnown, isMigrated }));
      });
    }).listen(known.port, '::');
  }
  createHttpServer((_, response) => response.end(JSON.stringify(asked))).listen(seenPort, '::', () => process.stdout.write('listening\n'));
}
