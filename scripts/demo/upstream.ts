// The demo's other side of the border: a page that stands for Misskey, a stranger's picture server, and a DNS server that
// knows the strangers' names (and asks the system's resolvers for real ones). Prints its ports as one JSON line.

import { readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { type IncomingMessage, type RequestListener, type ServerResponse, createServer } from 'node:http';
import { join } from 'node:path';
import { startDnsServer } from '@sekisho/testkit';
import { createInterface } from 'node:readline';
import { readBudget, watchBudgets } from './budget.ts';
import { DEMO_ATTACKS, DEMO_PICTURES, type DemoAttack, demoFile } from './plan.ts';

const ASSETS = join(import.meta.dirname, 'assets');
const TYPES: Readonly<Record<string, string>> = { html: 'text/html; charset=utf-8', css: 'text/css', js: 'text/javascript', webm: 'video/webm' };
/** Longer than any answer of the gateway takes. */
const FIRE_MS = 60_000;
const PICTURE_HOST = 'pictures.origin.example';
const publicUrl = process.env['SEKISHO_PUBLIC_URL'] ?? 'http://localhost:8080';

const guarded = (handle: (req: IncomingMessage, res: ServerResponse) => Promise<void>): RequestListener => (req, res) => {
  handle(req, res).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    res.writeHead(500).end();
  });
};

async function listen(handle: (req: IncomingMessage, res: ServerResponse) => Promise<void>): Promise<number> {
  const server = createServer(guarded(handle)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** One range at most; enough for a browser that seeks. */
function sendRanged(req: IncomingMessage, res: ServerResponse, file: { readonly bytes: Buffer; readonly type: string }): void {
  const { bytes, type } = file;
  const range = /^bytes=(\d+)-(\d*)$/.exec(req.headers.range ?? '');
  const head = { 'content-type': type, 'accept-ranges': 'bytes', etag: `"${bytes.length}"` };
  if (range === null) {
    res.writeHead(200, { ...head, 'content-length': bytes.length }).end(bytes);
    return;
  }
  const start = Number(range[1]);
  const end = Math.min(range[2] === '' ? bytes.length - 1 : Number(range[2]), bytes.length - 1);
  if (start > end) {
    res.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    return;
  }
  const part = bytes.subarray(start, end + 1);
  res.writeHead(206, { ...head, 'content-length': part.length, 'content-range': `bytes ${start}-${end}/${bytes.length}` }).end(part);
}

async function strangers(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const path = (req.url ?? '/').split('?', 1)[0] ?? '/';
  if (path === '/redirect-inside') {
    res.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end();
    return;
  }
  if (path === '/clip.webm') {
    sendRanged(req, res, { bytes: await readFile(join(ASSETS, 'clip.webm')), type: 'video/webm' });
    return;
  }
  const bytes = await demoFile(path);
  if (bytes === undefined) res.writeHead(404).end();
  else res.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes.length }).end(bytes);
}

const originPort = await listen(strangers);
const origin = `${PICTURE_HOST}:${originPort}`;

const aimed = (attack: DemoAttack): DemoAttack =>
  ({ ...attack, url: attack.url.replaceAll('{o}', origin).replaceAll('{port}', String(originPort)).replaceAll('{self}', publicUrl) });

/** Sends an attack as a flood does, all at once, and tells what each request met. */
async function fire(id: string | undefined): Promise<readonly { status: number; code: string }[]> {
  const attack = DEMO_ATTACKS.find((each) => each.outside === true && each.id === id);
  if (attack === undefined) return [];
  const { url, flags, times } = aimed(attack);
  return await Promise.all(Array.from({ length: times }, async (_, at) => {
    const target = `${publicUrl}/proxy/image.webp?url=${encodeURIComponent(url.replace('{n}', String(at)))}${flags}`;
    const answer = await fetch(target, { signal: AbortSignal.timeout(FIRE_MS) });
    await answer.arrayBuffer();
    return { status: answer.status, code: answer.headers.get('sekisho-code') ?? 'passed' };
  }));
}

async function demoPlan(): Promise<unknown> {
  const pictures = DEMO_PICTURES.map(async ({ title, name, flags }) => {
    const bytes = (await demoFile(`/picture/${name}`))?.length ?? 0;
    return { title, flags, bytes, url: `http://${origin}/picture/${name}` };
  });
  const attacks = DEMO_ATTACKS.map(aimed);
  return { pictures: await Promise.all(pictures), attacks, video: { url: `http://${origin}/clip.webm` } };
}

async function page(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const path = (req.url ?? '/').split('?', 1)[0] ?? '/';
  const json = (value: unknown): void => {
    res.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(value));
  };
  if (path === '/demo/plan') return json(await demoPlan());
  if (path === '/demo/fire') return json(await fire(req.url?.split('?')[1]));
  if (path === '/demo/budget') return json(await readBudget(req.headers['x-forwarded-for']));
  const name = path === '/' ? 'index.html' : /^\/demo\/([a-z]+\.(?:css|js))$/.exec(path)?.[1];
  if (name === undefined) {
    res.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
    return;
  }
  const type = TYPES[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
  res.writeHead(200, { 'content-type': type, 'cache-control': 'no-cache' }).end(await readFile(join(ASSETS, name)));
}

const upstreamPort = await listen(page);
const dns = await startDnsServer({
  [PICTURE_HOST]: { a: ['127.0.0.1'] },
  'inside.peer.example': { a: ['10.0.0.1'] },
  // The first answer counts as public here, the second is private: each fetch vets what it dials.
  'rebind.peer.example': { alternate: [{ a: ['127.0.0.1'] }, { a: ['10.0.0.1'] }] },
});
process.stdout.write(`${JSON.stringify({ originPort, upstreamPort, dns: dns.address })}\n`);
// The stack starts after us and tells where its Redis is.
createInterface({ input: process.stdin }).once('line', (url) => url !== '' && watchBudgets(url));
