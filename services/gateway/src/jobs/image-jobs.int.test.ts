import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type ImageJob, LIMITS, parseImageJob, workKeys } from '@sekisho/contracts';
import { type TestRedis, startRedis } from '@sekisho/testkit';
import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { TransformOrder } from '../media/types.ts';
import { type WorkConnections, createWorkConnections } from './connections.ts';
import { type ImageJobs, createImageJobs } from './image-jobs.ts';
import { type ImageQueue, createImageQueue } from './queue.ts';

const never = new AbortController().signal;
const newId = (): string => randomBytes(16).toString('base64url');
const SOURCE = Buffer.from('source');
/** A lossless WebP of 10 x 10, header only. */
const PICTURE = Buffer.from('5249464612000000574542505650384c060000002f0940020000', 'hex');

let redis: TestRedis;
let raw: Redis;
let connections: WorkConnections;
let queue: ImageQueue;
let jobs: ImageJobs;
let lies: string[];
const workers: Worker[] = [];

beforeAll(async () => {
  redis = await startRedis();
  raw = redis.client({ disconnectTimeout: 100 });
});
afterAll(async () => {
  await redis.stop();
});
beforeEach(async () => {
  await raw.flushall();
  await open();
});
afterEach(async () => {
  for (const made of workers.splice(0)) await made.close(true);
  await close();
});

async function open(): Promise<void> {
  lies = [];
  connections = createWorkConnections(redis.url, () => undefined);
  const all = [connections.commands, connections.blobs, connections.subscriber, connections.queue];
  await Promise.all(all.map((client) => new Promise((resolve) => void client.once('ready', resolve))));
  queue = createImageQueue(connections.queue);
  jobs = make(2);
}
async function close(): Promise<void> {
  await jobs.close();
  await queue.close().catch(() => undefined);
  connections.close();
}
const make = (slots: number, over: object = {}): ImageJobs =>
  createImageJobs({
    ...connections, queue, gatewayId: newId(), slots, bytesMax: 64 * 1024 * 1024, admitWaitMs: 200,
    hooks: { lie: (detail) => lies.push(detail) }, ...over,
  });

/** A source as the fetcher leaves it: bytes and lease. */
async function order(): Promise<TransformOrder> {
  const sourceId = newId();
  await raw.set(workKeys.source(sourceId), SOURCE, 'PX', LIMITS.sourceTtlMs);
  await raw.zadd(workKeys.leases, Date.now() + 60_000, workKeys.leaseMember(sourceId, SOURCE.length));
  await raw.incrby(workKeys.leasedBytes, SOURCE.length);
  return { sourceId, sourceBytes: SOURCE.length, isolation: newId(), class: 'raster', mode: 'emoji' };
}
async function expectClean(): Promise<void> {
  const left = (await raw.keys('*')).filter((key) => /:(?:src|out|res):/.test(key));
  expect({ left, leases: await raw.zcard(workKeys.leases), admitted: await raw.zcard(workKeys.admittedJobs), bytes: Number(await raw.get(workKeys.leasedBytes)) })
    .toEqual({ left: [], leases: 0, admitted: 0, bytes: 0 });
}

type Act = (job: ImageJob) => Promise<void>;
async function worker(act: Act): Promise<void> {
  const made = new Worker('image', async (bullJob) => {
    const parsed = parseImageJob(bullJob.data);
    if (!parsed.ok) throw new Error(parsed.detail);
    await act(parsed.job);
  }, { connection: redis.client({ disconnectTimeout: 100 }), prefix: '{sekisho}', concurrency: 4 });
  made.on('error', () => undefined);
  workers.push(made);
  await made.waitUntilReady();
}
const done = async (job: ImageJob, over: object = {}, body: Buffer = PICTURE, publish = true): Promise<void> => {
  await raw.getdelBuffer(workKeys.source(job.sourceId));
  const reply = { v: 1, jobId: job.jobId, ok: true, type: 'image/webp', width: 10, height: 10, frames: 1, bytes: body.length, cpuMs: 3, waitMs: 1, ...over };
  await raw.set(workKeys.result(job.outId), body, 'PX', 60_000);
  await answer(job, reply, publish);
};
const answer = async (job: ImageJob, reply: object, publish = true): Promise<void> => {
  await raw.set(workKeys.reply(job.jobId), JSON.stringify(reply), 'PX', 60_000);
  if (publish) await raw.publish(workKeys.done(job.replyTo), JSON.stringify(reply));
};
const inMs = (ms: number): { deadlineAtMs: number; signal: AbortSignal } => ({ deadlineAtMs: Date.now() + ms, signal: never });

