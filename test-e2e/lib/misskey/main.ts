// Runs in a pod: the testkit's stub Misskey with the files of /data, and on another port what it has seen.

import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';

const TYPES: Readonly<Record<string, string>> = { '.png': 'image/png', '.webp': 'image/webp', '.webm': 'video/webm', '.txt': 'text/plain' };

// In the pod the stub's files lie beside this one.
const { startMisskeyStub } = await import(join(import.meta.dirname, 'stub.ts')) as typeof import('@sekisho/testkit');

const names = readdirSync('/data').filter((name) => !name.startsWith('.'));
const files = Object.fromEntries(names.map((name) => {
  const extension = extname(name);
  return [name.slice(0, name.length - extension.length), { body: readFileSync(join('/data', name)), type: TYPES[extension] ?? 'application/octet-stream' }];
}));
const idOf = (activity: unknown): unknown => (typeof activity === 'object' && activity !== null && 'id' in activity ? activity.id : undefined);
const publicUrl = process.env['PUBLIC_URL'] ?? 'https://instance.peer.example';
const stub = await startMisskeyStub({ publicUrl, files, port: 3_000, host: '::' });
stub.inboxDelayMs = Number(process.env['INBOX_DELAY_MS'] ?? 0);
createServer((_, response) => {
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ requests: stub.requests, activities: stub.jobs.map(({ activity }) => idOf(activity)) }));
}).listen(3_001, '::');
process.once('SIGTERM', () => process.exit());
