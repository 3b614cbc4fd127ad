// The worker under its own Redis user: whole jobs without one refused command, and nothing beyond them.

import { createHash, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { IMAGE_QUEUE, type ImageJob, PREFIX, parseImageReply, stateKeys, workKeys } from '@sekisho/contracts';
import { type TestRedis, makePicture, startRedis } from '@sekisho/testkit';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import pino from 'pino';
import { BULLMQ_WORKER_COMMANDS, REDIS_USERS, type RedisUser, renderUsersAcl } from '../../../scripts/redis-users.ts';
import { type App, createApp } from './app.ts';

const newId = (): string => randomBytes(16).toString('base64url');
const passwords = new Map<RedisUser, string>(REDIS_USERS.map((user) => [user, newId()]));
const passwordOf = (user: RedisUser): string => passwords.get(user) ?? '';
const hashes = new Map([...passwords].map(([user, password]) => [user, createHash('sha256').update(password).digest('hex')]));
const ADMIN = newId();
const gatewayId = newId();

let folder: string;
let redis: TestRedis;
let admin: Redis;
let gateway: Redis;
let worker: Redis;
let queue: Queue;
let app: App;

const clients = new Map<RedisUser, Redis>();
function as(user: RedisUser): Redis {
  const client = clients.get(user) ?? redis.client({ username: user, password: passwordOf(user), enableReadyCheck: false, disableClientInfo: true });
  clients.set(user, client);
  return client;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sekisho-acl-'));
  const file = join(folder, 'users.acl');
  await writeFile(file, `${renderUsersAcl(hashes)}user test-admin on >${ADMIN} ~* &* +@all\n`);
  redis = await startRedis({ aclFile: file });
  admin = redis.client({ username: 'test-admin', password: ADMIN });
  gateway = as('sekisho-gateway-work');
  worker = as('sekisho-worker');
  queue = new Queue(IMAGE_QUEUE, { connection: gateway, prefix: PREFIX, skipMetasUpdate: true, skipVersionCheck: true });
  app = await createApp(
    {
      redisUrl: `redis://sekisho-worker:${passwordOf('sekisho-worker')}@127.0.0.1:${redis.port}`,
      ops: { host: '127.0.0.1', port: 0 }, isolation: 'site', sandbox: 'require', slots: 2, shutdownDrainMs: 2_500, logLevel: 'error',
    },
    { log: pino({ level: 'silent' }) },
  );
}, 30_000);

afterAll(async () => {
  await app.stop();
  await queue.close();
  await redis.stop();
  await rm(folder, { recursive: true });
}, 20_000);

async function run(change: Partial<ImageJob> = {}, source?: Buffer): Promise<unknown> {
  const job: ImageJob = {
    v: 1, jobId: newId(), sourceId: newId(), outId: newId(), isolation: newId(), class: 'raster', mode: 'emoji',
    deadlineAtMs: Date.now() + 20_000, replyTo: gatewayId, ...change,
  };
  if (source !== undefined) await gateway.set(workKeys.source(job.sourceId), source, 'PX', 120_000);
  await queue.add('image', job, { jobId: job.jobId, attempts: 1, removeOnComplete: { count: 200 }, removeOnFail: { count: 200 } });
  for (let i = 0; i < 400; i += 1) {
    const text = await gateway.get(workKeys.reply(job.jobId));
    if (text !== null) return parseImageReply(text);
    await new Promise((resolve) => void setTimeout(resolve, 25));
  }
  return 'no reply';
}

