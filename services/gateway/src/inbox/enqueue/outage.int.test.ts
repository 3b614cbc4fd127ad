// Redis dead, stopped, slow, full or hostile: the sender hears of a fault within the deadline, and a job is in the queue
// whole or not at all.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isSekishoError } from '@sekisho/contracts';
import { freePort } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { Redis } from 'ioredis';
import { PREFIX, QUEUE, startTestMisskey, stateOf, type TestMisskey, VERSION } from '../../testing/enqueue/misskey.ts';
import { activities, byCavage, type Received } from '../../testing/enqueue/requests.ts';
import { createEnqueue, type Enqueue } from './enqueue.ts';

const QUEUE_MS = 1_000;
const AWAY = { code: 'SEKISHO_INBOX_QUEUE_AWAY' };
let misskey: TestMisskey;
let enqueue: Enqueue;

const open = (redisUrl: string): Enqueue => createEnqueue({ redisUrl, prefix: PREFIX, version: VERSION, queueMs: QUEUE_MS, onError: () => undefined });
const idOf = ({ head }: Received): string => `sekisho-${head.replayKey}`;
const add = async ({ activity, head }: Received, to = enqueue): Promise<string> => await to.add(activity, head);
const fault = async (one: Received, to = enqueue): Promise<{ readonly code: unknown; readonly ms: number; readonly error: unknown }> => {
  const beganMs = performance.now();
  const error: unknown = await add(one, to).catch((reason: unknown) => reason);
  return { code: isSekishoError(error) ? error.code : error, ms: performance.now() - beganMs, error };
};

/** Every job that has a hash is in the list once, and the other way round. */
async function expectWhole(): Promise<readonly string[]> {
  // At one moment: commands of lost connections may still come.
  const [[, waiting], [, keys]] = await misskey.admin.multi().lrange(`${QUEUE}:wait`, 0, -1).keys(`${QUEUE}:sekisho-*`).exec() as [[null, string[]], [null, string[]]];
  const hashes = keys.map((key) => key.slice(QUEUE.length + 1));
  expect([...waiting].sort()).toEqual([...hashes].sort());
  for (const id of waiting) {
    const job = await misskey.queue.getJob(id);
    expect(job).toMatchObject({ name: expect.any(String), opts: { attempts: 8 }, data: { activity: { type: expect.any(String) }, signature: { scheme: 'Signature' } } });
  }
  return waiting;
}

/** A list as a server finds it that starts with the files of one that was killed. */
async function readAfterCrash(folder: string, key: string): Promise<readonly string[]> {
  const port = await freePort();
  const server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'yes'], { stdio: 'ignore' });
  const client = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null }).on('error', () => undefined);
  try {
    return await client.lrange(key, 0, -1);
  } finally {
    client.disconnect();
    const gone = once(server, 'exit');
    server.kill('SIGKILL');
    await gone;
  }
}

beforeEach(async () => {
  misskey = await startTestMisskey();
  enqueue = open(misskey.url);
  await until(() => enqueue.ready);
}, 20_000);

afterEach(async () => {
  enqueue.close();
  misskey.signal('SIGCONT');
  await misskey.stop();
}, 20_000);

describe('Redis that is dead', () => {
  it('is a fault at once, and comes back by itself', async () => {
    await add(byCavage());
    await misskey.server.crash();
    await until(() => !enqueue.ready);
    expect(await fault(byCavage())).toMatchObject(AWAY);
    expect((await fault(byCavage())).ms).toBeLessThan(QUEUE_MS / 2);
  });

  it('killed amid many adds acknowledges none that it did not take', async () => {
    // With a log of all writes on disk the server knows after the crash what it had taken.
    const [, folder] = await misskey.admin.call('CONFIG', 'GET', 'dir') as [string, string];
    await misskey.admin.config('SET', 'appendonly', 'yes');
    await misskey.admin.config('SET', 'appendfsync', 'always');
    await until(async () => /aof_rewrite_in_progress:0/.test(await misskey.admin.info('persistence')));
    const received = Array.from({ length: 200 }, () => byCavage());
    const queued: string[] = [];
    let faults = 0;
    const all = received.map(async (one, at) => {
      await delay(at);
      await add(one).then(() => queued.push(idOf(one)), () => (faults += 1));
    });
    await delay(70);
    await misskey.server.crash();
    await Promise.all(all);
    expect(queued.length).toBeGreaterThan(0);
    expect(faults).toBeGreaterThan(0);
    const waiting = await readAfterCrash(folder, `${QUEUE}:wait`);
    expect(queued.filter((id) => !waiting.includes(id))).toEqual([]);
    expect(new Set(waiting).size).toBe(waiting.length);
  }, 30_000);
});

