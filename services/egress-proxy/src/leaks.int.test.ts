// Thousands of short tunnels that end in every way a tunnel can end: afterwards no socket, timer or memory is left.
// SEKISHO_TEST_TUNNELS=10000 runs more of them.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startDnsServer, type TestDns } from '@sekisho/testkit';
import { clientHello, handshake, HOST, record, RETRY_RANDOM, selected, serverHello } from './testing/handshakes.ts';
import { connectText } from './testing/rig.ts';
import { startServer, type TestServer } from './testing/servers.ts';

const TUNNELS = Number(process.env['SEKISHO_TEST_TUNNELS'] ?? 2_000);
const PARALLEL = 32;
/** Longer than a machine pauses, or a tunnel that is to stay is gone before it stands. */
const HELLO_MS = 1_500;
/** One of so many waits for that deadline of the proxy; the others leave before it. */
const PATIENT_EVERY = 50;
const TRIES_MAX = 10;
const MiB = 1024 * 1024;
/** The heap is exact after a collection; 1 KiB a tunnel would show. */
const HEAP_BYTES_MAX = 2 * 1024 * 1024;
/** The allocator keeps the 64 KiB buffers of sockets and needs thousands of tunnels to find its level; leaked ones would be 128 MiB of 2,000. */
const RSS_BYTES_MAX = 64 * 1024 * 1024;
const HELLO = record(22, handshake(1, clientHello()));
const CHOICE = record(22, handshake(2, serverHello({ extensions: [selected(0x0304)] })));
const RETRY = record(22, handshake(2, serverHello({ random: RETRY_RANDOM, extensions: [selected(0x0304)] })));

interface Figures {
  readonly port?: number;
  readonly rss: number;
  readonly heap: number;
  readonly tunnels: number;
  readonly sockets: number;
  readonly timers: number;
}

let dns: TestDns;
let server: TestServer;
let child: ChildProcess;
let output: Interface;
let port: number;
let turn = 0;
/** Instead, once. */
let nextServe: ((socket: Socket) => void) | undefined;

/** How the server treats its n-th connection. */
const SERVERS: readonly ((socket: Socket) => void)[] = [
  (socket) => void socket.once('data', () => socket.end(Buffer.concat([CHOICE, Buffer.alloc(100_000)]))),
  (socket) => void socket.once('data', () => socket.write(CHOICE)).on('end', () => socket.end('bye')),
  (socket) => void socket.once('data', () => socket.resetAndDestroy()),
  (socket) => void socket.once('data', () => socket.write(CHOICE, () => socket.resetAndDestroy())),
  (socket) => void socket.once('data', () => socket.end(record(21, Buffer.of(2, 40)))),
  (socket) => void socket.once('data', () => socket.write('220 mail\r\n')),
  (socket) => void socket.once('data', () => socket.write(RETRY)),
  (socket) => void socket.end(),
];
/** What the n-th client does once its tunnel stands. */
const CLIENTS: readonly ((socket: Socket) => void)[] = [
  (socket) => void socket.end(HELLO), (socket) => void socket.write(HELLO), (socket) => void socket.write(HELLO, () => socket.resetAndDestroy()), (socket) => socket.destroy(),
  (socket) => void socket.write('GET / HTTP/1.1\r\n\r\n'), (socket) => void socket.write(HELLO.subarray(0, 50), () => socket.end()), (socket) => void socket.write(Buffer.concat([HELLO, Buffer.alloc(70_000)])),
];
const AUTHORITIES: readonly (() => string)[] = [() => `${HOST}:${server.port}`, () => `${HOST}:${server.port}`, () => `${HOST}:${server.port}`, () => 'private.peer.example:443', () => 'nowhere.peer.example:443', () => 'x', () => `${HOST}:80`];

beforeAll(async () => {
  dns = await startDnsServer({ '*.origin.example': { a: ['127.0.0.1'] }, 'private.peer.example': { a: ['10.0.0.1'] } });
  server = await startServer((socket) => {
    const act = nextServe ?? SERVERS[turn % SERVERS.length];
    nextServe = undefined;
    act?.(socket);
  });
  child = spawn(process.execPath, ['--expose-gc', '--no-warnings', join(import.meta.dirname, 'testing/leaks.ts')], { stdio: ['pipe', 'pipe', 'inherit'] });
  if (child.stdout === null) throw new Error('no output');
  output = createInterface({ input: child.stdout });
  port = (await tell({ dnsServers: [dns.address], unsafeAllowTargets: [server.address], limits: { idleMs: 300, helloMs: HELLO_MS, bytesMax: 8 * MiB } })).port ?? 0;
}, 30_000);
afterAll(async () => {
  child.kill('SIGKILL');
  await server.stop();
  await dns.stop();
});

async function tell(line: unknown): Promise<Figures> {
  const answer = once(output, 'line') as Promise<[string]>;
  child.stdin?.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
  return JSON.parse((await answer)[0]) as Figures;
}

