import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type MisskeyStub, startMisskeyStub } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { type GatewayServer, type ServerLimits, createGatewayServer } from '../server/server.ts';
import type { PassEnd } from './exchange.ts';
import { type Passthrough, type PassthroughLimits, createPassthrough } from './passthrough.ts';

const client = { address: '203.0.113.9', key: '203.0.113.9', net: '203.0.113.0/24' };
const closers: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Setup {
  readonly stub: MisskeyStub;
  readonly gateway: GatewayServer;
  readonly passthrough: Passthrough;
  readonly port: number;
  readonly ends: PassEnd[];
}

async function setup(limits: Partial<PassthroughLimits> = {}, serverLimits: Partial<ServerLimits> = {}): Promise<Setup> {
  const stub = await startMisskeyStub();
  const ends: PassEnd[] = [];
  const passthrough = createPassthrough({ url: stub.url, publicUrl: 'https://misskey.example', limits: { sweepMs: 50, ...limits } });
  const context = { client, requestId: 'request-1', onEnd: (end: PassEnd) => void ends.push(end) };
  const gateway = createGatewayServer({
    hot: () => false,
    app: (req, res) => passthrough.handle(req, res, context),
    upgrade: (req, socket, head) => passthrough.upgrade(req, socket, head, context),
    closeTunnels: (spreadMs) => passthrough.closeTunnels(spreadMs),
    limits: { checkMs: 50, drainMs: 3_000, tunnelSpreadMs: 100, ...serverLimits },
  });
  const port = await gateway.listen(0, '127.0.0.1');
  closers.push(() => stub.close(), () => passthrough.close(), () => gateway.close());
  return { stub, gateway, passthrough, port, ends };
}

const HANDSHAKE = {
  line: 'GET /streaming?i=token HTTP/1.1',
  Host: 'misskey.example',
  Upgrade: 'websocket',
  Connection: 'keep-alive, Upgrade',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version': '13',
  'X-Forwarded-For': '10.0.0.1',
};

