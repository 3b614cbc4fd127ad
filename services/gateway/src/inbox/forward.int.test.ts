import { once } from 'node:events';
import { type IncomingMessage, type RequestListener, createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';
import { until } from '@sekisho/testkit/until';
import { type Forward, createForward } from './forward.ts';

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function setUp(listener: RequestListener, timeMs = 5_000): Promise<Forward> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const forward = createForward({ origin: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`, timeMs });
  closers.push(() => server.closeAllConnections(), () => void server.close(), () => forward.close());
  return forward;
}
const request = { target: '/users/a/inbox?x=%2f', headers: ['Host', 'self.example', 'dIgest', 'd', 'Date', 'now', 'X-Twice', '1', 'x-twice', '2'], body: Buffer.from('{}'), requestId: 'request-1' };
const AWAY = { kind: 'fault', code: 'SEKISHO_MISSKEY_AWAY' };

describe('createForward()', () => {
  it('sends target, headers and bytes as they are, and hands on what comes back', async () => {
    const seen: { req: IncomingMessage; body: Buffer }[] = [];
    const forward = await setUp((req, res) => void buffer(req).then((body) => {
      seen.push({ req, body });
      res.writeHead(401, ['X-Mixed', 'a', 'Connection', 'X-Hop', 'X-Hop', '1', 'Content-Length', '2']).end('no');
    }));
    const answer = await forward.deliver(request);
    expect(answer).toMatchObject({ kind: 'answer', status: 401, body: Buffer.from('no') });
    expect(answer.kind === 'answer' ? answer.headers : []).toEqual(expect.arrayContaining(['X-Mixed', 'a', 'Content-Length', '2', 'X-Request-Id', 'request-1']));
    expect(answer.kind === 'answer' ? answer.headers : []).not.toContain('X-Hop');
    expect([seen[0]?.req.method, seen[0]?.req.url, seen[0]?.body.toString()]).toEqual(['POST', request.target, '{}']);
    const raw = seen[0]?.req.rawHeaders ?? [];
    expect(raw.slice(raw.indexOf('dIgest'), raw.indexOf('dIgest') + 8)).toEqual(request.headers.slice(2));
  });

  it.each<[string, RequestListener]>([
    ['never answers', () => undefined],
    ['says only that it goes on', (_req, res) => void setInterval(() => res.writeProcessing(), 30).unref()],
  ])('gives up on a server that %s', async (_name, listener) => {
    const forward = await setUp(listener, 200);
    const began = performance.now();
    expect(await forward.deliver(request)).toEqual(AWAY);
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it.each<[string, RequestListener]>([
    ['resets', (req) => req.socket.resetAndDestroy()],
    ['answers with something else', (req) => req.socket.end('SSH-2.0-x\r\n')],
  ])('calls a server that %s away', async (_name, listener) => {
    expect(await (await setUp(listener)).deliver(request)).toEqual(AWAY);
  });

  it('calls a port away that nobody listens on', async () => {
    const forward = createForward({ origin: 'http://127.0.0.1:9' });
    closers.push(() => forward.close());
    expect(await forward.deliver(request)).toEqual(AWAY);
  });

  it.each<[string, RequestListener]>([
    ['is longer than anybody reads', (_req, res) => void res.writeHead(202, { 'Content-Length': 200_000, 'Content-Type': 'text/plain', 'X-Kept': '1' }).end(Buffer.alloc(200_000))],
    ['never ends', (_req, res) => void res.writeHead(202, { 'Content-Length': 100, 'Content-Type': 'text/plain', 'X-Kept': '1' }).write('x')],
    ['breaks off', (_req, res) => void res.writeHead(202, { 'Content-Length': 100, 'Content-Type': 'text/plain', 'X-Kept': '1' }).write('x', () => setTimeout(() => res.destroy(), 50))],
  ])('keeps the status of an answer whose body %s', async (_name, listener) => {
    const answer = await (await setUp(listener, 400)).deliver(request);
    expect(answer).toMatchObject({ kind: 'answer', status: 202, body: Buffer.alloc(0) });
    expect(answer.kind === 'answer' ? answer.headers : []).toContain('X-Kept');
    expect(answer.kind === 'answer' ? answer.headers.map((part) => part.toLowerCase()) : []).not.toContain('content-length');
  });

  it('holds its deadline over the wait for a connection too', async () => {
    let running = 0;
    const forward = await setUp(() => void (running += 1), 400);
    const began = performance.now();
    const answers = await Promise.all(Array.from({ length: 200 }, async () => await forward.deliver(request)));
    expect(answers.every(({ kind }) => kind === 'fault')).toBe(true);
    expect(performance.now() - began).toBeLessThan(3_000);
    await until(() => running >= 128);
  });
});
