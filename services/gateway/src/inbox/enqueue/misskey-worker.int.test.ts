// Jobs of the gateway's user with Misskey's BullMQ and signature library.

import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sanitiseActivity } from '@sekisho/inbox-policy';
import { testKey } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import type { Job } from 'bullmq-misskey';
import { createEnqueue, type Enqueue } from './enqueue.ts';
import { buildJob, type InboxJob } from './job.ts';
import { PREFIX, QUEUE, startTestMisskey, stateOf, type TestMisskey, VERSION } from '../../testing/enqueue/misskey.ts';
import { verifyAsWorker } from '../../testing/enqueue/peertube.ts';
import { activities, byCavage, byRfc9421, type Received } from '../../testing/enqueue/requests.ts';

const errors: Error[] = [];
let misskey: TestMisskey;
let enqueue: Enqueue;

beforeEach(async () => {
  misskey = await startTestMisskey();
  enqueue = createEnqueue({ redisUrl: misskey.url, prefix: PREFIX, version: VERSION, onError: (error) => errors.push(error) });
  await until(() => enqueue.ready);
}, 20_000);

afterEach(async () => {
  enqueue.close();
  await misskey.stop();
  expect(errors.splice(0)).toEqual([]);
}, 20_000);

const jobOf = ({ activity, head }: Received): InboxJob => buildJob(sanitiseActivity(activity), head);
const idOf = ({ head }: Received): string => `sekisho-${head.replayKey}`;
const add = async ({ activity, head }: Received): Promise<string> => await enqueue.add(activity, head);

describe('a worker of Misskey', () => {
  it('takes every legitimate activity, retries it by its own backoff, and finds the signature right', async () => {
    const done: { readonly name: string; readonly data: InboxJob['data'] }[] = [];
    const received = Object.values(activities()).map((activity) => byCavage({ activity })).filter(({ activity }) => !activity.forwarded);
    received.push(byRfc9421(), byRfc9421({ key: testKey('ed25519').privateKey, algorithm: 'ed25519' }));
    for (const one of received) expect(await add(one)).toBe('queued');
    misskey.work(async (job) => {
      await delay(1);
      if (job.attemptsMade < 1) throw new Error('not yet');
      const data = job.data as InboxJob['data'];
      const pem = testKey(data.signature.signingString.includes('ed25519') ? 'ed25519' : 'actor').pem;
      if (!verifyAsWorker(data.signature, pem)) throw new Error('http-signature verification failed');
      done.push({ name: job.name, data });
    });
    expect(received.length).toBeGreaterThan(15);
    await until(() => done.length === received.length, 20_000);
    for (const one of received) {
      const { name, data } = jobOf(one);
      expect(done).toContainEqual(JSON.parse(JSON.stringify({ name, data })));
    }
    await until(async () => (await misskey.queue.getJobCounts('active'))['active'] === 0);
    expect(await misskey.queue.getJobCounts('wait', 'active', 'delayed', 'failed', 'prioritized', 'paused')).toEqual({ wait: 0, active: 0, delayed: 0, failed: 0, prioritized: 0, paused: 0 });
    expect(await misskey.admin.acl('LOG')).toEqual([]);
  }, 40_000);

  it('gives up after 8 attempts', async () => {
    const received = byCavage();
    let attempts = 0;
    misskey.work(async () => {
      await delay(1);
      attempts += 1;
      throw new Error('never');
    }, 1);
    await add(received);
    await until(async () => (await stateOf(misskey, idOf(received))) === 'failed', 20_000);
    expect(attempts).toBe(8);
  }, 30_000);
});

/** The queue as it is, without what differs from job to job. */
async function dump({ admin }: TestMisskey, id: string): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const key of (await admin.keys(`${QUEUE}:*`)).sort()) {
    if (key.includes(':de:')) continue;
    const type = await admin.type(key);
    if (type === 'list') found[key] = await admin.lrange(key, 0, -1);
    else if (type === 'zset') found[key] = await admin.call('ZRANGE', key, '0', '-1', 'WITHSCORES');
    else if (type === 'stream') found[key] = (await admin.xrange(key, '-', '+')).map(([, fields]) => fields);
    else if (type === 'hash') found[key] = { ...(await admin.hgetall(key)), ...(key.endsWith(id) ? { opts: JSON.parse(await admin.hget(key, 'opts') ?? '') as unknown, timestamp: 0 } : {}) };
    else found[key] = await admin.get(key);
  }
  return found;
}

describe('the queue in Redis', () => {
  const ways: readonly (readonly [string, (misskey: TestMisskey) => Promise<unknown>])[] = [
    ['empty', async () => {}],
    ['with others', async ({ queue }) => [await queue.add('x', {}), await queue.add('y', {}, { delay: 60_000 })]],
    ['paused', async ({ queue }) => [await queue.add('x', {}), await queue.pause()]],
    ['at its concurrency', async ({ queue, admin }) => [await queue.setGlobalConcurrency(1), await admin.lpush(`${QUEUE}:active`, 'x')]],
    ['below its concurrency', async ({ queue, admin }) => [await queue.setGlobalConcurrency(2), await admin.lpush(`${QUEUE}:active`, 'x')]],
  ];
  it.each(ways)('is after an add what Misskey itself makes of it: %s', async (_, prepare) => {
    const received = byCavage();
    const { name, data, opts } = jobOf(received);
    await prepare(misskey);
    const before = await dump(misskey, idOf(received));
    await add(received);
    const ours = await dump(misskey, idOf(received));
    expect(ours).not.toEqual(before);
    // The same again by Misskey.
    await misskey.admin.flushall();
    await misskey.queue.client.then(async (client) => await client.hset(`${QUEUE}:meta`, misskey.queue['metaValues'] as Record<string, string>));
    await prepare(misskey);
    await misskey.queue.add(name, data, { ...opts });
    const theirs = await dump(misskey, idOf(received));
    const normal = (state: Record<string, unknown>): unknown => JSON.parse(JSON.stringify(state).replaceAll(/"timestamp":"\d+"/g, '"timestamp":0').replaceAll(/"\d{13,20}"/g, '"time"'));
    expect(normal(ours)).toEqual(normal(theirs));
  });

  it('loses no job of a paused queue when it goes on', async () => {
    await misskey.queue.pause();
    const received = [byCavage(), byCavage()];
    await misskey.queue.add('of Misskey', {});
    for (const one of received) await add(one);
    const names: string[] = [];
    misskey.work(async (job: Job) => {
      await delay(1);
      names.push(job.name);
    });
    await delay(300);
    expect(names).toEqual([]);
    await misskey.queue.resume();
    await until(() => names.length === 3);
  }, 20_000);
});