/** One tunnel, in the n-th way; ends when its socket is gone. */
async function one(n: number): Promise<void> {
  turn = n;
  const socket = connect({ port, host: '127.0.0.1' }).on('error', () => undefined);
  const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()));
  socket.write(connectText(AUTHORITIES[n % AUTHORITIES.length]?.() ?? ''));
  socket.once('data', (chunk: Buffer) => {
    if (!chunk.includes(' 200 ')) return;
    CLIENTS[n % CLIENTS.length]?.(socket);
    socket.setTimeout(n % PATIENT_EVERY === 0 ? 2 * HELLO_MS : 200, () => socket.destroy());
  });
  await closed;
}

async function many(count: number): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: PARALLEL }, async () => {
    // The strides of the three lists have no common factor with each other, so every combination comes up.
    while (next < count) await one(next++);
  }));
}

/** Tunnels whose last bytes nobody reads: at their end a FIN waits behind what is unsent, on one side or both. */
const SLOW: readonly ((near: Socket, far: Socket) => void)[] = [
  (near, far) => void (near.pause(), far.end(Buffer.alloc(6 * MiB))), (near, far) => void (far.pause(), near.end(Buffer.alloc(6 * MiB))),
  (near, far) => void (near.pause(), far.write(Buffer.alloc(20 * MiB))), (near, far) => void (near.pause(), far.end(Buffer.alloc(6 * MiB)), near.end('x')), (near) => void near.end(), (_near, far) => void far.end(),
  (near, far) => void (near.pause(), far.end(Buffer.alloc(6 * MiB)), near.resetAndDestroy()), (near, far) => void (far.pause(), near.write(Buffer.alloc(6 * MiB)), far.resetAndDestroy()),
];

async function openSlow(act: (near: Socket, far: Socket) => void): Promise<Socket> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const near = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined);
    const far = await meet(near);
    if (far !== undefined) {
      act(near, far);
      return near;
    }
    near.destroy();
  }
  throw new Error('no tunnel stood');
}

const nothing = (): undefined => undefined;

/** The other end of the tunnel when it stands; undefined where a deadline of the proxy came first. */
async function meet(near: Socket): Promise<Socket | undefined> {
  const gone = Promise.race([once(near, 'end'), once(near, 'close')]).then(nothing, nothing);
  const answer = async (): Promise<unknown> => await Promise.race([once(near, 'data').catch(nothing), gone]);
  const meeting = serveNext();
  near.write(connectText(`${HOST}:${server.port}`));
  if ((await answer()) === undefined) return undefined;
  near.write(HELLO);
  const far = await Promise.race([meeting, gone]);
  nextServe = undefined;
  return far !== undefined && (await answer()) !== undefined ? far : undefined;
}

async function endSlowly(): Promise<void> {
  const sockets: Socket[] = [];
  for (let round = 0; round < 5; round += 1) for (const act of SLOW) sockets.push(await openSlow(act));
  for (let look = 0; look < 100 && (await tell('look')).tunnels > 0; look += 1) await new Promise((resolve) => setTimeout(resolve, 50));
  // Only now do the peers close: whatever the proxy still holds open it would hold for ever.
  expect((await rest()).sockets).toBe(2);
  for (const socket of sockets) socket.destroy();
}

/** The next connection that arrives, answered. */
async function serveNext(): Promise<Socket> {
  const { promise, resolve } = Promise.withResolvers<Socket>();
  nextServe = (socket) => void socket.once('data', () => socket.write(CHOICE, () => resolve(socket)));
  return await promise;
}

/** When nothing is open any more. */
async function rest(): Promise<Figures> {
  for (let look = 0; look < 100; look += 1) {
    const figures = await tell('look');
    if (figures.tunnels === 0 && figures.sockets <= 2) return figures;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return await tell('look');
}

describe('after thousands of tunnels', () => {
  it('nothing is left', async () => {
    const idle = await rest();
    const open = connect({ port, host: '127.0.0.1' });
    open.write(connectText(`${HOST}:${server.port}`));
    await once(open, 'data');
    const during = await tell('look');
    // Both ends of a tunnel, and its deadline: what is counted is there to be counted (positive control).
    expect([during.tunnels, during.sockets, during.timers > 0]).toEqual([1, idle.sockets + 2, true]);
    open.destroy();
    await many(TUNNELS);
    const warm = await rest();
    await many(TUNNELS);
    const after = await rest();
    // The two listening ports.
    expect([after.tunnels, after.sockets, after.timers]).toEqual([0, idle.sockets, idle.timers]);
    if (process.env['SEKISHO_TEST_TUNNELS'] !== undefined) process.stdout.write(`${JSON.stringify({ tunnels: TUNNELS, idle, warm, after })}\n`);
    expect(after.heap - warm.heap).toBeLessThan(HEAP_BYTES_MAX);
    expect(after.rss - warm.rss).toBeLessThan(RSS_BYTES_MAX);
    await endSlowly();
    expect((await rest()).heap - warm.heap).toBeLessThan(HEAP_BYTES_MAX);
    for (const act of SLOW) await openSlow(act);
    expect((await tell('look')).sockets).toBeGreaterThan(idle.sockets);
    expect((await tell('stop')).sockets).toBe(0);
  }, 300_000);
});
