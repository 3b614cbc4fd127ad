// Ends that are slow on purpose, in every phase: each ends at its deadline and at most half a second later, and leaves nothing.

import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@sekisho/testkit/until';
import { clientHello, handshake, HOST, record, records, RETRY_RANDOM, selected, serverHello } from './testing/handshakes.ts';
import { connectText, nextData, readToEnd, type Rig, startRig } from './testing/rig.ts';
import { type BlackHole, startBlackHole, startServer, type TestServer } from './testing/servers.ts';

const SLACK_MS = 3_000;
const LIMITS = { headersMs: 900, dnsMs: 700, connectMs: 800, helloMs: 1_000, idleMs: 1_100, lifeMs: 2_500 };
const HELLO = handshake(1, clientHello());
const CHOICE = record(22, handshake(2, serverHello({ extensions: [selected(0x0304)] })));
const RETRY = record(22, handshake(2, serverHello({ random: RETRY_RANDOM, extensions: [selected(0x0304)] })));

let rig: Rig;
let hole: BlackHole;
/** What it does with a connection, per test. */
let serve: (socket: Socket) => void = () => undefined;
let server: TestServer;
const timers = new Set<NodeJS.Timeout>();
beforeAll(async () => {
  hole = await startBlackHole();
  server = await startServer((socket) => serve(socket));
  rig = await startRig({ limits: LIMITS, allow: [server.address, `127.0.0.1:${hole.port}`], zone: { 'silent.peer.example': { silent: true }, 'late.peer.example': { a: ['10.0.0.1'], silent: 'aaaa', delayMs: 10_000 } } });
});
afterAll(async () => {
  for (const timer of timers) clearInterval(timer);
  hole.stop();
  await rig.stop();
  await server.stop();
});

/** One byte after the other, for ever. */
function drip(socket: Socket, bytes: Buffer, everyMs = 50): void {
  let at = 0;
  const timer = setInterval(() => {
    if (socket.destroyed) clearInterval(timer);
    else socket.write(Buffer.of(bytes[at % bytes.length] ?? 0));
    at += 1;
  }, everyMs);
  timers.add(timer);
}

/** How long the work takes, and that no tunnel and no connection is left soon after. */
async function expectEnd(deadlineMs: number, work: () => Promise<unknown>): Promise<void> {
  const startMs = performance.now();
  await work();
  const tookMs = performance.now() - startMs;
  expect(tookMs).toBeGreaterThanOrEqual(deadlineMs - 50);
  expect(tookMs).toBeLessThanOrEqual(deadlineMs + SLACK_MS);
  await until(() => rig.app.tunnels === 0, 1_000);
}

const to = (port: number): string => `${HOST}:${port}`;

describe('headers that', () => {
  it.each([['never come', ''], ['stop', 'CONNECT a.origin.example:443 HT'], ['stop before their end', 'CONNECT a.origin.example:443 HTTP/1.1\r\nHost: x\r\n']])('%s end with 408', async (_name, text) => {
    await expectEnd(LIMITS.headersMs, async () => {
      const { status, socket } = await rig.say(text);
      expect(status).toBe(408);
      socket.destroy();
    });
  });

  it('drip end with 408', async () => {
    await expectEnd(LIMITS.headersMs, async () => {
      const waiting = rig.say('CONNECT a.origin.example:443 HTTP/1.1\r\nx: ');
      await until(() => true);
      const { status, socket } = await waiting;
      drip(socket, Buffer.from('y'));
      expect(status).toBe(408);
      socket.destroy();
    });
  });
});

describe('a connection whose', () => {
  it.each([['resolver is silent', 'silent.peer.example:443'], ['resolver is late', 'late.peer.example:443']])('%s ends with 504', async (_name, authority) => {
    await expectEnd(LIMITS.dnsMs, async () => expect(await rig.sum(authority)).toBe('504 dns_timeout'));
  });

  it('peer is silent ends with 504', async () => {
    await expectEnd(LIMITS.connectMs, async () => expect(await rig.sum(to(hole.port))).toBe('504 connection_timeout'));
  });

  it.each(['end', 'destroy', 'resetAndDestroy'] as const)('client leaves by %s ends at once', async (leave) => {
    const socket = connect({ port: rig.app.port, host: '127.0.0.1' }).on('error', () => undefined);
    socket.write(connectText(to(hole.port)));
    await until(() => rig.app.tunnels === 1, LIMITS.connectMs / 2);
    const startMs = performance.now();
    socket[leave]();
    await until(() => rig.app.tunnels === 0);
    expect(performance.now() - startMs).toBeLessThan(LIMITS.connectMs / 4);
    expect(await rig.line({ port: hole.port, code: 'SEKISHO_EGRESS_CLIENT_GONE' })).toMatchObject({ verdict: 'fault' });
    socket.destroy();
  });
});

