// A real Redis for tests: its own process on a random loopback port or a unix socket, no persistence, gone with the test.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis, type RedisOptions } from 'ioredis';
import { freePort } from './ports.ts';

const START_MS = 10_000;

/** What tests set of a client. */
export type ClientOptions = Omit<RedisOptions, 'replyMapping'>;

export interface TestRedis {
  readonly port: number;
  readonly url: string;
  /** A connected client; closed with the server. */
  client(options?: ClientOptions): Redis;
  /** SIGKILL, as a crash would be. */
  crash(): Promise<void>;
  /** The same port again after a crash, empty. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface TestRedisOptions {
  readonly maxmemoryMb?: number;
  /** Path of an ACL file. */
  readonly aclFile?: string;
}

export async function startRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'sekisho-redis-'));
  const port = await freePort();
  const clients: Redis[] = [];
  let server = await launch(folder, port, options);
  const kill = async (): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, 'exit');
    server.kill('SIGKILL');
    await gone;
  };
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    client: (clientOptions = {}) => {
      const client = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null, disconnectTimeout: 100, ...clientOptions });
      client.on('error', () => undefined);
      clients.push(client);
      return client;
    },
    crash: kill,
    restart: async () => {
      await kill();
      server = await launch(folder, port, options);
    },
    stop: async () => {
      for (const client of clients) client.disconnect();
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function launch(folder: string, port: number, options: TestRedisOptions): Promise<ChildProcess> {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'];
  args.push('--maxmemory', `${options.maxmemoryMb ?? 128}mb`, '--maxmemory-policy', 'noeviction');
  if (options.aclFile !== undefined) args.push('--aclfile', options.aclFile);
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const timer = setTimeout(() => server.kill('SIGKILL'), START_MS);
  await new Promise<void>((resolve, reject) => {
    let text = '';
    server.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('Ready to accept connections')) resolve();
    });
    server.once('exit', () => reject(new Error(`redis-server did not start: ${text.slice(-500)}`)));
    server.once('error', reject);
  }).finally(() => clearTimeout(timer));
  return server;
}