describe('Redis that is stopped', () => {
  it('is a fault at the deadline; afterwards each job is there whole or not, and a repeat adds no second', async () => {
    const before = byCavage();
    await add(before);
    misskey.signal('SIGSTOP');
    const received = Array.from({ length: 20 }, () => byCavage());
    const outcomes = await Promise.all(received.map(async (one) => await fault(one)));
    for (const { code, ms } of outcomes) {
      expect(code).toBe('SEKISHO_INBOX_QUEUE_AWAY');
      expect(ms).toBeLessThan(QUEUE_MS + 3_000);
    }
    // Some were on the wire already: they are carried out when the server goes on.
    misskey.signal('SIGCONT');
    await until(() => enqueue.ready);
    const uncertain = await expectWhole();
    expect(uncertain.length).toBeGreaterThan(1);
    for (const one of received) expect(await add(one)).toBe('queued');
    const waiting = await expectWhole();
    expect([...waiting].sort()).toEqual([before, ...received].map(idOf).sort());
  }, 20_000);

  it('holds neither the deadline of later adds nor more than so many of them', async () => {
    misskey.signal('SIGSTOP');
    const one = byCavage();
    const outcomes = await Promise.all(Array.from({ length: 400 }, async () => await fault(one)));
    expect(new Set(outcomes.map(({ code }) => code))).toEqual(new Set(['SEKISHO_INBOX_QUEUE_AWAY']));
    expect(outcomes.filter(({ error }) => /too many/.test((error as Error).message))).toHaveLength(400 - 256);
    expect(await fault(one)).toMatchObject(AWAY);
    misskey.signal('SIGCONT');
    await until(async () => (await add(one).catch(() => 'fault')) === 'queued');
    expect(await expectWhole()).toEqual([idOf(one)]);
  }, 20_000);

  it('lets go at close', async () => {
    misskey.signal('SIGSTOP');
    const waiting = fault(byCavage());
    enqueue.close();
    const { code, ms } = await waiting;
    expect(code).toBe('SEKISHO_INBOX_QUEUE_AWAY');
    expect(ms).toBeLessThan(QUEUE_MS + 3_000);
    expect(enqueue.ready).toBe(false);
    expect((await fault(byCavage())).ms).toBeLessThan(QUEUE_MS / 2);
  });
});

describe('Redis that refuses', () => {
  it('for lack of memory keeps nothing of the job', async () => {
    await misskey.admin.config('SET', 'maxmemory', '1');
    const received = byCavage();
    const { error } = await fault(received);
    expect(error).toMatchObject({ ...AWAY, detail: expect.stringMatching(/^OOM/) });
    await misskey.admin.config('SET', 'maxmemory', '128mb');
    expect(await expectWhole()).toEqual([]);
    expect(await add(received)).toBe('queued');
    expect(await stateOf(misskey, idOf(received))).toBe('waiting');
  });

  it('a wrong password, or stays a replica, is a fault too', async () => {
    const wrong = open(misskey.url.replace(/:[0-9a-f]+@/, ':wrong@'));
    await delay(100);
    expect(await fault(byCavage(), wrong)).toMatchObject(AWAY);
    wrong.close();
    await misskey.admin.replicaof('127.0.0.1', '1');
    expect(await fault(byCavage())).toMatchObject(AWAY);
    await misskey.admin.replicaof('NO', 'ONE');
    expect(await add(byCavage())).toBe('queued');
  });

  it('tells the log nothing of the activity', async () => {
    await misskey.admin.del(`${QUEUE}:meta`);
    await misskey.admin.set(`${QUEUE}:meta`, 'x');
    const received = byCavage({ activity: { ...activities()['create'], summary: 'secret' } });
    const { error } = await fault(received);
    expect(error).toMatchObject({ ...AWAY, detail: expect.stringMatching(/WRONGTYPE/) });
    expect((error as Error).cause).toBeUndefined();
    expect(JSON.stringify(error)).not.toMatch(/Good morning|secret/);
  });
});

/** A server that does with a connection what the test says. */
async function startFake(onConnection: (socket: Socket) => void): Promise<{ readonly url: string; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('a server that is none', () => {
  const OK = '+OK\r\n';
  /** Answers the greeting, and then what the test says. */
  const afterGreeting = (answer: (socket: Socket) => void) => (socket: Socket): void => {
    socket.once('data', () => {
      socket.write('%0\r\n');
      socket.on('data', () => answer(socket));
    });
  };
  it.each<readonly [string, boolean, (socket: Socket) => void]>([
    ['hangs up at once', false, (socket) => socket.destroy()],
    ['says nothing', false, () => undefined],
    ['answers noise', false, (socket) => socket.on('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))],
    ['says nothing to a command', true, afterGreeting(() => undefined)],
    ['trickles', true, afterGreeting((socket) => void setInterval(() => socket.write('+'), 50).unref())],
    ['answers OK', true, afterGreeting((socket) => socket.write(OK))],
    ['answers another number', true, afterGreeting((socket) => socket.write(':7\r\n'))],
    ['answers with text', true, afterGreeting((socket) => socket.write('+1\r\n'))],
    ['hangs up on a command', true, afterGreeting((socket) => socket.destroy())],
    ['never knows the script', true, afterGreeting((socket) => socket.write('-NOSCRIPT no\r\n'))],
  ])('%s: a fault within the deadline, never an acknowledgement', async (_, greets, onConnection) => {
    let connections = 0;
    const fake = await startFake((socket) => {
      connections += 1;
      onConnection(socket);
    });
    const own = open(fake.url);
    try {
      if (greets) await until(() => own.ready);
      for (let i = 0; i < 3; i += 1) {
        const { code, ms } = await fault(byCavage(), own);
        expect(code).toBe('SEKISHO_INBOX_QUEUE_AWAY');
        expect(ms).toBeLessThan(QUEUE_MS + 3_000);
      }
      expect(own.ready && !greets).toBe(false);
      // A greeting that is never answered does not hold the client: it tries again.
      if (!greets) await until(() => connections >= 3);
    } finally {
      own.close();
      await fake.close();
    }
  }, 20_000);
});
