// A Redis with Misskey's queue `inbox` in it, and the gateway's user of that Redis. Queue and worker are of the BullMQ that
// Misskey has, with Misskey's options.

import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestRedis, startRedis } from '@sekisho/testkit';
import { type Job, type Processor, Queue, Worker } from 'bullmq-misskey';
import type { Redis } from 'ioredis';
import { MISSKEY_QUEUE_USER, type MisskeyQueueGiven, renderMisskeyQueueAcl } from '../../../../../scripts/redis-misskey-queue.ts';

export const PREFIX = 'misskey.origin.example';
export const QUEUE = `${PREFIX}:queue:inbox:inbox`;
export const VERSION = '2026.3.2';

export interface TestMisskey {
  readonly server: TestRedis;
  /** Everything is allowed. */
  readonly admin: Redis;
  readonly queue: Queue;
  /** URL of the gateway's user. */
  readonly url: string;
  /** A client under the gateway's user. */
  readonly enqueue: Redis;
  work(processor: Processor, backoffMs?: number): Worker;
  /** Stops and continues the whole server; nothing where it is dead. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  stop(): Promise<void>;
}

export interface TestMisskeyOptions {
  /** The line of the gateway's user; default as it is shipped. */
  readonly acl?: (given: MisskeyQueueGiven) => string;
}

export async function startTestMisskey({ acl = renderMisskeyQueueAcl }: TestMisskeyOptions = {}): Promise<TestMisskey> {
  const password = randomBytes(12).toString('hex');
  const folder = await mkdtemp(join(tmpdir(), 'sekisho-acl-'));
  const aclFile = join(folder, 'users.acl');
  const line = acl({ prefix: PREFIX, passwordHash: createHash('sha256').update(password).digest('hex') });
  // As Misskey usually has it: its own connection is the default user.
  await writeFile(aclFile, `user default on nopass ~* &* +@all\n${line}`);
  const server = await startRedis({ aclFile });
  const connection = { host: '127.0.0.1', port: server.port };
  const queue = new Queue('inbox', { connection, prefix: `${PREFIX}:queue:inbox` });
  const admin = server.client();
  const pid = Number(/process_id:(\d+)/.exec(await admin.info('server'))?.[1]);
  await queue.waitUntilReady();
  queue.on('error', () => undefined);
  const workers: Worker[] = [];
  return {
    server, admin, queue,
    url: `redis://${MISSKEY_QUEUE_USER}:${password}@127.0.0.1:${server.port}`,
    enqueue: server.client({ username: MISSKEY_QUEUE_USER, password, enableReadyCheck: false, disableClientInfo: true }),
    work: (processor, backoffMs = 50) => {
      const worker = new Worker('inbox', processor, {
        connection, prefix: `${PREFIX}:queue:inbox`, concurrency: 16, limiter: { max: 32, duration: 1_000 },
        settings: { backoffStrategy: () => backoffMs },
      });
      worker.on('error', () => undefined);
      workers.push(worker);
      return worker;
    },
    signal: (name) => {
      try {
        process.kill(pid, name);
      } catch (error) {
        if ((error as { readonly code?: string }).code !== 'ESRCH') throw error;
      }
    },
    stop: async () => {
      await Promise.all(workers.map((worker) => worker.close(true)));
      await queue.close();
      await server.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** The state of a job, or that there is none. */
export const stateOf = async ({ queue }: TestMisskey, id: string): Promise<string> => {
  const job: Job | undefined = await queue.getJob(id);
  return job === undefined ? 'none' : await job.getState();
};