describe('a repeat', () => {
  it('of the same signed bytes adds no second job, whatever became of the first', async () => {
    const received = byCavage();
    let runs = 0;
    expect(await add(received)).toBe('queued');
    expect(await add(received)).toBe('queued');
    expect(await misskey.queue.getJobCountByTypes('wait')).toBe(1);
    misskey.work(async () => {
      await delay(1);
      runs += 1;
    });
    await until(async () => (await stateOf(misskey, idOf(received))) === 'completed');
    await add(received);
    // 30 later jobs push it out of those that Misskey keeps.
    await (await misskey.queue.getJob(idOf(received)))?.remove();
    expect(await stateOf(misskey, idOf(received))).toBe('none');
    expect(await add(received)).toBe('queued');
    await delay(200);
    expect(runs).toBe(1);
    expect(await misskey.queue.getJobCountByTypes('wait', 'active', 'delayed')).toBe(0);
  }, 20_000);

  it('that was signed anew is a job of its own, while the first is kept', async () => {
    const activity = activities()['follow'] ?? {};
    const nowMs = Date.now();
    const [first, second] = [byCavage({ activity, nowMs: nowMs - 2_000 }), byCavage({ activity, nowMs })];
    misskey.work(async () => await delay(1));
    await add(first);
    await until(async () => (await stateOf(misskey, idOf(first))) === 'completed');
    await add(second);
    await until(async () => (await stateOf(misskey, idOf(second))) === 'completed');
    expect(await stateOf(misskey, idOf(first))).toBe('completed');
  }, 20_000);

  it('is a new job when the mark is over and Misskey keeps the first no longer', async () => {
    const received = byCavage();
    await add(received);
    const ttlMs = await misskey.admin.pttl(`${QUEUE}:de:${idOf(received)}`);
    expect(ttlMs).toBeGreaterThan(14 * 60_000);
    expect(ttlMs).toBeLessThanOrEqual(15 * 60_000);
    await (await misskey.queue.getJob(idOf(received)))?.remove();
    await misskey.admin.del(`${QUEUE}:de:${idOf(received)}`);
    await add(received);
    expect(await stateOf(misskey, idOf(received))).toBe('waiting');
  });
});

describe('a queue that is not Misskey’s of this version', () => {
  const refused = async (detail: RegExp): Promise<void> => {
    const received = byCavage();
    await expect(add(received)).rejects.toMatchObject({ code: 'SEKISHO_INBOX_QUEUE_AWAY', detail: expect.stringMatching(detail) });
    expect(await misskey.admin.keys('*sekisho*')).toEqual([]);
    expect(await misskey.queue.getJobCountByTypes('wait')).toBe(0);
  };

  it('is not begun: nobody would ever take its jobs', async () => {
    await misskey.admin.flushall();
    await refused(/no queue of Misskey under the prefix/);
    expect(await misskey.admin.dbsize()).toBe(0);
  });

  it('gets nothing when another BullMQ says that it is its own', async () => {
    await misskey.admin.hset(`${QUEUE}:meta`, 'version', 'bullmq:5.72.0');
    await refused(/not one of Misskey 2026\.3\.2, which has bullmq:5\.71\.0/);
  });

  it('gets nothing with a prefix or a database that is not Misskey’s', async () => {
    for (const [redisUrl, prefix] of [[misskey.server.url, 'other.example'], [`${misskey.server.url}/3`, PREFIX]] as const) {
      const wrong = createEnqueue({ redisUrl, prefix, version: VERSION, onError: () => undefined });
      const { activity, head } = byCavage();
      await until(() => wrong.ready);
      await expect(wrong.add(activity, head)).rejects.toMatchObject({ code: 'SEKISHO_INBOX_QUEUE_AWAY' });
      wrong.close();
    }
    expect(await misskey.admin.keys('*sekisho*')).toEqual([]);
  });

  it('is begun anew when it was there before and its Redis was emptied', async () => {
    await add(byCavage());
    await misskey.admin.flushall();
    const received = byCavage();
    expect(await add(received)).toBe('queued');
    let taken = '';
    misskey.work(async (job) => {
      await delay(1);
      taken = job.id ?? '';
    });
    await until(() => taken === idOf(received));
  }, 20_000);
});

describe('createEnqueue()', () => {
  it('refuses a version that it does not know', () => {
    expect(() => createEnqueue({ redisUrl: misskey.url, prefix: PREFIX, version: '2026.5.4', onError: () => undefined })).toThrow(/2026\.3\.2/);
  });

  it('queues nothing that somebody else forwards', async () => {
    const { activity, head } = byCavage();
    await expect(enqueue.add({ ...activity, forwarded: true }, head)).rejects.toMatchObject({ code: 'SEKISHO_INTERNAL' });
    expect(await misskey.queue.getJobCountByTypes('wait')).toBe(0);
  });
});
