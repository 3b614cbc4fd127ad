// Misskey's routes as they look from outside: statuses, headers and quirks that a proxy in front of it meets. Routes
// under /stub are for tests alone.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { isInbox, receiveActivity } from './inbox.ts';
import { type StubRequest, type StubState, readBody } from './state.ts';

const CSP_FILES = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'";
const FOREVER = 'max-age=31536000, immutable';
const CHUNK = Buffer.alloc(64 * 1024, 'misskey ');

export interface Call {
  readonly state: StubState;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly url: URL;
  readonly record: StubRequest;
}

export async function route(call: Call): Promise<void> {
  const { req, url } = call;
  const [, first = ''] = url.pathname.split('/');
  if (first === 'stub') return await stubRoute(call);
  if (req.method === 'POST') return await post(call);
  if (first === 'files') return file(call);
  if (first === 'emoji') return emoji(call);
  if (first === 'avatar') return avatar(call);
  if (first === 'streaming') return void call.res.writeHead(503).end();
  if (first === 'api') return json(call, req.method === 'GET' ? 404 : 405, { error: { code: 'UNKNOWN_API_ENDPOINT' } });
  page(call);
}

async function post(call: Call): Promise<void> {
  const { state, req, record, url } = call;
  if (isInbox(record.url)) return await receiveActivity(call);
  const slowMs = Number(url.searchParams.get('slow') ?? 0);
  if (await readBody(req, record, { delayMs: slowMs }) === 'gone') return;
  if (url.pathname === '/api/meta') return json(call, 200, { uri: state.publicUrl, mediaProxy: state.mediaProxy, version: '2026.3.2' });
  if (url.pathname === '/api/drive/files/create') return json(call, 200, { id: 'file1', size: record.bodyBytes });
  json(call, 404, { error: { code: 'UNKNOWN_API_ENDPOINT' } });
}

function json({ res }: Call, status: number, value: unknown): void {
  const body = JSON.stringify(value);
  res.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Access-Control-Allow-Origin': '*',
    'Cache-Control': 'private, max-age=0, must-revalidate',
  });
  res.end(body);
}

function page({ res, req }: Call): void {
  const html = '<!DOCTYPE html><html><head><meta charset="utf-8"><title>Misskey</title>'
    + '<script>var VERSION = "2026.3.2"; var CLIENT_ENTRY = {};</script><script>"use strict";/* boot */</script></head>'
    + '<body><noscript><p>JavaScript を有効にしてください</p></noscript><div id="splash"></div></body></html>';
  const head = ['Content-Type', 'text/html; charset=utf-8', 'X-Frame-Options', 'DENY', 'Cache-Control', 'public, max-age=30', 'Content-Length', String(Buffer.byteLength(html))];
  res.writeHead(200, head).end(req.method === 'HEAD' ? undefined : html);
}

function file({ state, req, res, url }: Call): void {
  const key = url.pathname.slice('/files/'.length);
  if (url.search !== '') return void res.writeHead(301, { Location: url.pathname }).end();
  if (key.includes('/')) return void res.writeHead(301, { Location: `/files/${key.split('/')[0] ?? ''}` }).end();
  const target = state.redirects.get(key);
  if (target !== undefined) return void res.writeHead(301, { Location: target, 'Cache-Control': FOREVER }).end();
  const known = state.files.get(key);
  if (known === undefined) return void res.writeHead(404, { 'Cache-Control': 'max-age=86400' }).end();
  const head: Record<string, string | number> = {
    'Content-Type': known.type,
    'Content-Security-Policy': CSP_FILES,
    'Cache-Control': FOREVER,
    'Content-Disposition': `inline; filename="${known.name ?? key}"`,
    'Accept-Ranges': 'bytes',
    ETag: `"${key}-${known.body.length}"`,
  };
  const range = /^bytes=(\d+)-(\d*)$/.exec(req.headers.range ?? '');
  if (range === null) return void res.writeHead(200, { ...head, 'Content-Length': known.body.length }).end(known.body);
  const start = Number(range[1]);
  const end = Math.min(range[2] === '' ? Number.MAX_SAFE_INTEGER : Number(range[2]), known.body.length - 1);
  if (start > end) return void res.writeHead(416, { 'Content-Range': `bytes */${known.body.length}` }).end();
  const part = known.body.subarray(start, end + 1);
  res.writeHead(206, { ...head, 'Content-Length': part.length, 'Content-Range': `bytes ${start}-${end}/${known.body.length}` }).end(part);
}

