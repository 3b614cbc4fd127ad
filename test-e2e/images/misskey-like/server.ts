// What `node ./built/boot/entry.js` is: the web half, the queue half or both, as the environment says. Neither starts on a
// database that no migration has prepared.

import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { type MisskeyConfig, readConfig } from './config.ts';
import { type StoreQuestion, askStore } from './store.ts';

const QUEUE_POLL_MS = 1_000;
const STUB_PORT = 3_100;

// In the image the stub lies beside this file.
const { startMisskeyStub } = await import(join(import.meta.dirname, 'stub/stub.ts')) as typeof import('@sekisho/testkit');

async function isHealthy({ db, redis }: MisskeyConfig, from: StoreQuestion['from']): Promise<boolean> {
  const [database, cache] = await Promise.all([
    askStore(db, { user: db.user, pass: db.pass, db: db.db, from, what: 'ping' }),
    askStore(redis, { pass: redis.pass, from, what: 'ping' }),
  ]);
  return database.isKnown && database.isMigrated && cache.isKnown;
}

/** /healthz asks database and Redis; all else is the stub's. */
async function startWeb(config: MisskeyConfig): Promise<void> {
  const file = { body: Buffer.from('from the drive'), type: 'text/plain' };
  await startMisskeyStub({ publicUrl: config.url.replace(/\/$/, ''), mediaProxy: config.mediaProxy, files: { hello: file }, port: STUB_PORT });
  createServer((asked, answer) => {
    if (asked.url === '/healthz') {
      isHealthy(config, 'web').then((isGood) => answer.writeHead(isGood ? 200 : 503).end(), () => answer.writeHead(503).end());
      return;
    }
    const { method, url: path, headers } = asked;
    const passed = request({ port: STUB_PORT, host: '127.0.0.1', method, path, headers }, (from) => {
      answer.writeHead(from.statusCode ?? 502, from.rawHeaders);
      from.pipe(answer);
    });
    asked.pipe(passed.on('error', () => answer.destroy()));
  }).listen(config.port, '::');
}

function startQueue(config: MisskeyConfig): void {
  setInterval(() => {
    isHealthy(config, 'queue').then((isGood) => isGood || process.stdout.write('the database or Redis refuses\n'), (error: unknown) => process.stdout.write(`${String(error)}\n`));
  }, QUEUE_POLL_MS);
}

const config = readConfig();
const { MK_ONLY_SERVER, MK_ONLY_QUEUE } = process.env;
const from = MK_ONLY_QUEUE === undefined ? 'web' : 'queue';
if (!(await isHealthy(config, from))) {
  process.stdout.write(`${from}: wrong password, or a database without its tables\n`);
  process.exit(1);
}
if (MK_ONLY_SERVER === undefined) startQueue(config);
if (MK_ONLY_QUEUE === undefined) await startWeb(config);
process.stdout.write(`${from} has started\n`);
process.once('SIGTERM', () => process.exit());
