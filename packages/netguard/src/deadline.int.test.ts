// Every phase has an end that is ours, and an abort destroys the socket in every phase.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { type Rig, startRig } from './testing/rig.ts';
import { type BareServer, response, startBare } from './testing/servers.ts';

/** Time after the deadline in which everything must be over. */
const SLACK_MS = 3_000;

/** Writes again and again until the socket is gone. */
function flood(socket: Socket, text: string, everyMs: number): void {
  const timer = setInterval(() => socket.write(text), everyMs);
  socket.once('close', () => clearInterval(timer));
}

/** A port that never accepts: its thread sleeps and its queue is full, so that further handshakes stall. */
async function startStalled(): Promise<{ port: number; stop: () => Promise<void> }> {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const source = `const { workerData, parentPort } = require('node:worker_threads');
    const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      parentPort.postMessage(server.address().port); setTimeout(() => Atomics.wait(workerData, 0, 0), 50); });`;
  const worker = new Worker(source, { eval: true, workerData: flag });
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  await new Promise((resolve) => setTimeout(resolve, 300));
  const fillers = Array.from({ length: 6 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  await new Promise((resolve) => setTimeout(resolve, 200));
  return {
    port,
    stop: async () => {
      for (const filler of fillers) filler.destroy();
      Atomics.store(flag, 0, 1);
      Atomics.notify(flag, 0);
      await worker.terminate();
    },
  };
}

interface Phase {
  readonly name: string;
  readonly server: BareServer | undefined;
  readonly url: string;
}

let rig: Rig;
let stalled: Awaited<ReturnType<typeof startStalled>>;
const servers: BareServer[] = [];
const phases: Phase[] = [];

beforeAll(async () => {
  const start = async (answer?: (socket: Socket) => void): Promise<BareServer> => {
    const server = await startBare(answer);
    servers.push(server);
    return server;
  };
  stalled = await startStalled();
  const silent = await start();
  const drip = await start((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nx: ');
    flood(socket, 'y', 30);
  });
  const early = await start((socket) => flood(socket, 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n', 20));
  const again = await start((socket) => void setTimeout(() => socket.end(response(302, { location: '/' })), 120));
  const url = (scheme: string, port: number): string => `${scheme}://a.origin.example:${port}/`;
  phases.push(
    { name: 'dns', server: undefined, url: `http://silent.origin.example:${silent.port}/` },
    { name: 'tcp', server: undefined, url: url('http', stalled.port) },
    { name: 'tls', server: silent, url: url('https', silent.port) },
    { name: 'no answer', server: silent, url: url('http', silent.port) },
    { name: 'header drip', server: drip, url: url('http', drip.port) },
    { name: '103 flood', server: early, url: url('http', early.port) },
    { name: 'slow redirects', server: again, url: url('http', again.port) },
  );
  rig = await startRig({
    allow: [stalled.port, ...servers.map(({ port }) => port)].map((port) => `127.0.0.1:${port}`),
    zone: { 'silent.origin.example': { silent: true } },
    dnsMs: 20_000,
  });
});
afterAll(async () => {
  await rig.stop();
  for (const server of servers) await server.stop();
  await stalled.stop();
});

const NAMES = ['dns', 'tcp', 'tls', 'no answer', 'header drip', '103 flood', 'slow redirects'];
const phase = (name: string): Phase => phases.find((entry) => entry.name === name)!;

async function expectGone(server: BareServer | undefined, expected: number): Promise<void> {
  if (server === undefined) return;
  // A phase that never reached its server would prove nothing.
  expect(server.connections).toBeGreaterThan(expected);
  expect(await server.idle(2_000)).toBe(true);
}

describe('guardedFetch() deadlines', () => {
  it.each(NAMES)('ends at the total deadline: %s', async (name) => {
    const { url, server } = phase(name);
    const before = server?.connections ?? 0;
    const started = performance.now();
    const limits = { deadlineMs: 300, connectMs: 20_000, headersMs: 20_000, redirectsMax: 100 };
    expect(await rig.fetch(url, limits)).toMatchObject({ kind: 'fault', code: 'SEKISHO_UPSTREAM_TIMEOUT' });
    expect(performance.now() - started).toBeLessThan(300 + SLACK_MS);
    await expectGone(server, before);
  });

  it.each(['tcp', 'tls'])('ends at the connect deadline: %s', async (name) => {
    const { url, server } = phase(name);
    const before = server?.connections ?? 0;
    const started = performance.now();
    expect(await rig.read(url, { deadlineMs: 30_000, connectMs: 300 })).toBe('SEKISHO_UPSTREAM_TIMEOUT');
    expect(performance.now() - started).toBeLessThan(300 + SLACK_MS);
    await expectGone(server, before);
  });

  it.each(['no answer', 'header drip', '103 flood'])('ends at the headers deadline: %s', async (name) => {
    const { url, server } = phase(name);
    const before = server?.connections ?? 0;
    const started = performance.now();
    expect(await rig.read(url, { deadlineMs: 30_000, headersMs: 300 })).toBe('SEKISHO_UPSTREAM_TIMEOUT');
    expect(performance.now() - started).toBeLessThan(300 + SLACK_MS);
    await expectGone(server, before);
  });

  it.each(NAMES)('ends at once when aborted: %s', async (name) => {
    const { url, server } = phase(name);
    const before = server?.connections ?? 0;
    const started = performance.now();
    const limits = { deadlineMs: 30_000, connectMs: 20_000, headersMs: 20_000, redirectsMax: 100 };
    expect(await rig.read(url, { ...limits, signal: AbortSignal.timeout(200) })).toBe('SEKISHO_ABORTED');
    expect(performance.now() - started).toBeLessThan(200 + SLACK_MS);
    await expectGone(server, before);
  });

  it('does nothing at all when aborted before', async () => {
    const { url, server } = phase('no answer');
    const before = server!.connections;
    expect(await rig.read(url, { signal: AbortSignal.abort() })).toBe('SEKISHO_ABORTED');
    expect(server!.connections).toBe(before);
  });
});

describe('guardedFetch() bodies', () => {
  let endless: BareServer;
  let own: Rig;
  beforeAll(async () => {
    endless = await startBare((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      flood(socket, '4\r\nbody\r\n', 20);
    });
    own = await startRig({ allow: [`127.0.0.1:${endless.port}`] });
  });
  afterAll(async () => {
    await own.stop();
    await endless.stop();
  });
  const url = (): string => `http://a.origin.example:${endless.port}/`;

  it('closes the connection by close(), read or unread', async () => {
    for (const read of [false, true]) {
      const answer = await own.fetch(url());
      if (answer.kind !== 'response') throw new Error(answer.code);
      if (read) await answer.body[Symbol.asyncIterator]().next();
      expect(endless.open).toBe(1);
      answer.close();
      answer.close();
      expect(await endless.idle(2_000)).toBe(true);
    }
  });

  it('closes the connection by the signal, and the reader sees an error', async () => {
    const stop = new AbortController();
    const answer = await own.fetch(url(), { signal: stop.signal });
    if (answer.kind !== 'response') throw new Error(answer.code);
    const reading = answer.body.toArray();
    setTimeout(() => stop.abort(), 60);
    await expect(reading).rejects.toThrow();
    expect(await endless.idle(2_000)).toBe(true);
  });

  it('is not cut by the deadline of the headers', async () => {
    const answer = await own.fetch(url(), { deadlineMs: 400, headersMs: 300 });
    if (answer.kind !== 'response') throw new Error(answer.code);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(endless.open).toBe(1);
    answer.close();
    expect(await endless.idle(2_000)).toBe(true);
  });
});
