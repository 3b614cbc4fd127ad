import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, request } from 'node:http';
import { type Socket, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type GatewayServer, type GatewayServerParts, createGatewayServer } from './server.ts';

const closers: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start(parts: Partial<GatewayServerParts> = {}): Promise<GatewayServer & { port: number }> {
  const gateway = createGatewayServer({
    hot: (req, res) => req.url === '/hot' && res.end('hot').writableEnded,
    app: (req, res) => void answer(req, res),
    upgrade: (_req, socket) => void socket.destroy(),
    ...parts,
    limits: { checkMs: 30, drainMs: 200, ...parts.limits },
  });
  const port = await gateway.listen(0, '127.0.0.1');
  closers.push(() => gateway.close());
  return Object.assign(gateway, { port });
}

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (req.url === '/hang') return;
  if (req.url === '/half') return void res.writeHead(200, { 'content-length': 10 }).write('half');
  if (req.url === '/late') await delay(150);
  const body = await text(req).catch(() => undefined);
  if (body !== undefined) res.end(`app ${body.length}`);
}

function open(port: number, bytes: string): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(bytes);
  closers.push(() => void socket.destroy());
  return socket;
}

async function all(socket: Socket): Promise<string> {
  let seen = '';
  socket.on('data', (chunk: Buffer) => {
    seen += chunk.toString('latin1');
  });
  const timer = setTimeout(() => socket.destroy(), 5_000);
  await new Promise((resolve) => socket.once('close', resolve));
  clearTimeout(timer);
  return seen;
}

describe('createGatewayServer()', () => {
  it('asks hot first and the app for the rest', async () => {
    const { port } = await start();
    expect(await all(open(port, 'GET /hot HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'))).toMatch(/hot$/);
    expect(await all(open(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'))).toMatch(/app 0$/);
  });

  it.each<[string, string]>([
    ['nothing', ''],
    ['half a line', 'GET / HT'],
    ['headers that do not end', 'GET / HTTP/1.1\r\nHost: a\r\n'],
  ])('closes a connection that sends %s', async (_name, bytes) => {
    const refused: number[] = [];
    const { port } = await start({ limits: { headersMs: 150 }, onRefused: (status) => void refused.push(status) });
    expect(await all(open(port, bytes))).toMatch(/^HTTP\/1\.1 408 [^]*"REQUEST_TIMEOUT"/);
    expect(refused).toEqual([408]);
  });

  it('answers 408 to an upload that stops', async () => {
    const { port } = await start({ limits: { uploadIdleMs: 200 } });
    expect(await all(open(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc'))).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('watches each body of a connection, also after others and after a request without one', async () => {
    const { port } = await start({ limits: { uploadIdleMs: 300 } });
    const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n';
    const socket = open(port, `${post}abc`);
    const end = all(socket);
    await delay(150);
    socket.write(`${post}abc`);
    await delay(150);
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    // Between requests nobody is late.
    await delay(500);
    socket.write(`${post}a`);
    expect((await end).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 408']);
  });

  it('lets an upload take its time as long as it goes on', async () => {
    const { port } = await start({ limits: { uploadIdleMs: 300 } });
    const socket = open(port, 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 6\r\n\r\n');
    const end = all(socket);
    for (const letter of 'abcdef') {
      await delay(120);
      socket.write(letter);
    }
    expect(await end).toMatch(/app 6$/);
  });

  it('holds a pause of its own against nobody', async () => {
    const app = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
      await delay(600);
      res.end(`app ${(await text(req)).length}`);
    };
    const { port } = await start({ app: (req, res) => void app(req, res), limits: { uploadIdleMs: 200 } });
    const req = request({ port, host: '127.0.0.1', method: 'POST', agent: false });
    req.end(Buffer.alloc(8 * 1024 * 1024, 'a'));
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    expect(await text(res)).toBe(`app ${8 * 1024 * 1024}`);
  });

  it('writes no refusal into an answer that is under way', async () => {
    const { port } = await start();
    const seen = await all(open(port, 'GET /half HTTP/1.1\r\nHost: a\r\n\r\nrubbish\r\n\r\n'));
    expect(seen.match(/HTTP\/1\.1/g) ?? []).toHaveLength(seen === '' ? 0 : 1);
    expect(seen).not.toContain('BAD_REQUEST');
  });

  it('closes a connection that is silent in both directions', async () => {
    const { port } = await start({ limits: { socketIdleMs: 150 } });
    expect(await all(open(port, 'GET /hang HTTP/1.1\r\nHost: a\r\n\r\n'))).toBe('');
  });

  it('takes no more connections than it may', async () => {
    const { port } = await start({ limits: { connectionsMax: 1 } });
    const first = open(port, 'GET /hang HTTP/1.1\r\nHost: a\r\n\r\n');
    await delay(50);
    expect(await all(open(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'))).toBe('');
    first.destroy();
    await delay(50);
    expect(await all(open(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'))).toMatch(/app 0$/);
  });
});

describe('leave()', () => {
  it.each(['/hot', '/'])('answers %s, and ends the connection with the answer', async (target) => {
    const gateway = await start();
    const socket = open(gateway.port, `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(String(await once(socket, 'data'))).toMatch(/connection: keep-alive/i);
    gateway.leave();
    socket.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(await all(socket)).toMatch(/^HTTP\/1\.1 200 [^]*connection: close/i);
    expect(await all(open(gateway.port, `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`))).toMatch(/^HTTP\/1\.1 200 [^]*connection: close/i);
  });
});

describe('close()', () => {
  it('closes idle connections, lets running answers end, and takes no new ones', async () => {
    const gateway = await start();
    const idle = open(gateway.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(idle, 'data');
    const late = all(open(gateway.port, 'GET /late HTTP/1.1\r\nHost: a\r\n\r\n'));
    await delay(50);
    const closed = gateway.close();
    await once(idle, 'close');
    expect(await all(open(gateway.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'))).toBe('');
    expect(await late).toMatch(/app 0$/);
    await closed;
    expect(gateway.connections).toBe(0);
  });

  it('resets what is not done in time', async () => {
    const gateway = await start();
    const half = all(open(gateway.port, 'GET /half HTTP/1.1\r\nHost: a\r\n\r\n'));
    await delay(50);
    await gateway.close();
    expect(await half).toMatch(/half$/);
    expect(gateway.connections).toBe(0);
  });
});