function emoji({ state, res, url }: Call): void {
  const name = url.pathname.slice('/emoji/'.length).replace(/\.webp$/, '');
  const target = encodeURIComponent(`${state.publicUrl}/files/emoji-${name}`);
  const isBadge = url.searchParams.has('badge');
  const flags = isBadge ? '&badge=1' : `&emoji=1${url.searchParams.has('static') ? '&static=1' : ''}`;
  const location = `${state.mediaProxy}/${isBadge ? 'emoji.png' : 'emoji.webp'}?url=${target}${flags}`;
  res.writeHead(301, { Location: location, 'Cache-Control': 'public, max-age=86400' }).end();
}

function avatar({ state, res, url }: Call): void {
  const name = url.pathname.slice('/avatar/@'.length);
  const target = encodeURIComponent(`${state.publicUrl}/files/avatar-${name}`);
  res.writeHead(302, { Location: `${state.mediaProxy}/avatar.webp?url=${target}&avatar=1`, 'Cache-Control': 'public, max-age=86400' }).end();
}

async function stubRoute(call: Call): Promise<void> {
  const { req, res, url, record } = call;
  const name = url.pathname.slice('/stub/'.length);
  switch (name) {
    case 'echo':
      if (await readBody(req, record) !== 'gone') json(call, 200, { method: req.method, url: req.url, rawHeaders: req.rawHeaders, bytes: record.bodyBytes, hash: record.bodyHash });
      return;
    case 'early': // answers before it has read the body
      return void res.writeHead(413, { 'Content-Length': 5 }).end('large');
    case 'gzip': {
      const body = gzipSync('squeezed '.repeat(1_000));
      return void res.writeHead(200, ['Content-Type', 'text/plain', 'Content-Encoding', 'gzip', 'Vary', 'Accept-Encoding', 'Content-Length', String(body.length)]).end(body);
    }
    case 'headers':
      return void res.writeHead(200, ['Set-Cookie', 'a=1; Path=/', 'SET-COOKIE', 'b=2', 'X-Mixed-Case', 'sch\u00F6n', 'x-twice', '1', 'X-Twice', '2',
        'Connection', 'X-Private, close', 'X-Private', 'hop', 'Proxy-Authenticate', 'Basic', 'X-Request-Id', 'upstream-own', 'Content-Length', '2']).end(Buffer.from('ok')); // a string would turn the head into UTF-8
    case 'status':
      return void res.writeHead(Number(url.searchParams.get('code')), ['ETag', '"s"']).end();
    case 'hints':
      await new Promise<void>((resolve) => res.writeEarlyHints({ link: '</a.css>; rel=preload' }, resolve));
      return void res.end('hinted');
    case 'hang':
      return;
    case 'big':
      return await big(call);
    case 'die':
      return await die(call);
    default:
      return void res.writeHead(404).end();
  }
}

async function big({ state, res, url, record }: Call): Promise<void> {
  const total = Number(url.searchParams.get('bytes'));
  const head = url.searchParams.has('chunked') ? {} : { 'Content-Length': total };
  res.writeHead(200, { 'Content-Type': 'application/octet-stream', ...head });
  for (let left = total; left > 0 && !res.destroyed; left -= CHUNK.length) {
    const chunk = CHUNK.subarray(0, Math.min(left, CHUNK.length));
    state.bytesSent += chunk.length;
    if (!res.write(chunk)) await drained(res);
  }
  if (res.destroyed) record.aborted = true;
  res.end();
}

function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      res.off('drain', done).off('close', done);
      resolve();
    };
    res.on('drain', done).on('close', done);
  });
}

/** Breaks off in the middle of a body framed as asked: `length`, `chunked`, or `closing` (chunked with Connection: close). */
async function die({ res, url }: Call): Promise<void> {
  const mode = url.searchParams.get('mode');
  if (mode === 'length') res.writeHead(200, { 'Content-Length': 1_000 });
  if (mode === 'closing') res.writeHead(200, { Connection: 'close', 'Transfer-Encoding': 'chunked' });
  if (mode !== 'before') res.write('half of it');
  await delay(50);
  if (url.searchParams.has('fin')) res.socket?.end();
  else res.socket?.resetAndDestroy();
}