function handshake(over: Record<string, string | undefined> = {}): string {
  const { line, ...headers } = { ...HANDSHAKE, ...over };
  const lines = Object.entries(headers).filter(([, value]) => value !== undefined).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${line}\r\n${lines.join('')}\r\n`;
}

function open(port: number, bytes = handshake()): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(bytes, 'latin1');
  closers.push(() => void socket.destroy());
  return socket;
}

/** All bytes until the close. */
async function all(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const timer = setTimeout(() => socket.destroy(), 5_000);
  await once(socket, 'close');
  clearTimeout(timer);
  return Buffer.concat(chunks).toString('latin1');
}

describe('upgrade()', () => {
  it('tunnels a WebSocket both ways, as a real client sees it', async () => {
    const { port, stub, passthrough, ends } = await setup();
    const socket = new WebSocket(`ws://127.0.0.1:${port}/streaming?i=token&_t=1`);
    const next = (): Promise<unknown> => new Promise((resolve) => socket.addEventListener('message', ({ data }) => resolve(data), { once: true }));
    await new Promise((resolve) => socket.addEventListener('open', resolve));
    const short = next();
    socket.send('hello');
    expect(await short).toBe('hello');
    const long = next();
    socket.send('x'.repeat(60_000));
    expect(await long).toBe('x'.repeat(60_000));
    expect(passthrough.tunnels).toBe(1);
    const closed = new Promise((resolve) => socket.addEventListener('close', resolve));
    socket.close(1000);
    await closed;
    await until(() => passthrough.tunnels === 0 && stub.webSockets === 0);
    expect(ends).toEqual([{ status: 101, bytes: 0, code: undefined, aborted: false }]);
  });

  it('passes the handshake on and says who the client is', async () => {
    const { port, stub } = await setup();
    const socket = open(port, handshake({ Cookie: 'a=1', 'Sec-WebSocket-Protocol': 'x, y' }));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(answer.toString()).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n');
    const { rawHeaders, url } = stub.requests[0]!;
    expect(url).toBe('/streaming?i=token');
    expect(rawHeaders).toEqual([
      'Host', 'misskey.example', 'Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version', '13', 'Cookie', 'a=1', 'Sec-WebSocket-Protocol', 'x, y',
      'X-Forwarded-For', '203.0.113.9', 'X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'misskey.example', 'X-Request-Id', 'request-1',
      'Connection', 'Upgrade', 'Upgrade', 'websocket',
    ]);
  });

  it('passes bytes that come right behind the handshake', async () => {
    const { port } = await setup();
    const frame = Buffer.concat([Buffer.from([0x81, 0x82, 0, 0, 0, 0]), Buffer.from('hi')]);
    const socket = open(port, handshake() + frame.toString('latin1'));
    let seen = '';
    socket.on('data', (chunk: Buffer) => {
      seen += chunk.toString('latin1');
    });
    await until(() => seen.endsWith('\r\n\r\n\x81\x02hi'));
  });

  it.each<[string, Record<string, string | undefined>, number]>([
    ['another path', { line: 'GET /api/meta HTTP/1.1' }, 400],
    ['a longer path', { line: 'GET /streaming/x HTTP/1.1' }, 400],
    ['an escaped path', { line: 'GET /%73treaming HTTP/1.1' }, 400],
    ['a path with dots', { line: 'GET /x/../streaming HTTP/1.1' }, 400],
    ['another case', { line: 'GET /Streaming HTTP/1.1' }, 400],
    ['the inbox', { line: 'POST /inbox HTTP/1.1' }, 400],
    ['POST', { line: 'POST /streaming HTTP/1.1' }, 400],
    ['h2c', { Upgrade: 'h2c' }, 426],
    ['two protocols', { Upgrade: 'websocket, h2c' }, 426],
    ['version 8', { 'Sec-WebSocket-Version': '8' }, 426],
    ['no version', { 'Sec-WebSocket-Version': undefined }, 426],
    ['no key', { 'Sec-WebSocket-Key': undefined }, 400],
    ['a short key', { 'Sec-WebSocket-Key': 'YWJj' }, 400],
    ['a body', { 'Content-Length': '3' }, 400],
    ['a chunked body', { 'Transfer-Encoding': 'chunked' }, 400],
    ['an odd Host', { Host: 'a/b' }, 400],
  ])('refuses %s', async (_name, over, status) => {
    const { port, stub } = await setup();
    expect(await all(open(port, handshake(over)))).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(stub.requests).toEqual([]);
  });

  it('answers a plain GET as Misskey does', async () => {
    const { port } = await setup();
    expect(await all(open(port, handshake({ Upgrade: undefined, Connection: 'close' })))).toMatch(/^HTTP\/1\.1 503 /);
  });

  it("passes Misskey's refusal on", async () => {
    const { port, passthrough } = await setup();
    const answer = await all(open(port, handshake({ line: 'GET /streaming?i=bad HTTP/1.1' })));
    expect(answer).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
    expect(answer).toMatch(/\r\n\r\nbad$/);
    expect(passthrough.tunnels).toBe(0);
  });

  it('answers 503 when Misskey is away or silent', async () => {
    const { port, stub, ends } = await setup();
    await stub.close();
    expect(await all(open(port))).toMatch(/^HTTP\/1\.1 503 .*\r\n(.*\r\n)*Retry-After: 5\r\n/);
    expect(ends).toMatchObject([{ code: 'SEKISHO_MISSKEY_AWAY' }]);
  });

  it('bounds the tunnels of one client and of all', async () => {
    const { port, passthrough } = await setup({ tunnelsPerClientMax: 1 });
    const first = open(port);
    await until(() => passthrough.tunnels === 1);
    expect(await all(open(port))).toMatch(/^HTTP\/1\.1 429 /);
    first.destroy();
    await until(() => passthrough.tunnels === 0);
    const small = await setup({ tunnelsMax: 1 });
    open(small.port);
    await until(() => small.passthrough.tunnels === 1);
    expect(await all(open(small.port))).toMatch(/^HTTP\/1\.1 503 /);
  });

  it('reads no more from Misskey than the client takes', async () => {
    const { port, stub, passthrough } = await setup();
    const socket = open(port, handshake({ line: 'GET /streaming?flood=1 HTTP/1.1' }));
    socket.pause();
    await until(() => stub.webSockets === 1);
    await delay(300);
    const before = process.memoryUsage().rss;
    await delay(400);
    expect(process.memoryUsage().rss - before).toBeLessThan(20 * 1024 * 1024);
    socket.destroy();
    await until(() => passthrough.tunnels === 0 && stub.webSockets === 0);
  });

  it('ends the client when Misskey dies', async () => {
    const { port, stub, passthrough } = await setup();
    const socket = open(port);
    await until(() => stub.webSockets === 1);
    const closed = all(socket);
    stub.cut();
    await closed;
    expect(passthrough.tunnels).toBe(0);
  });
});

describe('close()', () => {
  it('closes WebSockets with 1012, spread over time', async () => {
    const { port, gateway, passthrough } = await setup({}, { tunnelSpreadMs: 600 });
    const codes: number[] = [];
    const times: number[] = [];
    const opened = Array.from({ length: 3 }, () => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/streaming`);
      socket.addEventListener('close', ({ code }) => {
        codes.push(code);
        times.push(performance.now());
      });
      return new Promise((resolve) => socket.addEventListener('open', resolve));
    });
    await Promise.all(opened);
    await until(() => passthrough.tunnels === 3);
    await gateway.close();
    await until(() => codes.length === 3);
    expect(codes).toEqual([1012, 1012, 1012]);
    expect(times[2]! - times[0]!).toBeGreaterThan(200);
  });

  it('says so between two frames only', async () => {
    const { port, gateway, stub } = await setup();
    const socket = open(port, handshake({ line: 'GET /streaming?flood=1 HTTP/1.1' }));
    await until(() => stub.webSockets === 1);
    await delay(100);
    const bytes = all(socket);
    await Promise.all([gateway.close(), bytes]);
    const answer = Buffer.from(await bytes, 'latin1');
    const frames = answer.subarray(answer.indexOf('\r\n\r\n') + 4);
    expect((frames.length - 4) % (4 + 60_000)).toBe(0);
    expect(frames.subarray(-4)).toEqual(Buffer.from([0x88, 2, 3, 0xf4]));
  });
});