describe('createImageJobs() with a worker', () => {
  it('brings the checked result and gives everything back', async () => {
    const seen: ImageJob[] = [];
    await worker(async (job) => {
      seen.push(job);
      await done(job, { cpuMs: 600_000 });
    });
    const ordered = await order();
    const outcome = await jobs.run(ordered, inMs(5_000));
    expect(outcome).toMatchObject({ ok: true, body: PICTURE, reply: { width: 10, type: 'image/webp' } });
    expect(outcome.ok && outcome.reply.cpuMs).toBeLessThan(10_000); // clamped to the wall time
    expect(seen[0]).toMatchObject({ sourceId: ordered.sourceId, isolation: ordered.isolation, mode: 'emoji', class: 'raster' });
    expect(Math.abs(seen[0]!.deadlineAtMs - Date.now())).toBeLessThan(10_000);
    await expectClean();
  });

  it('passes a refusal of the worker on', async () => {
    await worker((job) => answer(job, { v: 1, jobId: job.jobId, ok: false, code: 'SEKISHO_IMAGE_DECODE', cpuMs: 2 }));
    expect(await jobs.run(await order(), inMs(5_000))).toEqual({ ok: false, code: 'SEKISHO_IMAGE_DECODE', cpuMs: 2 });
    await expectClean();
  });

  it.each<[string, Act]>([
    ['another width', (job) => done(job, { width: 11 })],
    ['another length', (job) => done(job, { bytes: PICTURE.length + 1 })],
    ['bytes that are none', (job) => done(job, {}, Buffer.alloc(PICTURE.length))],
    ['no bytes at all', (job) => answer(job, { v: 1, jobId: job.jobId, ok: true, type: 'image/webp', width: 10, height: 10, frames: 1, bytes: 26, cpuMs: 0, waitMs: 0 })],
    ['a result far longer than said', (job) => done(job, { bytes: PICTURE.length }, Buffer.concat([PICTURE, Buffer.alloc(20_000_000)]))],
    ['a reply of another job', (job) => answer(job, { v: 1, jobId: newId(), ok: false, code: 'SEKISHO_IMAGE_DECODE', cpuMs: 0 }, false)],
    ['a reply of another version', (job) => answer(job, { v: 2, jobId: job.jobId, ok: false, code: 'SEKISHO_IMAGE_DECODE', cpuMs: 0 })],
    ['a code that is not its own', (job) => answer(job, { v: 1, jobId: job.jobId, ok: false, code: 'SEKISHO_LOOP', cpuMs: 0 })],
    ['a huge reply', (job) => raw.set(workKeys.reply(job.jobId), 'x'.repeat(5_000_000), 'PX', 60_000).then(() => undefined)],
  ])('calls %s a lie', async (_name, act) => {
    await worker(act);
    expect(await jobs.run(await order(), inMs(5_000))).toMatchObject({ ok: false, code: 'SEKISHO_IMAGE_RESULT' });
    expect(lies.length).toBeGreaterThan(0);
    await expectClean();
  });

  it('finds the reply whose message was lost', async () => {
    await worker((job) => done(job, {}, PICTURE, false));
    const startedAtMs = Date.now();
    expect(await jobs.run(await order(), inMs(20_000))).toMatchObject({ ok: true });
    expect(Date.now() - startedAtMs).toBeLessThan(10_000);
  });

  it('finds the reply that came while its subscription was down', async () => {
    await worker(async (job) => {
      connections.subscriber.disconnect(true);
      await done(job);
    });
    const patient = make(2, { rereadMs: 60_000 });
    const startedAtMs = Date.now();
    expect(await patient.run(await order(), inMs(20_000))).toMatchObject({ ok: true });
    expect(Date.now() - startedAtMs).toBeLessThan(10_000);
    await patient.close();
  });

  it('never has more than twice the slots unanswered, over two gateways', async () => {
    let most = 0;
    await worker(async (job) => {
      most = Math.max(most, await raw.zcard(workKeys.admittedJobs));
      await new Promise((resolve) => void setTimeout(resolve, 10));
      await done(job);
    });
    const other = make(2, { admitWaitMs: 5_000 });
    const own = make(2, { admitWaitMs: 5_000 });
    const orders = await Promise.all(Array.from({ length: 20 }, () => order()));
    const outcomes = await Promise.all(orders.map((each, index) => (index % 2 === 0 ? own : other).run(each, inMs(10_000))));
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(20);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(4);
    await expectClean();
    await own.close();
    await other.close();
  });

  it('leaves a running decode alone when the client goes, and clears up after it', async () => {
    const go = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    await worker(async (job) => {
      started.resolve();
      await go.promise;
      await done(job);
    });
    const abort = new AbortController();
    const running = jobs.run(await order(), { deadlineAtMs: Date.now() + 10_000, signal: abort.signal });
    await started.promise;
    abort.abort();
    expect(await running).toEqual({ ok: false, code: 'SEKISHO_ABORTED', cpuMs: 0, running: true });
    await new Promise((resolve) => void setTimeout(resolve, 200));
    expect(await raw.zcard(workKeys.leases)).toBe(2); // the room of the result stays taken
    go.resolve();
    for (let i = 0; i < 100 && (await raw.zcard(workKeys.leases)) > 0; i += 1) await new Promise((resolve) => void setTimeout(resolve, 50));
    await expectClean();
  });
});

