// The corpus of target URLs through the whole fetcher: refused means that no TCP connection was opened, counted at a
// listening socket and, for every address at once, at the one place where sockets are made.

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Canary, makeStream, readSsrfCases, startCanary, startRedis, type TestRedis } from '@sekisho/testkit';
import { type Rig, startRig } from './testing/rig.ts';

const cases = readSsrfCases().filter(({ kind }) => kind === 'url');
const blocked = cases.filter(({ expected }) => expected === 'blocked').map((row) => [row.id, row.input, row.why] as const);
const allowed = cases.filter(({ expected, needsDns }) => expected === 'allowed' && needsDns).map((row) => [row.id, row.input] as const);

const CORPUS_MS = 60_000;

let redis: TestRedis;
let rig: Rig;
let canary: Canary;
/** Sockets opened in this process to anything but the fetcher's own port and Redis. */
let opened: string[] = [];
const onSocket = (message: unknown): void => {
  const { socket } = message as { socket: Socket };
  socket.once('connectionAttempt', (ip: string, port: number) => {
    if (port !== rig.app.port && port !== redis.port) opened.push(`${ip}:${port}`);
  });
};

beforeAll(async () => {
  redis = await startRedis();
  canary = await startCanary();
  rig = await startRig({
    redisUrl: redis.url,
    // Names that nobody owns lead to the canary: the name rules and the address rules must both hold.
    zone: {
      'good.peer.example': { a: ['127.0.0.1'] }, '*.com': { a: ['127.0.0.1'] }, '*.net': { a: ['127.0.0.1'] }, '*.io': { a: ['127.0.0.1', '8.8.8.8'] },
      '*.me': { a: ['127.0.0.1'], aaaa: ['::1'] }, '*.st': { aaaa: ['::ffff:127.0.0.1'] }, '*.network': { alternate: [{ a: ['10.0.0.1'] }, { a: ['127.0.0.1'] }] },
      '*.org': { a: ['127.0.0.1'] }, '*.jp': { a: ['127.0.0.1'] },
    },
  });
  subscribe('net.client.socket', onSocket);
});
afterAll(async () => {
  unsubscribe('net.client.socket', onSocket);
  await rig.stop();
  await canary.stop();
  await redis.stop();
});

describe('the way of counting', () => {
  it('sees a connection that is opened (positive control)', async () => {
    rig.origin.serve('/a', { bytes: makeStream('video/webm', 1_024) });
    expect(await rig.sum(rig.origin.url('/a'))).toBe('stream video/webm 1024');
    expect(opened).toEqual([`127.0.0.1:${rig.origin.port}`]);
  });

  it('sees that ports of allowed targets open nothing else', async () => {
    opened = [];
    for (const host of ['127.0.0.2', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0']) {
      expect(await rig.sum(`http://${host}:${rig.origin.port}/a`)).toBe('deny SEKISHO_TARGET_ADDRESS');
    }
    expect(await rig.sum(`http://127.0.0.1:${canary.port}/a`)).toBe('deny SEKISHO_TARGET_URL');
    expect(opened).toEqual([]);
  });
});

// Without the corpus beside the repository there is nothing to run; an emptied corpus throws.
(blocked.length > 0 ? describe : describe.skip)('the corpus', () => {
  it('has cases of both kinds', () => {
    expect(blocked.length).toBeGreaterThan(200);
    expect(allowed.length).toBeGreaterThan(10);
  });

  it('blocked: every case is denied and opens no connection', async () => {
    opened = [];
    const wrong: string[] = [];
    for (const [id, input, why] of blocked) {
      const sum = input === '' ? 'deny' : await rig.sum(input);
      if (!/^deny(?: SEKISHO_(?:TARGET_|LOOP)|$)/.test(sum) || opened.length > 0) wrong.push(`${id} ${JSON.stringify(input)} (${why}): ${sum} ${opened.join()}`);
      opened = [];
    }
    expect(wrong).toEqual([]);
    expect(canary.connections).toBe(0);
  }, CORPUS_MS);

  it('blocked: the same by redirect from an allowed host', async () => {
    const wrong: string[] = [];
    for (const [id, input] of blocked.filter(([, text]) => /^https?:\/\/[\x21-\x7e]+$/.test(text))) {
      opened = [];
      rig.origin.serve('/to', { status: 302, headers: { location: input } });
      const sum = await rig.sum(rig.origin.url('/to', `${id}.origin.example`));
      // A malformed Location is a fault of the upstream; what counts is where we connected.
      if (!/^(?:deny SEKISHO_(?:TARGET_|LOOP)|fault SEKISHO_UPSTREAM_REDIRECTS)/.test(sum) || opened.length > 1) wrong.push(`${id} ${input}: ${sum} ${opened.join()}`);
    }
    expect(wrong).toEqual([]);
  }, CORPUS_MS);

  it('allowed: names pass the name rules and are held by their address alone', async () => {
    // Their addresses are loopback here, so a refusal by address proves that URL and name passed.
    for (const [id, input] of allowed) {
      expect([id, await rig.sum(input)]).toEqual([id, 'deny SEKISHO_TARGET_ADDRESS']);
    }
  });
});
