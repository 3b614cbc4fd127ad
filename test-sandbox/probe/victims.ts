// What a decoder that is taken over would like to have: secrets, connections and processes of a worker, in a folder and on
// ports of their own, so that an attempt that succeeds harms nothing.

import { randomBytes } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { type Server, type Socket, connect, createServer } from 'node:net';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the attempts are told; both kinds of attempts read it. */
export type AttackFacts = Readonly<Record<string, string | number>>;

export interface Victims {
  readonly facts: AttackFacts;
  /** Bytes that the decoder beside the attacked one holds. */
  readonly marker: string;
  /** A script that decoders may read and this user may write. */
  readonly code: string;
  readonly environment: Readonly<Record<string, string>>;
  close(): void;
}

export interface VictimOptions {
  /** Folder made by build.ts. */
  readonly build: string;
  /** Program with the set-user-ID bit of root. */
  readonly setuid?: string | undefined;
  /** Makes a descriptor that an execve does not close and gives its number. */
  readonly inherit: (fd: number) => string;
}

const HOST = '127.0.0.1';

export async function makeVictims({ build, setuid, inherit }: VictimOptions): Promise<Victims> {
  const folder = unlessForbidden(() => mkdtempSync(join(tmpdir(), 'sekisho-probe-'))) ?? tmpdir();
  const marker = randomBytes(24).toString('hex');
  const environmentSecret = randomBytes(16).toString('hex');
  const files = makeFiles(folder);
  const listeners = await listen(folder);
  const leaked = {
    leakedSecret: inherit(openSync(files.secret, 'r')), leakedFile: inherit(openSync(files.victim, 'r+')), leakedSocket: inherit(listeners.connection),
  };
  const { close, connection: _, ...ports } = listeners;
  const facts = {
    parent: process.pid, parentNice: getPriority(), parentFd: openSync(files.secret, 'r'), folder, ...files, ...ports, ...leaked, environmentSecret,
    node: process.execPath, fontCache: join(folder, 'fontconfig'), addon: join(build, 'inside/probe.node'), scripted: join(build, 'inside/scripted.cjs'),
    library: join(build, 'outside/library.node'), program: join(build, 'outside/escape'), ...(setuid === undefined ? {} : { setuid }),
  };
  return {
    facts, marker, code: files.code, environment: hostileEnvironment(build, environmentSecret),
    close: () => {
      close();
      if (folder !== tmpdir()) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The seccomp profile of a pod forbids its worker folders and Unix sockets that listen: those victims are then a mere name. */
function unlessForbidden<Value>(make: () => Value): Value | undefined {
  try {
    return make();
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}

const isForbidden = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EPERM';

function makeFiles(folder: string): Readonly<Record<'secret' | 'token' | 'victim' | 'code', string>> {
  const make = (name: string, mode: number): string => {
    const path = join(folder, name);
    // Where no folder can be made, no file can be removed either: they are those of the run before.
    if (!existsSync(path)) writeFileSync(path, `${name} of the worker\n`.repeat(8), { mode });
    return path;
  };
  unlessForbidden(() => mkdirSync(join(folder, 'fontconfig')));
  make('victim-remove', 0o600);
  return { secret: make('secret', 0o600), token: make('token', 0o400), victim: make('victim', 0o600), code: make('code.cjs', 0o600) };
}

interface Listeners {
  readonly port: number;
  readonly port6: number;
  readonly udp: number;
  readonly unix: string;
  readonly abstract: string;
  /** Descriptor of a connection that the worker has open. */
  readonly connection: number;
  close(): void;
}

async function listen(folder: string): Promise<Listeners> {
  const unix = join(folder, 'worker.sock');
  const abstract = `sekisho-probe-${process.pid}`;
  const servers = [createServer(drop), createServer(drop), createServer(drop), createServer(drop)] as const;
  const port = await portOf(servers[0], HOST);
  const port6 = await portOf(servers[1], '::1').catch(() => -1);
  await pathOf(servers[2], unix);
  await pathOf(servers[3], `\0${abstract}`);
  const datagrams = createSocket('udp4');
  const udp = await new Promise<number>((resolve) => {
    datagrams.bind(0, HOST, () => resolve(datagrams.address().port));
  });
  const connection = await connected(port);
  const close = (): void => closeAll(servers, datagrams, connection);
  return { port, port6, udp, unix, abstract, connection: descriptorOf(connection), close };
}

/** Not waited for: a copy of its other end has leaked and stays open. */
const drop = (socket: Socket): void => {
  socket.on('error', () => undefined);
  socket.resume();
  socket.unref();
};

function closeAll(servers: readonly Server[], datagrams: UdpSocket, connection: Socket): void {
  connection.destroy();
  datagrams.close();
  for (const server of servers) server.close();
}

const portOf = (server: Server, host: string): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : -1);
    });
  });

const pathOf = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (error) => (isForbidden(error) ? resolve() : reject(error)));
    server.listen(path, () => resolve());
  });

const connected = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, HOST, () => resolve(socket));
    socket.once('error', reject);
  });

/** Node has no public name for it. */
function descriptorOf(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, '_handle');
  const fd: unknown = typeof handle === 'object' && handle !== null && 'fd' in handle ? handle.fd : undefined;
  if (typeof fd !== 'number') throw new Error('a socket without descriptor');
  return fd;
}

/** An environment of a worker that would change what its decoders run. */
const hostileEnvironment = (build: string, secret: string): Readonly<Record<string, string>> => ({
  REDIS_URL: `redis://worker:${secret}@127.0.0.1:6379`,
  LD_PRELOAD: join(build, 'inside/preload.so'),
  LD_LIBRARY_PATH: join(build, 'inside/elsewhere'),
  NODE_OPTIONS: `--require=${join(build, 'inside/required.cjs')}`,
  OPENSSL_CONF: join(build, 'inside/openssl.cnf'),
});