describe('a tunnel', () => {
  const opened = async (): Promise<Socket> => await rig.open(to(server.port));
  const passed = async (): Promise<Socket> => {
    serve = (socket) => void socket.once('data', () => socket.write(CHOICE));
    const socket = await opened();
    socket.write(record(22, HELLO));
    await nextData(socket, 1_000);
    return socket;
  };

  it.each<[string, (socket: Socket) => void]>([
    ['is silent', () => undefined], ['stops inside its hello', (socket) => void socket.write(record(22, HELLO).subarray(0, 100))], ['drips its hello', (socket) => drip(socket, records(HELLO, 1))],
  ])('whose client %s ends', async (_name, act) => {
    serve = () => undefined;
    const socket = await opened();
    await expectEnd(LIMITS.helloMs, async () => {
      act(socket);
      expect((await readToEnd(socket)).end).toBe('ECONNRESET');
    });
    expect((await rig.line({ code: 'SEKISHO_EGRESS_CLIENT_TIMEOUT' }))['status']).toBe(200);
  });

  it.each<[string, (socket: Socket) => void]>([
    ['is silent', () => undefined], ['stops inside its hello', (socket) => void socket.write(CHOICE.subarray(0, 30))], ['drips its hello', (socket) => drip(socket, CHOICE)],
    ['drips warnings', (socket) => drip(socket, record(21, Buffer.of(1, 112)))],
  ])('whose server %s ends', async (_name, act) => {
    serve = (socket) => void socket.once('data', () => act(socket));
    const socket = await opened();
    await expectEnd(LIMITS.helloMs, async () => {
      socket.write(record(22, HELLO));
      expect((await readToEnd(socket)).end).toBe('ECONNRESET');
    });
    expect((await rig.line({ code: 'SEKISHO_EGRESS_SERVER_TIMEOUT' }))['status']).toBe(200);
  });

  it('whose client is silent after a retry ends', async () => {
    serve = (socket) => void socket.once('data', () => socket.write(RETRY));
    const socket = await opened();
    await expectEnd(LIMITS.helloMs, async () => {
      socket.write(record(22, HELLO));
      await nextData(socket, 1_000);
      expect((await readToEnd(socket)).end).toBe('ECONNRESET');
    });
  });

  it('that is idle ends', async () => {
    const socket = await passed();
    await expectEnd(LIMITS.idleMs, async () => expect((await readToEnd(socket)).end).toBe('ECONNRESET'));
    expect((await rig.line({ code: 'SEKISHO_EGRESS_IDLE' }))['verdict']).toBe('allow');
  });

  it.each<[string, (socket: Socket) => void]>([['client', (socket) => drip(socket, Buffer.from('x'), 200)], ['server', () => drip(server.last as Socket, Buffer.from('x'), 200)]])('in which one %s drips ends with its life', async (_name, act) => {
    const startMs = performance.now();
    const socket = await passed();
    act(socket);
    expect((await readToEnd(socket)).end).toBe('ECONNRESET');
    const tookMs = performance.now() - startMs;
    expect([tookMs > LIMITS.lifeMs - 100, tookMs < LIMITS.lifeMs + SLACK_MS]).toEqual([true, true]);
    await rig.line({ code: 'SEKISHO_EGRESS_LIFE' });
  });

  it('whose reader does not read ends when nothing moves any more', async () => {
    const socket = await passed();
    const flood = Buffer.alloc(1024 * 1024);
    server.last?.on('drain', () => server.last?.write(flood));
    server.last?.write(flood);
    await until(() => rig.app.tunnels === 0, LIMITS.lifeMs + SLACK_MS);
    const line = await rig.line({ port: server.port, verdict: 'allow', code: 'SEKISHO_EGRESS_IDLE' });
    expect(line['bytes_down']).toBeLessThan(64 * 1024 * 1024);
    socket.destroy();
  });

  it('half of which is closed ends too', async () => {
    const socket = await passed();
    await expectEnd(LIMITS.idleMs, async () => {
      socket.end();
      expect((await readToEnd(socket)).end).toBe('ECONNRESET');
    });
  });
});
