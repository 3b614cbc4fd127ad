// Whole jobs through a real Redis, BullMQ and real decoders, and the process as it is deployed.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { IMAGE_QUEUE, type ImageJob, type ImageReply, LIMITS, PREFIX, parseImageReply, workKeys } from '@sekisho/contracts';
import { type TestRedis, filterBombSvg, makePicture, startRedis } from '@sekisho/testkit';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import pino from 'pino';
import { until } from '@sekisho/testkit/until';
import { ConfigError } from '@sekisho/runtime';
import { type App, type AppDeps, createApp } from './app.ts';
import type { Config } from './config.ts';
import { type Facts, readFacts } from './sandbox/facts.ts';
import { SANDBOX_LAYERS } from './sandbox/layers.ts';
import { createSpawn } from './sandbox/spawn.ts';

const newId = (): string => randomBytes(16).toString('base64url');
const pause = async (ms: number): Promise<void> => await new Promise((resolve) => void setTimeout(resolve, ms));
let redis: TestRedis;
let gateway: Redis;
let listener: Redis;
let queue: Queue;
const gatewayId = newId();
const heard = new Map<string, ImageReply | undefined>();
const lines: Record<string, unknown>[] = [];
const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) });

const config = (slots = 2) => ({ redisUrl: redis.url, ops: { host: '127.0.0.1', port: 0 }, isolation: 'site' as const, sandbox: 'require' as const, slots, shutdownDrainMs: 2_500, logLevel: 'info' });

beforeAll(async () => {
  redis = await startRedis();
  gateway = redis.client();
  listener = redis.client();
  listener.on('message', (_channel, text: string) => {
    const reply = parseImageReply(text);
    heard.set(reply?.jobId ?? 'strange', reply);
  });
  await listener.subscribe(workKeys.done(gatewayId));
  queue = new Queue(IMAGE_QUEUE, { connection: gateway, prefix: PREFIX, skipMetasUpdate: true, skipVersionCheck: true });
  queue.on('error', () => undefined);
}, 30_000);

afterAll(async () => {
  await queue.close();
  await redis.stop();
});

async function order(change: Partial<ImageJob> = {}, source?: Buffer): Promise<ImageJob> {
  const job: ImageJob = {
    v: 1, jobId: newId(), sourceId: newId(), outId: newId(), isolation: newId(), class: 'raster', mode: 'emoji',
    deadlineAtMs: Date.now() + 20_000, replyTo: gatewayId, ...change,
  };
  if (source !== undefined) await gateway.set(workKeys.source(job.sourceId), source, 'PX', 120_000);
  await queue.add('image', job, { jobId: job.jobId, attempts: 1, removeOnComplete: { count: 200 }, removeOnFail: { count: 200 } });
  return job;
}
async function run(change: Partial<ImageJob> = {}, source?: Buffer): Promise<{ readonly job: ImageJob; readonly reply: ImageReply | undefined }> {
  const job = await order(change, source);
  await until(() => heard.has(job.jobId));
  return { job, reply: heard.get(job.jobId) };
}

