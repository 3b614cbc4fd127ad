// A fetch ends at its deadline and half a second, whatever the upstream does with it, and leaves no connection behind.

import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { blankPng, startRedis, type TestRedis } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { type Rig, startRig } from './testing/rig.ts';

const DEADLINE_MS = 1_000;
const SLACK_MS = 3_000;
/** A timer may fire a little early. */
const EARLY_MS = 20;
const IDLE_MS = 1_000;
/** The idle time is looked at in fifths. */
const IDLE_TICK_MS = IDLE_MS / 5;

let redis: TestRedis;
let rig: Rig;
/** Accepts connections and never says a word. */
let mute: Server;
let mutePort = 0;
let hosts = 0;
/** A host of its own per case: faults pause a host. */
const host = (): string => `d${(hosts += 1)}.origin.example`;

beforeAll(async () => {
  redis = await startRedis();
  mute = createServer((socket) => void socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  await once(mute, 'listening');
  const address = mute.address();
  mutePort = address === null || typeof address === 'string' ? 0 : address.port;
  rig = await startRig({
    redisUrl: redis.url, allow: [`127.0.0.1:${mutePort}`], zone: { 'silent.origin.example': { silent: true } },
    limits: { connectMs: 20_000, headersMs: 20_000, totalMs: 20_000, idleMs: IDLE_MS },
  });
  rig.origin.handle('/picture-drip', (_request, response) => {
    response.writeHead(200, { 'content-type': 'image/png', 'content-length': 100_000 });
    response.write(blankPng({ width: 8, height: 8 }));
    // Enough to be no silence, far too slow to arrive.
    const timer = setInterval(() => response.write(Buffer.alloc(100)), 20);
    response.once('close', () => clearInterval(timer));
  });
});
afterAll(async () => {
  await rig.stop();
  await redis.stop();
  mute.close();
});

const expectAllGone = async (): Promise<void> => {
  expect(await rig.origin.idle(SLACK_MS)).toBe(true);
  await until(() => rig.app.running === 0);
};

describe('a fetch', () => {
  it.each<[string, () => string]>([
    ['name that no server answers', () => rig.origin.url('/', 'silent.origin.example')],
    ['TLS handshake that stalls', () => `https://${host()}:${mutePort}/`],
    ['upstream that says nothing', () => rig.origin.url('/hang', host())],
    ['header drip', () => rig.origin.url('/header-drip?ms=50', host())],
    ['103 flood', () => rig.origin.url('/103-flood?ms=5', host())],
    ['body that stops before its type is known', () => rig.origin.url('/stall?head=100', host())],
    ['body drip before its type is known', () => rig.origin.url('/drip?ms=20', host())],
    ['picture that drips', () => rig.origin.url('/picture-drip', host())],
  ])('of a %s ends at its deadline', async (_name, url) => {
    const startedMs = performance.now();
    expect(await rig.sum(url(), { limits: { bytesMax: 1_000_000, deadlineMs: DEADLINE_MS } })).toBe('fault SEKISHO_UPSTREAM_TIMEOUT');
    const tookMs = performance.now() - startedMs;
    expect(tookMs).toBeGreaterThan(DEADLINE_MS - EARLY_MS);
    expect(tookMs).toBeLessThan(DEADLINE_MS + SLACK_MS);
    await expectAllGone();
  });
});

describe('a stream', () => {
  it.each([['stops', '/stall?head=20000'], ['drips', '/drip?ms=20&head=10000']])('that %s ends when it was idle for its time', async (_name, path) => {
    const startedMs = performance.now();
    expect(await rig.sum(rig.origin.url(path, host()))).toBe('stream video/webm broken');
    const tookMs = performance.now() - startedMs;
    expect(tookMs).toBeGreaterThan(IDLE_MS - EARLY_MS);
    expect(tookMs).toBeLessThan(IDLE_MS + IDLE_TICK_MS + SLACK_MS);
    await expectAllGone();
  });
});
