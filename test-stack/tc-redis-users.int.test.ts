// The Redis users hold nothing they need not, and need nothing they do not hold: no command is refused over a mixed load.

import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { PREFIX } from '@sekisho/contracts';
import { BOMBS, encodePng, makeStream, paint } from '@sekisho/testkit';
import { expectPicture } from './contract.ts';
import { type Fixture, START_MS, startFixture } from './fixture.ts';

jest.setTimeout(60_000);
let stack: Fixture;
let admin: Redis;
beforeAll(async () => {
  const password = randomBytes(16).toString('hex');
  stack = await startFixture({ gateways: 2, redisAdminPassword: password });
  admin = new Redis({ host: '127.0.0.1', port: stack.stack.redis?.port ?? 0, username: 'admin', password });
}, START_MS);
afterAll(async () => {
  admin?.disconnect();
  await stack?.stop();
});

const aclLog = async (): Promise<readonly string[]> => {
  const entries = (await admin.call('ACL', 'LOG')) as readonly (readonly unknown[])[];
  return entries.map((entry) => entry.map(String).join(' '));
};

describe('the log of refused commands', () => {
  it('is empty after a mixed load', async () => {
    const video = stack.publish(makeStream('video/mp4', 50_000), { etag: '"v1"', ranges: true });
    const pictures = Array.from({ length: 12 }, (_, at) => stack.publish(encodePng(paint(60, 50, 4, at))));
    const bomb = stack.publish(await BOMBS['svg-use'].bytes());
    const loads = [
      ...pictures.flatMap((url) => [0, 1].map(async (gateway) => await stack.media(url, 'emoji', { gateway }))),
      stack.media(bomb, 'avatar', { client: '198.51.100.1' }), stack.media(stack.origin.url('/status/404'), 'emoji'), stack.media('https://10.0.0.1/', 'emoji'),
      stack.media(video, '', { headers: { range: 'bytes=5-9' } }), stack.media(video), stack.get('/'), stack.media(stack.publish(Buffer.from('nothing')), 'preview'),
    ];
    const answers = await Promise.all(loads);
    await expectPicture(answers[0] as Awaited<ReturnType<Fixture['media']>>);
    const left = new AbortController();
    const leaving = stack.media(stack.origin.url('/hang'), 'emoji', { signal: left.signal }).catch(() => undefined);
    setTimeout(() => left.abort(), 300);
    await leaving;
    expect(await aclLog()).toEqual([]);
  });

  it('does log (the control)', async () => {
    const worker = new Redis(stack.stack.redis?.url('sekisho-worker') ?? '', { enableReadyCheck: false, disableClientInfo: true });
    await expect(worker.get(`${PREFIX}:cache:x`)).rejects.toThrow(/NOPERM/);
    await expect(worker.config('GET', '*')).rejects.toThrow(/NOPERM/);
    worker.disconnect();
    expect((await aclLog()).length).toBeGreaterThan(0);
  });
});

describe('what lies in Redis', () => {
  it('names no client and has an end', async () => {
    const keys = await admin.keys('*');
    expect(keys.length).toBeGreaterThan(0);
    const sources = keys.filter((key) => key.startsWith(`${PREFIX}:src:`) || key.startsWith(`${PREFIX}:out:`));
    for (const key of sources) expect(await admin.pttl(key)).toBeGreaterThan(0);
    const endless = [];
    for (const key of keys) if ((await admin.pttl(key)) === -1) endless.push(key.replace(/[A-Za-z0-9_-]{20,}/g, '…'));
    // BullMQ's own bookkeeping and the ledgers stay; nothing per request does.
    expect([...new Set(endless)].filter((key) => !/:image:|:adm:|:cidx:|^\{lim\}/.test(key))).toEqual([]);
  });
});