describe('users.acl', () => {
  it('is what the generator makes of it', async () => {
    expect(await readFile(new URL('../../../k8s/redis/users.acl', import.meta.url), 'utf8')).toBe(renderUsersAcl());
  });

  it('lists for the worker what the scripts of BullMQ call, no more and no less', () => {
    const require = createRequire(import.meta.url);
    const scripts = require(join(dirname(require.resolve('bullmq')), 'scripts/index.js')) as Record<string, { readonly content: string }>;
    const texts = ['moveToActive', 'moveToFinished', 'moveStalledJobsToWait', 'extendLock', 'extendLocks', 'releaseLock'].map((name) => scripts[name]?.content ?? '');
    // RPUSH and LPUSH are called by a variable.
    const calls = /(?:(?:rcall|redis\.call)\(\s*['"](\w+)['"])|['"]([LR]PUSH)['"]/g;
    const called = texts.flatMap((text) => [...text.matchAll(calls)].map((match) => (match[1] ?? match[2] ?? '').toLowerCase()));
    expect([...BULLMQ_WORKER_COMMANDS]).toEqual([...new Set([...called, 'bzpopmin'])].toSorted());
  });

  it('is the whole of what the server knows, and the default user is off', async () => {
    expect(await admin.acl('USERS')).toEqual(['default', ...REDIS_USERS, 'test-admin'].toSorted());
    await expect(redis.client().ping()).rejects.toThrow(/NOAUTH/);
  });
});

describe('the worker under its user', () => {
  it('runs whole jobs, good and bad, with an empty ACL log', async () => {
    await admin.acl('LOG', 'RESET');
    const picture = await makePicture('png-emoji');
    expect(await run({}, picture)).toMatchObject({ ok: true, width: 128 });
    expect(await run({ mode: 'badge' }, await makePicture('png-flat'))).toMatchObject({ ok: false, code: 'SEKISHO_IMAGE_FLAT' });
    expect(await run({ deadlineAtMs: 1 }, picture)).toMatchObject({ ok: false, code: 'SEKISHO_DEADLINE' });
    expect(await run()).toMatchObject({ ok: false, code: 'SEKISHO_DEADLINE' });
    expect(await run({ v: 9 as never }, picture)).toMatchObject({ ok: false, code: 'SEKISHO_CONTRACT_VERSION' });
    // Long enough for the lock to be renewed, for the stalled check, and for a dead worker's job to be failed.
    await gateway.rpush(workKeys.queueActive, 'lost');
    await gateway.sadd(`${PREFIX}:image:stalled`, 'lost');
    await gateway.hset(`${PREFIX}:image:lost`, { name: 'image', data: '{}', opts: '{"attempts":1}', timestamp: 1, delay: 0, priority: 0 });
    for (let i = 0; i < 80 && (await gateway.zscore(`${PREFIX}:image:failed`, 'lost')) === null; i += 1) {
      await new Promise((resolve) => void setTimeout(resolve, 100));
    }
    expect(await admin.acl('LOG')).toEqual([]);
    expect(await gateway.zscore(`${PREFIX}:image:failed`, 'lost')).not.toBeNull();
  }, 30_000);

  it('is told from the log when it does more, so that the empty log means something', async () => {
    await admin.acl('LOG', 'RESET');
    await expect(worker.get(stateKeys.cache('x'))).rejects.toThrow(/NOPERM/);
    expect(await admin.acl('LOG')).toHaveLength(1);
  });
});

const id = newId();
const FORBIDDEN: readonly (readonly [RedisUser, readonly string[]])[] = [
  ...[['GET', '{lim}:client:1'], ['SET', '{lim}:client:1', '0'], ['GET', stateKeys.cache(id)], ['SET', stateKeys.cache(id), 'x'],
    ['DEL', stateKeys.flight(id)], ['GET', '{sekisho}:audit:1'], ['LPUSH', '{sekisho}:audit:1', 'x'], ['PUBLISH', stateKeys.purge, 'x'],
    ['PUBLISH', stateKeys.flightChannel(id), 'x'], ['SUBSCRIBE', workKeys.done(id)], ['CONFIG', 'GET', '*'], ['CONFIG', 'SET', 'dir', '/tmp'],
    ['FLUSHALL'], ['FLUSHDB'], ['KEYS', '*'], ['SCAN', '0'], ['RANDOMKEY'], ['INFO'], ['MONITOR'], ['ACL', 'LIST'], ['ACL', 'WHOAMI'],
    ['CLIENT', 'LIST'], ['CLIENT', 'KILL', 'ID', '1'], ['LATENCY', 'RESET'], ['SCRIPT', 'FLUSH'], ['FUNCTION', 'FLUSH'], ['SHUTDOWN'],
    ['REPLICAOF', 'NO', 'ONE'], ['MODULE', 'LIST'], ['SLOWLOG', 'GET'], ['SWAPDB', '0', '1'],
    // Sources are taken, never made; results are made, never read; the ledger is none of a worker's business.
    ['SET', workKeys.source(id), 'x'], ['GET', workKeys.result(id)], ['GETRANGE', workKeys.result(id), '0', '9'], ['UNLINK', workKeys.result(id)],
    ['GETRANGE', workKeys.reply(id), '0', '9'], ['GET', workKeys.leasedBytes], ['SET', workKeys.leasedBytes, '0'], ['ZADD', workKeys.leases, '1', 'x'],
    ['EVAL', "return redis.call('GET', KEYS[1])", '1', stateKeys.cache(id)], ['EVAL', 'return 1', '1', workKeys.leases],
  ].map((command) => ['sekisho-worker', command] as const),
  ...[['LPUSH', workKeys.queueWait, 'x'], ['GET', workKeys.result(id)], ['SET', workKeys.reply(id), 'x'], ['PUBLISH', workKeys.done(id), 'x'],
    ['GET', stateKeys.cache(id)], ['GET', '{lim}:client:1'], ['CONFIG', 'GET', '*'], ['FLUSHALL'], ['KEYS', '*'], ['SCAN', '0'],
  ].map((command) => ['sekisho-fetcher', command] as const),
  ...[['GET', stateKeys.cache(id)], ['GET', '{lim}:client:1'], ['CONFIG', 'GET', '*'], ['FLUSHALL'], ['KEYS', '*'], ['SCAN', '0'], ['SCRIPT', 'FLUSH'],
  ].map((command) => ['sekisho-gateway-work', command] as const),
  ...[['GET', workKeys.source(id)], ['LPUSH', workKeys.queueWait, 'x'], ['CONFIG', 'GET', '*'], ['FLUSHALL'], ['KEYS', '*'], ['SCAN', '0'], ['MIGRATE', 'h', '1', 'k', '0', '1'],
  ].map((command) => ['sekisho-gateway-state', command] as const),
];

describe('what users may not do', () => {
  it.each(FORBIDDEN)('%s: %j is NOPERM', async (user, [command = '', ...args]) => {
    await expect(as(user).call(command, ...args)).rejects.toThrow(/NOPERM|ACL failure/);
  });

  it.each<[RedisUser, readonly string[]]>([
    ['sekisho-worker', ['SET', workKeys.result(id), 'x', 'PX', '1000']],
    ['sekisho-worker', ['GETRANGE', workKeys.source(id), '0', '9']],
    ['sekisho-worker', ['PUBLISH', workKeys.done(id), 'x']],
    ['sekisho-fetcher', ['SET', workKeys.source(id), 'x', 'NX', 'PX', '1000']],
    ['sekisho-fetcher', ['EVAL', "return redis.call('SET', KEYS[1], 'x', 'PX', 1000)", '1', workKeys.source(newId())]],
    ['sekisho-gateway-state', ['SET', stateKeys.cache(id), 'x', 'PX', '1000']],
    ['sekisho-gateway-state', ['SET', '{lim}:client:1', 'x', 'PX', '1000']],
    ['sekisho-gateway-state', ['PUBLISH', stateKeys.purge, 'x']],
    ['sekisho-gateway-work', ['GETRANGE', workKeys.result(id), '0', '9']],
  ])('%s: %j is allowed', async (user, [command = '', ...args]) => {
    await expect(as(user).call(command, ...args)).resolves.toBeDefined();
  });
});