describe('createApp()', () => {
  let app: App;
  beforeAll(async () => {
    app = await createApp(config(), { log });
  }, 30_000);
  afterAll(async () => await app.stop());

  it('is ready once its decoders are, and says so', async () => {
    expect(app.ready).toBe(true);
    const answer = await fetch(`http://127.0.0.1:${app.opsPort}/readyz`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ ready: true, decoders: { blank: 5, bound: 0, busy: 0 }, sandbox: { no_new_privs: true, limits: true, landlock_files: true, seccomp: true } });
  });

  it('turns a source into a result, tells its gateway and forgets the source', async () => {
    const { job, reply } = await run({}, await makePicture('png-emoji'));
    expect(reply).toMatchObject({ v: 1, jobId: job.jobId, ok: true, type: 'image/webp', width: 128, height: 128, frames: 1 });
    if (reply?.ok !== true) throw new Error('not ok');
    expect(reply.cpuMs).toBeGreaterThan(0);
    const body = await gateway.getBuffer(workKeys.result(job.outId));
    expect(body?.length).toBe(reply.bytes);
    expect(body?.subarray(8, 12).toString()).toBe('WEBP');
    expect(parseImageReply((await gateway.get(workKeys.reply(job.jobId))) ?? '')).toEqual(reply);
    expect(await gateway.exists(workKeys.source(job.sourceId))).toBe(0);
    for (const key of [workKeys.result(job.outId), workKeys.reply(job.jobId)]) {
      const ttlMs = await gateway.pttl(key);
      expect(ttlMs).toBeGreaterThan(0);
      expect(ttlMs).toBeLessThanOrEqual(LIMITS.resultTtlMs);
    }
  });

  it('tells of a capped animation', async () => {
    const { gif } = await import('@sekisho/testkit');
    const source = gif({ width: 2, height: 2, frames: 301, loop: 0, frameWidth: 2, frameHeight: 2 });
    expect((await run({ class: 'animation' }, source)).reply).toMatchObject({ ok: true, frames: 1, framesCapped: true });
  });

  it.each<[string, Partial<ImageJob>, () => Promise<Buffer | undefined>, string]>([
    ['no source', {}, async () => undefined, 'SEKISHO_DEADLINE'],
    ['a passed deadline', { deadlineAtMs: 1 }, async () => await makePicture('png-emoji'), 'SEKISHO_DEADLINE'],
    ['a source longer than any may be', {}, async () => Buffer.alloc(LIMITS.pictureBytesMax + 1), 'SEKISHO_DEADLINE'],
    ['text', {}, async () => Buffer.from('this is a text and no picture'), 'SEKISHO_TYPE_NOT_CONVERTIBLE'],
    ['another version', { v: 2 as never }, async () => await makePicture('png-emoji'), 'SEKISHO_CONTRACT_VERSION'],
    ['a mode that is none', { mode: 'huge' as never }, async () => await makePicture('png-emoji'), 'SEKISHO_CONTRACT_INVALID'],
    ['an id that would leave its place', { outId: '../../{lim}:client:1:x' }, async () => await makePicture('png-emoji'), 'SEKISHO_CONTRACT_INVALID'],
    ['a bomb', { class: 'svg', mode: 'asis' }, async () => Buffer.from(filterBombSvg(1_000)), 'SEKISHO_IMAGE_CPU'],
  ])('answers %s with its code', async (_name, change, source, code) => {
    const { job, reply } = await run(change, await source());
    expect(reply).toMatchObject({ ok: false, code });
    expect(await gateway.exists(workKeys.result(job.outId))).toBe(0);
  }, 20_000);

  it('survives job data that name nobody to answer', async () => {
    for (const data of [null, 7, 'text', [], {}, { jobId: 'x', replyTo: 'y' }]) await queue.add('image', data, { attempts: 1 });
    expect((await run({}, await makePicture('png-emoji'))).reply).toMatchObject({ ok: true });
    expect(await queue.getFailedCount()).toBe(0);
  });

  it('writes one line per job, without anything about the picture but its numbers', async () => {
    const { job } = await run({ mode: 'preview' }, await makePicture('png-avatar'));
    await until(() => lines.some((line) => line['job_id'] === job.jobId));
    const own = lines.filter((line) => line['job_id'] === job.jobId);
    expect(own).toHaveLength(1);
    expect(own[0]).toMatchObject({ msg: 'job', code: 'ok', class: 'raster', mode: 'preview' });
    expect(Object.keys(own[0] ?? {})).not.toContain('isolation');
  });

  it('counts', async () => {
    const text = await (await fetch(`http://127.0.0.1:${app.opsPort}/metrics`)).text();
    expect(text).toMatch(/sekisho_image_worker_jobs_total\{code="ok"\} [1-9]/);
    expect(text).toMatch(/sekisho_image_worker_jobs_total\{code="SEKISHO_IMAGE_CPU"\} 1/);
    expect(text).toMatch(/sekisho_image_worker_decoder_kills_total\{reason="cpu"\} 1/);
    expect(text).toMatch(/sekisho_image_worker_decode_cpu_seconds_count\{class="svg"\} 1/);
    for (const layer of ['no_new_privs', 'limits', 'descriptors', 'environment', 'landlock_files', 'seccomp']) expect(text).toContain(`sekisho_image_worker_sandbox_layer{layer="${layer}"} 1`);
    expect(text).toMatch(/sekisho_image_worker_dependency_up\{dependency="work_redis"\} 1/);
  });

  it('stays ready while Redis is away, and works on when it is back', async () => {
    await redis.crash();
    await pause(200);
    expect((await fetch(`http://127.0.0.1:${app.opsPort}/readyz`)).status).toBe(200);
    await redis.restart();
    await until(() => listener.status === 'ready' && gateway.status === 'ready');
    expect((await run({}, await makePicture('png-emoji'))).reply).toMatchObject({ ok: true });
  }, 30_000);
});

