// The worker as it is deployed, under exactly the policy of its pod's profile, installed around it as a filter: container
// runtimes do the same with the JSON. Its decoders' own filters come on top.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { IMAGE_QUEUE, type ImageJob, type ImageReply, PREFIX, parseImageReply, workKeys } from '@sekisho/contracts';
import { type TestRedis, makePicture, startRedis, svg } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { ensureLauncher, launcherProblem } from '../../set-up/launcher.ts';
import { encode } from './assembler.ts';
import { compile } from './compile.ts';
import { readPolicy } from './files.ts';
import { resolve } from './policy.ts';

const root = dirname(dirname(dirname(import.meta.dirname)));
const folder = mkdtempSync(join(tmpdir(), 'sekisho-pod-'));
const problem = launcherProblem();
const newId = (): string => randomBytes(16).toString('base64url');
const policy = resolve(readPolicy(root, 'image-worker.policy'), process.arch === 'arm64' ? 'arm64' : 'x86_64');

/** The policy without some of its calls, as a file for the launcher. */
function filterWithout(...names: readonly string[]): string {
  const path = join(folder, `${names.join('-') || 'whole'}.bpf`);
  writeFileSync(path, encode(compile({ ...policy, calls: policy.calls.filter(({ name }) => !names.includes(name)) })));
  return path;
}

let redis: TestRedis;
let gateway: Redis;
let listener: Redis;
let queue: Queue;
let worker: ChildProcess | undefined;
const gatewayId = newId();
const heard = new Map<string, ImageReply>();

beforeAll(async () => {
  redis = await startRedis();
  gateway = redis.client();
  listener = redis.client();
  listener.on('message', (_channel, text: string) => {
    const reply = parseImageReply(text);
    if (reply !== undefined) heard.set(reply.jobId, reply);
  });
  await listener.subscribe(workKeys.done(gatewayId));
  queue = new Queue(IMAGE_QUEUE, { connection: gateway, prefix: PREFIX, skipMetasUpdate: true, skipVersionCheck: true });
  queue.on('error', () => undefined);
}, 30_000);
afterEach(() => void worker?.kill('SIGKILL'));
afterAll(async () => {
  await queue.close();
  await redis.stop();
  rmSync(folder, { recursive: true });
});

interface Started {
  readonly pid: number;
  readonly exited: Promise<unknown[]>;
  readonly lines: () => readonly Record<string, unknown>[];
}

function start(filter: string): Started {
  const [, port = ''] = /:(\d+)/.exec(redis.url) ?? [];
  worker = spawn(ensureLauncher(), ['--filter', filter, '--', process.execPath, '--no-warnings', join(root, 'services/image-worker/src/main.ts')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // By name, so that the resolver of the C library is part of it.
    env: { SEKISHO_REDIS_URL: `redis://localhost:${port}`, SEKISHO_OPS_HOST: '127.0.0.1', SEKISHO_OPS_PORT: '0', SEKISHO_DECODER_SLOTS: '1', SEKISHO_SANDBOX: 'require' },
  });
  let out = '';
  for (const stream of [worker.stdout, worker.stderr]) stream?.on('data', (chunk: Buffer) => void (out += String(chunk)));
  const lines = (): Record<string, unknown>[] =>
    out.split('\n').filter((line) => line !== '').map((line) => (line.startsWith('{') ? JSON.parse(line) as Record<string, unknown> : { msg: line }));
  return { pid: worker.pid ?? 0, exited: once(worker, 'exit'), lines };
}

async function decode(change: Partial<ImageJob>, source: Buffer): Promise<ImageReply | undefined> {
  const job: ImageJob = {
    v: 1, jobId: newId(), sourceId: newId(), outId: newId(), isolation: newId(), class: 'raster', mode: 'emoji',
    deadlineAtMs: Date.now() + 20_000, replyTo: gatewayId, ...change,
  };
  await gateway.set(workKeys.source(job.sourceId), source, 'PX', 120_000);
  await queue.add('image', job, { jobId: job.jobId, attempts: 1 });
  await until(() => heard.has(job.jobId));
  return heard.get(job.jobId);
}

const filtersOf = (pid: number | string): number => Number(/^Seccomp_filters:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
const childrenOf = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ')).filter((child) => child !== '');

(problem === undefined ? describe : describe.skip)('the image-worker under its pod profile', () => {
  it('starts, decodes, loses Redis and finds it again, answers its ops port and stops', async () => {
    const { pid, exited, lines } = start(filterWithout());
    await until(() => lines().some(({ msg }) => msg === 'ready'));
    const own = filtersOf('self');
    expect(filtersOf(pid)).toBe(own + 1);
    const decoders = childrenOf(pid);
    expect(decoders.length).toBeGreaterThan(0);
    expect(decoders.map(filtersOf)).toEqual(decoders.map(() => own + 2));

    expect(await decode({}, await makePicture('png-emoji'))).toMatchObject({ ok: true });
    expect(await decode({ class: 'animation' }, await makePicture('webp-animated'))).toMatchObject({ ok: true });
    expect(await decode({ class: 'svg', mode: 'asis' }, Buffer.from(svg({ width: 64, height: 32 }, '<text y="20">Aa</text>')))).toMatchObject({ ok: true });

    const port = Number(lines().find(({ msg }) => msg === 'ready')?.['ops_port']);
    const state = async (): Promise<unknown> => await (await fetch(`http://127.0.0.1:${port}/readyz`)).json();
    expect(await state()).toMatchObject({ ready: true, work_redis: 'up', sandbox: { seccomp: true, landlock_files: true } });
    await redis.crash();
    await until(async () => (await state() as { readonly work_redis: string }).work_redis === 'down');
    await redis.restart();
    await until(async () => (await state() as { readonly work_redis: string }).work_redis === 'up' && listener.status === 'ready' && gateway.status === 'ready');
    expect(await decode({}, await makePicture('jpeg-photo'))).toMatchObject({ ok: true });

    worker?.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(lines().filter(({ level }) => level === 'error')).toEqual([]);
  }, 60_000);

  it.each([
    ['Landlock', 'landlock_create_ruleset'],
    ['seccomp', 'seccomp'],
  ])('would not start if the profile kept %s from it', async (_name, call) => {
    const { exited, lines } = start(filterWithout(call));
    const [code] = await exited;
    expect(code).not.toBe(0);
    expect(JSON.stringify(lines()).toLowerCase()).toContain(call.split('_')[0]);
  }, 30_000);

  it('would not reach Redis if the profile had no sockets', async () => {
    const { lines } = start(filterWithout('socket'));
    await until(() => JSON.stringify(lines()).includes('EPERM'));
    expect(lines().some(({ msg }) => msg === 'ready')).toBe(false);
  }, 30_000);
});
