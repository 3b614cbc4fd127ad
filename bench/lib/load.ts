// Paced or greedy requests over kept connections, one at a time on each. Paced is an open loop: a request is due whether or
// not earlier ones are answered, and its time counts from when it was due, so that a stall of the server is not hidden.

import { readFileSync } from 'node:fs';
import { type Socket, connect } from 'node:net';
import { z } from 'zod';
import { helperArgument, serveHelper, tell } from './child.ts';

const orderSchema = z.object({
  port: z.number(),
  paths: z.array(z.string()).default([]),
  /** Instead of paths: a file of whole requests, each after its length (32 bits), sent in turn and each once. */
  requestsFile: z.string().optional(),
  /** X-Forwarded-For, one per connection in turn. */
  clients: z.array(z.string()).default([]),
  connections: z.number().int().min(1),
  /** Requests a second over all connections; 0: each connection asks again at once. */
  rate: z.number().default(0),
  seconds: z.number(),
  /** At the beginning, not counted: connections are new then, on both sides of what is measured. */
  leadSeconds: z.number().default(0),
});
type Order = z.output<typeof orderSchema>;

const TICK_MS = 1;
const ANSWER_MS = 10_000;
const HEAD_END = Buffer.from('\r\n\r\n');

class Lane {
  readonly #socket: Socket;
  readonly #next: () => Buffer;
  readonly #done: (lane: Lane, ms: number, status: number) => void;
  #head: Buffer = Buffer.alloc(0);
  #bodyLeft = -1;
  #status = 0;
  #dueMs = 0;

  constructor(port: number, next: () => Buffer, done: (lane: Lane, ms: number, status: number) => void) {
    this.#next = next;
    this.#done = done;
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (chunk) => this.#receive(chunk));
    this.#socket.on('error', () => this.#finish(0));
    this.#socket.on('close', () => this.#finish(0));
  }

  whenOpen(): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once('connect', resolve).once('close', () => resolve());
    });
  }

  ask(dueMs: number): void {
    this.#dueMs = dueMs;
    this.#socket.write(this.#next());
  }

  close(): void {
    this.#socket.removeAllListeners('close').destroy();
  }

  #receive(chunk: Buffer): void {
    if (this.#bodyLeft >= 0) {
      this.#body(chunk.length);
      return;
    }
    this.#head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    const end = this.#head.indexOf(HEAD_END);
    if (end < 0) return;
    const head = this.#head.toString('latin1', 0, end);
    const rest = this.#head.length - end - HEAD_END.length;
    this.#head = Buffer.alloc(0);
    this.#status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    this.#bodyLeft = length === undefined ? 0 : Number(length);
    if (length === undefined) this.#status = 0;
    this.#body(rest);
  }

  #body(bytes: number): void {
    this.#bodyLeft -= bytes;
    if (this.#bodyLeft <= 0) this.#finish(this.#status);
  }

  #finish(status: number): void {
    if (this.#dueMs === 0) return;
    const ms = performance.now() - this.#dueMs;
    this.#dueMs = 0;
    this.#bodyLeft = -1;
    this.#done(this, ms, status);
  }
}

/** Requests of one connection to the paths in turn. */
function paths(order: Order, at: number): () => Buffer {
  const client = order.clients[at % Math.max(1, order.clients.length)];
  const forwarded = client === undefined ? '' : `X-Forwarded-For: ${client}\r\n`;
  const requests = order.paths.map((path) => Buffer.from(`GET ${path} HTTP/1.1\r\nHost: bench.example\r\n${forwarded}Accept: */*\r\n\r\n`));
  let turn = at;
  return () => {
    turn += 1;
    return requests[turn % requests.length] ?? Buffer.alloc(0);
  };
}

/** Requests of a file in their order, for all connections together. */
function fileRequests(path: string): () => Buffer {
  const bytes = readFileSync(path);
  let at = 0;
  return () => {
    if (at >= bytes.length) throw new Error('the file holds too few requests');
    const from = at + 4;
    at = from + bytes.readUInt32BE(at);
    return bytes.subarray(from, at);
  };
}

async function run(order: Order): Promise<unknown> {
  let times: number[] = [];
  let answered = 0;
  const statuses: Record<string, number> = {};
  const free: Lane[] = [];
  const due: number[] = [];
  let ended = false;
  const done = (lane: Lane, ms: number, status: number): void => {
    times.push(ms);
    answered += 1;
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (status === 0) return;
    const next = order.rate === 0 && !ended ? performance.now() : due.shift();
    if (next === undefined) free.push(lane);
    else lane.ask(next);
  };
  const fromFile = order.requestsFile === undefined ? undefined : fileRequests(order.requestsFile);
  const lanes = Array.from({ length: order.connections }, (_, at) => new Lane(order.port, fromFile ?? paths(order, at), done));
  await Promise.all(lanes.map(async (lane) => await lane.whenOpen()));
  free.push(...lanes);
  const startedMs = performance.now();
  if (order.leadSeconds > 0) setTimeout(() => void (times = []), order.leadSeconds * 1_000);
  const stopPacing = order.rate === 0 ? greedy(free) : paced(order, { free, due, startedMs });
  await new Promise((resolve) => setTimeout(resolve, (order.leadSeconds + order.seconds) * 1_000));
  ended = true;
  stopPacing();
  const seconds = (performance.now() - startedMs) / 1_000 - order.leadSeconds;
  await whenIdle(() => free.length + (statuses['0'] ?? 0) >= lanes.length && due.length === 0);
  const unanswered = lanes.length - free.length - (statuses['0'] ?? 0) + due.length;
  for (const lane of lanes) lane.close();
  return { requests: times.length, answered, unanswered, statuses, seconds, ...timesOf(times) };
}

function greedy(free: Lane[]): () => void {
  for (const lane of free.splice(0)) lane.ask(performance.now());
  return () => undefined;
}

function paced(order: Order, { free, due, startedMs }: { readonly free: Lane[]; readonly due: number[]; readonly startedMs: number }): () => void {
  let asked = 0;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const wanted = Math.floor(((nowMs - startedMs) / 1_000) * order.rate);
    for (; asked < wanted; asked += 1) {
      const dueMs = startedMs + ((asked + 1) / order.rate) * 1_000;
      const lane = free.shift();
      if (lane === undefined) due.push(dueMs);
      else lane.ask(dueMs);
    }
  }, TICK_MS);
  return () => clearInterval(timer);
}

async function whenIdle(isIdle: () => boolean): Promise<void> {
  const until = performance.now() + ANSWER_MS;
  while (!isIdle() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 10));
}

function timesOf(times: readonly number[]): Record<string, number> {
  const sorted = Float64Array.from(times).toSorted();
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

helperArgument();
tell({ pid: process.pid });
serveHelper(async (message) => await run(orderSchema.parse(message)));
