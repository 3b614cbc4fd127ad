// A real PostgreSQL for tests: its own cluster in a folder of its own, on a random loopback port, gone with the test. It
// refuses to run as root, so root starts it as nobody.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports.ts';

const START_MS = 30_000;
const COMMAND_MS = 30_000;
/** nobody and nogroup of Debian. */
const NOBODY = 65_534;
/** Debian's packages keep the servers of all versions here, outside of PATH. */
const DEBIAN_FOLDER = '/usr/lib/postgresql';
/** Where other systems have the one server there is. */
const FOLDERS = ['/usr/local/bin', '/usr/bin'] as const;
const PASSWORD = 'owner-password';
/** Misskey's user and database in the tests. */
const OWNER = 'misskey';

export interface TestPostgres {
  readonly port: number;
  /** As the owner of the database, or as somebody else. */
  url(user?: string, password?: string): string;
  /** Runs SQL as the owner, or in the name of somebody else, and gives the rows as psql prints them. @throws Error with what psql said. */
  sql(text: string, user?: string): string;
  /** The port takes connections and nobody answers, as on a machine that hangs. */
  pause(): void;
  resume(): void;
  /** All connections break, nobody listens. */
  crash(): Promise<void>;
  /** The same data on the same port again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Folder of the newest server; undefined where there is none. */
export function postgresFolder(): string | undefined {
  const versions = existsSync(DEBIAN_FOLDER) ? readdirSync(DEBIAN_FOLDER).toSorted((a, b) => Number(b) - Number(a)) : [];
  const folders = [...versions.map((version) => join(DEBIAN_FOLDER, version, 'bin')), ...FOLDERS];
  return folders.find((folder) => ['initdb', 'postgres', 'psql'].every((name) => existsSync(join(folder, name))));
}

/** @throws Error where no PostgreSQL is installed. */
export async function startPostgres(): Promise<TestPostgres> {
  const programs = postgresFolder();
  if (programs === undefined) throw new Error('no PostgreSQL found; run: sudo apt install postgresql');
  const folder = await mkdtemp(join(tmpdir(), 'sekisho-postgres-'));
  const place: Place = { programs, folder, port: await freePort() };
  await createCluster(place);
  let server = await launch(place);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, 'exit');
    server.kill('SIGCONT');
    server.kill(signal);
    await gone;
  };
  return {
    port: place.port,
    url: (user = OWNER, password = PASSWORD) => `postgres://${user}:${password}@127.0.0.1:${place.port}/${OWNER}`,
    sql: (text, user = OWNER) => run(place, 'psql', ['-XqAt', '-v', 'ON_ERROR_STOP=1', '-h', folder, '-p', String(place.port), '-U', user, '-d', OWNER, '-c', text]),
    pause: () => void server.kill('SIGSTOP'),
    resume: () => void server.kill('SIGCONT'),
    crash: async () => await end('SIGQUIT'),
    restart: async () => {
      await end('SIGQUIT');
      server = await launch(place);
    },
    stop: async () => {
      await end('SIGQUIT');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Place {
  readonly programs: string;
  readonly folder: string;
  readonly port: number;
}

const IDENTITY = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

/** Over TCP with passwords, as in production; over the socket in the folder without. */
async function createCluster(place: Place): Promise<void> {
  const { folder } = place;
  const passwords = join(folder, 'password');
  await writeFile(passwords, PASSWORD);
  for (const path of [folder, passwords]) {
    if (IDENTITY.uid !== undefined) await chown(path, IDENTITY.uid, IDENTITY.gid);
    await chmod(path, path === folder ? 0o700 : 0o600);
  }
  run(place, 'initdb', [
    '-D', join(folder, 'data'), '-U', OWNER, `--pwfile=${passwords}`, '--auth-local=trust', '--auth-host=scram-sha-256', '--no-sync', '--locale=C', '-E', 'UTF8',
  ]);
  // In place of a server only for this statement.
  run(place, 'postgres', ['--single', '-D', join(folder, 'data'), 'postgres'], `CREATE DATABASE ${OWNER};\n`);
}

function run({ programs, folder }: Place, name: string, args: readonly string[], input = ''): string {
  const { status, stdout, stderr, error } = spawnSync(join(programs, name), args, {
    ...IDENTITY, cwd: folder, env: { HOME: folder, LC_ALL: 'C' }, input, encoding: 'utf8', timeout: COMMAND_MS, killSignal: 'SIGKILL',
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(stderr.trim());
  return stdout.trim();
}

async function launch({ programs, folder, port }: Place): Promise<ChildProcess> {
  const settings = ['listen_addresses=127.0.0.1', `port=${port}`, `unix_socket_directories=${folder}`, 'fsync=off', 'shared_buffers=16MB', 'max_connections=20', 'lc_messages=C'];
  const server = spawn(join(programs, 'postgres'), ['-D', join(folder, 'data'), ...settings.flatMap((setting) => ['-c', setting])], {
    ...IDENTITY, cwd: folder, env: { LC_ALL: 'C' }, stdio: ['ignore', 'ignore', 'pipe'],
  });
  const timer = setTimeout(() => server.kill('SIGKILL'), START_MS);
  await new Promise<void>((resolve, reject) => {
    let text = '';
    server.stderr.on('data', (chunk: Buffer) => {
      if (text.length < 10_000) text += chunk.toString();
      if (text.includes('ready to accept connections')) resolve();
    });
    server.once('exit', () => reject(new Error(`postgres did not start: ${text.slice(-500)}`)));
    server.once('error', reject);
  }).finally(() => clearTimeout(timer));
  return server;
}