describe('createApp() without decoders that load', () => {
  it('runs, but is not ready', async () => {
    const app = await createApp(config(1), { log, spawn: (sandbox) => createSpawn({ sandbox, script: '/is/not/there.cjs' }) });
    expect(app.ready).toBe(false);
    expect((await fetch(`http://127.0.0.1:${app.opsPort}/readyz`)).status).toBe(503);
    await app.stop();
  }, 20_000);
});

const started: App[] = [];
afterEach(async () => {
  for (const app of started.splice(0)) await app.stop();
});
async function startApp(change: Partial<Config>, deps: AppDeps): Promise<App> {
  const app = await createApp({ ...config(1), ...change }, { log, ...deps });
  started.push(app);
  return app;
}
const WARN = 40;
const ERROR = 50;

describe('createApp() on a machine without a launcher', () => {
  const facts: Facts = { ...readFacts(), launcher: undefined };

  it('does not start, nor touch Redis, when the sandbox is required', async () => {
    const before = await gateway.info('stats');
    await expect(createApp(config(1), { log, facts })).rejects.toThrow(ConfigError);
    await expect(createApp(config(1), { log, facts })).rejects.toThrow(/SEKISHO_SANDBOX=require: .*launcher is missing/);
    expect(connections(await gateway.info('stats'))).toBe(connections(before));
  });

  it('decodes with best effort, and says loudly what is missing', async () => {
    const app = await startApp({ sandbox: 'best-effort' }, { facts });
    expect((await run({}, await makePicture('png-emoji'))).reply).toMatchObject({ ok: true });
    const missing = SANDBOX_LAYERS.filter((layer) => layer !== 'environment');
    expect(lines).toContainEqual(expect.objectContaining({ level: WARN, msg: expect.stringContaining('without layers of the sandbox'), missing }));
    const text = await (await fetch(`http://127.0.0.1:${app.opsPort}/metrics`)).text();
    for (const layer of missing) expect(text).toContain(`sekisho_image_worker_sandbox_layer{layer="${layer}"} 0`);
    const ready: unknown = await (await fetch(`http://127.0.0.1:${app.opsPort}/readyz`)).json();
    expect(ready).toMatchObject({ ready: true, sandbox: { seccomp: false, environment: true } });
  }, 20_000);

  const connections = (info: string): string | undefined => /total_connections_received:(\d+)/.exec(info)?.[1];
});

