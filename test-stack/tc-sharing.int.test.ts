// Many who want the same: one fetch and one decode over two gateways, whoever leaves; and one order that empties all caches.

import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { makePicture, makeStream } from '@sekisho/testkit';
import type { Answer } from './client.ts';
import { expectPicture } from './contract.ts';
import { type Fixture, START_MS, eventually, startFixture } from './fixture.ts';

jest.setTimeout(60_000);
const root = dirname(import.meta.dirname);
let stack: Fixture;
let picture: Buffer;
beforeAll(async () => {
  picture = await makePicture('png-emoji');
  stack = await startFixture({ gateways: 2 });
}, START_MS);
afterAll(async () => await stack?.stop());

const jobsOk = async (): Promise<number> => await stack.metric('worker', 'sekisho_image_worker_jobs_total', { code: 'ok' });

describe('a hundred identical misses over two gateways', () => {
  it('make one upstream GET and one decode', async () => {
    const path = '/shared.png';
    stack.origin.serve(path, { bytes: picture, delayMs: 300 });
    const before = await jobsOk();
    const answers = await Promise.all(Array.from({ length: 100 }, async (_, at) => await stack.media(stack.origin.url(path), 'emoji', { gateway: at % 2, client: `198.51.100.${at}` })));
    const etags = new Set<unknown>();
    for (const answer of answers) {
      await expectPicture(answer);
      etags.add(answer.headers.etag);
    }
    expect(etags.size).toBe(1);
    expect(stack.origin.hits(path)).toBe(1);
    expect((await jobsOk()) - before).toBe(1);
    const kinds = answers.map(({ headers }) => headers['sekisho-cache']);
    expect(kinds.filter((kind) => kind === 'miss').length).toBe(1);
    expect((await stack.media(stack.origin.url(path), 'emoji', { gateway: 1 })).headers['sekisho-cache']).toBe('hit');
    expect(await stack.metric('gateway', 'sekisho_gateway_flight_joins_total')).toBeGreaterThanOrEqual(90);
  });

  it('share a refusal that depends on the URL alone', async () => {
    stack.origin.serve('/gone', { status: 410, delayMs: 300 });
    const answers = await Promise.all(Array.from({ length: 20 }, async (_, at) => await stack.media(stack.origin.url('/gone', 'gone.origin.example'), 'emoji', { gateway: at % 2 })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([410]));
    expect(stack.origin.hits('/gone')).toBe(1);
  });
});

/** A request that can leave; undefined when it left before the answer. */
function leaver(path: string, gateway: number): { leave(): void; readonly answer: Promise<Answer | undefined> } {
  const leaving = new AbortController();
  const answer = stack.media(stack.origin.url(path), 'emoji', { gateway, signal: leaving.signal }).catch(() => undefined);
  return { leave: () => leaving.abort(), answer };
}

describe('one who leaves', () => {
  it('first does not hurt the others, on neither gateway', async () => {
    stack.origin.serve('/first.png', { bytes: picture, delayMs: 1_500 });
    const first = leaver('/first.png', 0);
    expect(await eventually(() => stack.origin.hits('/first.png') === 1)).toBe(true);
    const others = [0, 0, 1, 1].map((gateway) => leaver('/first.png', gateway));
    await delay(400);
    first.leave();
    expect(await first.answer).toBeUndefined();
    for (const other of others) {
      const answer = await other.answer;
      if (answer === undefined) throw new Error('left with the first');
      await expectPicture(answer);
    }
    expect(stack.origin.hits('/first.png')).toBeLessThanOrEqual(2);
  });

  it('last stops the work: the upstream\'s socket is closed', async () => {
    const before = stack.origin.aborted;
    const waiting = [0, 0, 1].map((gateway) => leaver('/hang', gateway));
    expect(await eventually(() => stack.origin.hits('/hang') === 1)).toBe(true);
    await delay(400);
    waiting[0]?.leave();
    waiting[1]?.leave();
    await delay(300);
    waiting[2]?.leave();
    await Promise.all(waiting.map(async ({ answer }) => await answer));
    expect(await eventually(() => stack.origin.aborted > before, 8_000)).toBe(true);
  });

  it('gets nothing back for work that ran, and holds no slot', async () => {
    expect(await eventually(async () => (await stack.metric('gateway', 'sekisho_gateway_line_running_entries')) === 0, 8_000)).toBe(true);
    await expectPicture(await stack.media(stack.publish(picture), 'emoji'));
  });
});

describe('a gateway that dies', () => {
  it('hands its lead to the other', async () => {
    // Its own stack: a killed gateway does not come back.
    const own = await startFixture({ gateways: 2 });
    try {
      own.origin.serve('/lead.png', { bytes: picture, delayMs: 1_000 });
      const url = own.origin.url('/lead.png');
      const lost = own.media(url, 'emoji', { gateway: 0 }).catch(() => undefined);
      expect(await eventually(() => own.origin.hits('/lead.png') === 1)).toBe(true);
      const waiting = own.media(url, 'emoji', { gateway: 1 });
      await delay(300);
      process.kill(own.stack.children.gateways[0]?.pid ?? 0, 'SIGKILL');
      expect(await lost).toBeUndefined();
      const answer = await waiting;
      await expectPicture(answer);
      expect(answer.ms).toBeLessThan(15_000);
    } finally {
      await own.stop();
    }
  });
});

describe('requests with an inbound Via', () => {
  it('lead their own flight, and share hits', async () => {
    stack.origin.serve('/via.png', { bytes: picture, delayMs: 800 });
    const url = stack.origin.url('/via.png');
    const plain = stack.media(url, 'emoji');
    await delay(200);
    const via = stack.media(url, 'emoji', { headers: { via: '1.1 someone' } });
    await expectPicture(await plain);
    await expectPicture(await via);
    expect(stack.origin.hits('/via.png')).toBe(2);
    expect((await stack.media(url, 'emoji', { headers: { via: '1.1 someone' } })).headers['sekisho-cache']).toBe('hit');
  });
});

/** The command that a moderator types. */
async function media(...args: readonly string[]): Promise<{ readonly code: number | null; readonly text: string }> {
  const child = spawn(process.execPath, [join(root, 'services/gateway/src/cli/media.ts'), ...args], {
    cwd: root, env: { PATH: process.env['PATH'] ?? '', SEKISHO_REDIS_URL: stack.stack.redis?.url('sekisho-gateway-state') ?? '' }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, text };
}

describe('npm run media -- purge', () => {
  const modes = ['emoji', 'avatar', 'preview', ''];
  const askAll = async (url: string): Promise<void> => {
    for (const gateway of [0, 1]) for (const mode of modes) expect((await stack.media(url, mode, { gateway })).status).toBe(200);
  };

  it('empties all modes of a URL in both replicas and in Redis', async () => {
    stack.origin.serve('/purged.png', { bytes: picture, etag: '"v1"' });
    const url = stack.origin.url('/purged.png', 'purge.origin.example');
    const other = stack.publish(picture);
    await stack.media(other, 'emoji');
    await askAll(url);
    const result = await media('purge', url);
    expect(result.text).toContain('told 2 gateway processes');
    expect(result.code).toBe(0);
    stack.origin.serve('/purged.png', { status: 404 });
    for (const gateway of [0, 1]) for (const mode of modes) expect((await stack.media(url, mode, { gateway })).status).toBe(404);
    expect((await stack.media(other, 'emoji')).headers['sekisho-cache']).toBe('hit');
  });

  it('empties a host, streams included', async () => {
    const video = makeStream('video/mp4', 50_000);
    stack.origin.serve('/h.mp4', { bytes: video, etag: '"v1"', ranges: true });
    stack.origin.serve('/h.png', { bytes: picture });
    const urls = ['/h.mp4', '/h.png'].map((path) => stack.origin.url(path, 'host.origin.example'));
    await stack.media(urls[0] ?? '', '');
    await stack.media(urls[1] ?? '', 'emoji');
    const result = await media('purge', '--host', 'host.origin.example');
    expect({ code: result.code, text: result.text }).toMatchObject({ code: 0 });
    const hits = stack.origin.hits('/h.png');
    expect((await stack.media(urls[1] ?? '', 'emoji')).headers['sekisho-cache']).toBe('miss');
    expect(stack.origin.hits('/h.png')).toBe(hits + 1);
  });

  it('says what it wants when asked wrongly', async () => {
    expect(await media()).toMatchObject({ code: 2, text: expect.stringContaining('npm run media -- purge <url>') });
  });
});
