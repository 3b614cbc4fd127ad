// The stack's own Redis: two roles on one server, one user per service, no persistence, in a folder that goes with it.

import { type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { REDIS_USERS, type RedisUser, renderUsersAcl } from '../redis-users.ts';
import { findProgram } from '../set-up/programs.ts';
import { type Processes, StackProblem } from './processes.ts';

const START_MS = 10_000;
const POLL_MS = 50;

export interface StackRedis {
  readonly port: number;
  /** URL with the credentials of a user. */
  url(user: RedisUser): string;
  readonly child: ChildProcess;
  /** The same port again, empty, after a test has killed it. */
  restart(): Promise<void>;
}

export interface StackRedisOptions {
  readonly processes: Processes;
  readonly folder: string;
  readonly port: number;
  readonly maxmemoryMb: number;
  /** Tests only: a further user `admin` with all rights, to look at ACL LOG. */
  readonly adminPassword?: string | undefined;
}

/** Starts a server whose users are those of k8s/redis/users.acl, with passwords made for this run. */
export async function startStackRedis(options: StackRedisOptions): Promise<StackRedis> {
  const { folder, port, processes } = options;
  const program = findProgram('redis-server');
  if (program === undefined) throw new StackProblem('no Redis found: set SEKISHO_REDIS_URL or run: sudo apt install redis-server');
  const passwords = new Map(REDIS_USERS.map((user) => [user, randomBytes(24).toString('base64url')]));
  const hashes = new Map([...passwords].map(([user, password]) => [user, createHash('sha256').update(password).digest('hex')]));
  const aclFile = join(folder, 'users.acl');
  writeFileSync(aclFile, renderUsersAcl(hashes) + adminLine(options.adminPassword), { mode: 0o600 });
  const args = [
    '--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no', '--loglevel', 'warning',
    '--maxmemory', `${options.maxmemoryMb}mb`, '--maxmemory-policy', 'noeviction', '--aclfile', aclFile,
  ];
  const start = async (): Promise<ChildProcess> => {
    const started = processes.start({ name: 'redis', command: [program, ...args], env: {}, cwd: folder });
    await waitForPort(started, port);
    return started;
  };
  let child = await start();
  return {
    port,
    get child() {
      return child;
    },
    restart: async () => {
      child = await start();
    },
    url: (user) => `redis://${user}:${passwords.get(user) ?? ''}@127.0.0.1:${port}`,
  };
}

const adminLine = (password: string | undefined): string =>
  password === undefined ? '' : `user admin reset on #${createHash('sha256').update(password).digest('hex')} ~* &* +@all\n`;

async function waitForPort(child: ChildProcess, port: number): Promise<void> {
  const until = Date.now() + START_MS;
  while (Date.now() < until) {
    if (child.exitCode !== null || child.signalCode !== null) throw new StackProblem('Redis did not start; see its lines above', 'redis');
    if (await answers(port)) return;
    await delay(POLL_MS);
  }
  throw new StackProblem(`Redis did not listen within ${START_MS / 1000} s`);
}

const answers = async (port: number): Promise<boolean> =>
  await new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('close', () => undefined).setTimeout(1_000, () => socket.destroy());
    socket.once('connect', () => socket.end());
  });