describe('createApp() where walls do not stand', () => {
  it('is not ready, and gives no decoder a picture', async () => {
    const app = await startApp({}, { spawn: (sandbox) => createSpawn({ sandbox: { ...sandbox, layers: { ...sandbox.layers, apparmor: true } } }) });
    expect(app.ready).toBe(false);
    expect((await run({}, await makePicture('png-emoji'))).reply).toMatchObject({ ok: false, code: 'SEKISHO_IMAGE_SANDBOX' });
    expect(lines).toContainEqual(expect.objectContaining({ level: ERROR, msg: 'decoder runs without layers of the sandbox', missing: ['apparmor'] }));
    const text = await (await fetch(`http://127.0.0.1:${app.opsPort}/metrics`)).text();
    expect(text).toMatch(/sekisho_image_worker_decoder_kills_total\{reason="walls"\} [1-9]/);
    expect(text).toMatch(/sekisho_image_worker_jobs_total\{code="SEKISHO_IMAGE_SANDBOX"\} 1/);
  }, 20_000);
});

describe('App.stop()', () => {
  it.each([
    ['lets a running picture end', 20_000, 'SEKISHO_IMAGE_CPU'],
    ['ends a running picture with a code when its time is over', 0, 'SEKISHO_SHUTTING_DOWN'],
  ])('%s', async (_name, shutdownDrainMs, code) => {
    const app = await createApp({ ...config(1), shutdownDrainMs }, { log });
    const job = await order({ class: 'svg', mode: 'asis' }, Buffer.from(filterBombSvg(1_000)));
    await until(() => app.pool.stats.busy === 1);
    const startedAtMs = Date.now();
    await app.stop();
    expect(Date.now() - startedAtMs).toBeLessThan(15_000);
    await until(() => heard.has(job.jobId));
    expect(heard.get(job.jobId)).toMatchObject({ ok: false, code });
  }, 30_000);
});

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

describe('main.ts', () => {
  const env = (extra: Record<string, string>): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], SEKISHO_OPS_PORT: '0', SEKISHO_OPS_HOST: '127.0.0.1', ...extra });
  const start = (extra: Record<string, string>, ...args: string[]): ChildProcess =>
    spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], { env: env(extra), stdio: ['ignore', 'pipe', 'pipe'] });
  const textOf = (child: ChildProcess): (() => string) => {
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => void (text += chunk.toString()));
    return () => text;
  };
  /** Decoders by their parent in /proc. */
  const decodersOf = (pid: number): string[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(name) === pid);
  const parentOf = (pid: string): number => {
    try {
      return Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[1]);
    } catch {
      return -1;
    }
  };
  const alive = (pid: string): boolean => parentOf(pid) !== -1;

  it.each<[string, Record<string, string>, number, RegExp]>([
    ['a good configuration', { SEKISHO_WORK_REDIS_URL: 'redis://127.0.0.1:1' }, 0, /valid/],
    ['no Redis', {}, 1, /SEKISHO_WORK_REDIS_URL is not set/],
    ['a typo', { SEKISHO_WORK_REDIS_URL: 'redis://127.0.0.1:1', SEKISHO_DECODER_SLOT: '1' }, 1, /did you mean SEKISHO_DECODER_SLOTS/],
  ])('--check-config tells of %s', async (_name, extra, status, pattern) => {
    const child = start(extra, '--check-config');
    const text = textOf(child);
    const [code] = await once(child, 'exit') as [number];
    expect([code, text()]).toEqual([status, expect.stringMatching(pattern)]);
  }, 20_000);

  it.each<NodeJS.Signals>(['SIGTERM', 'SIGKILL'])('leaves no decoder behind after %s', async (signal) => {
    const child = start({ SEKISHO_WORK_REDIS_URL: redis.url, SEKISHO_DECODER_SLOTS: '1' });
    const text = textOf(child);
    await until(() => text().includes('"ready"') || child.exitCode !== null, 20_000);
    const decoders = decodersOf(child.pid ?? -1);
    expect(decoders.length).toBe(3);
    const exit = once(child, 'exit');
    child.kill(signal);
    const [code] = await exit as [number | null];
    expect(code).toBe(signal === 'SIGTERM' ? 0 : null);
    await until(() => !decoders.some(alive));
  }, 40_000);
});