describe('createImageJobs() without a worker', () => {
  it('takes the job out at the deadline', async () => {
    const startedAtMs = Date.now();
    expect(await jobs.run(await order(), inMs(700))).toEqual({ ok: false, code: 'SEKISHO_WORKER_AWAY', cpuMs: 0 });
    expect(Date.now() - startedAtMs).toBeLessThan(2_000);
    expect(await raw.llen(workKeys.queueWait)).toBe(0);
    await expectClean();
  });

  it('takes the job out when the client goes', async () => {
    const abort = new AbortController();
    const running = jobs.run(await order(), { deadlineAtMs: Date.now() + 10_000, signal: abort.signal });
    while ((await raw.llen(workKeys.queueWait)) === 0) await new Promise((resolve) => void setTimeout(resolve, 10));
    abort.abort();
    expect(await running).toEqual({ ok: false, code: 'SEKISHO_ABORTED', cpuMs: 0 });
    expect(await raw.llen(workKeys.queueWait)).toBe(0);
    await expectClean();
  });

  it('refuses above the queue length, and again admits after lapsed leases', async () => {
    await raw.rpush(workKeys.queueActive, 'a', 'b', 'c', 'd');
    expect(await jobs.run(await order(), inMs(5_000))).toMatchObject({ ok: false, code: 'SEKISHO_LIMIT_QUEUE' });
    await expectClean();
    await raw.lpop(workKeys.queueActive);
    await raw.zadd(workKeys.leases, Date.now() - 1, `${newId()}:${60 * 1024 * 1024}`);
    await raw.set(workKeys.leasedBytes, 60 * 1024 * 1024);
    expect(await jobs.run(await order(), inMs(600))).toMatchObject({ code: 'SEKISHO_WORKER_AWAY' });
    await expectClean();
  });

  it('refuses above the byte budget', async () => {
    await raw.zadd(workKeys.leases, Date.now() + 60_000, `${newId()}:${60 * 1024 * 1024}`);
    await raw.set(workKeys.leasedBytes, 60 * 1024 * 1024);
    expect(await jobs.run(await order(), inMs(5_000))).toMatchObject({ ok: false, code: 'SEKISHO_LIMIT_BYTES' });
    expect(Number(await raw.get(workKeys.leasedBytes))).toBe(60 * 1024 * 1024);
  });

  it('takes and drops sources with their leases', async () => {
    const [first, second, third] = [await order(), await order(), await order()];
    expect(await jobs.takeSource(first.sourceId, SOURCE.length)).toEqual(SOURCE);
    expect(await jobs.takeSource(first.sourceId, SOURCE.length)).toBeUndefined();
    await raw.set(workKeys.source(second.sourceId), 'longer than said');
    expect(await jobs.takeSource(second.sourceId, SOURCE.length)).toBeUndefined();
    await jobs.dropSource(third.sourceId, third.sourceBytes);
    await expectClean();
  });

  it('tells that Redis is gone, in time, and works again after it', async () => {
    const ordered = await order();
    const waiting = jobs.run(ordered, inMs(1_500));
    while ((await raw.llen(workKeys.queueWait)) === 0) await new Promise((resolve) => void setTimeout(resolve, 10));
    const startedAtMs = Date.now();
    await redis.crash();
    expect(await jobs.run(ordered, inMs(5_000))).toMatchObject({ ok: false, code: 'SEKISHO_REDIS_AWAY' });
    expect(await waiting).toMatchObject({ ok: false, code: 'SEKISHO_REDIS_AWAY' });
    expect(Date.now() - startedAtMs).toBeLessThan(3_000);
    await expect(jobs.takeSource(ordered.sourceId, SOURCE.length)).rejects.toMatchObject({ code: 'SEKISHO_REDIS_AWAY' });
    await redis.restart();
    await worker((job) => done(job));
    for (let i = 0; i < 100 && !connections.ready; i += 1) await new Promise((resolve) => void setTimeout(resolve, 50));
    expect(await jobs.run(await order(), inMs(5_000))).toMatchObject({ ok: true });
  });
});
