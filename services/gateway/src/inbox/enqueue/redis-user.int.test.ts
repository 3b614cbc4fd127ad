// What the gateway may do in the Redis of Misskey's queue: its jobs into one queue, and nothing else.

import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@sekisho/testkit/until';
import { renderMisskeyQueueAcl } from '../../../../../scripts/redis-misskey-queue.ts';
import { createEnqueue, type Enqueue } from './enqueue.ts';
import { PREFIX, QUEUE, startTestMisskey, type TestMisskey, VERSION } from '../../testing/enqueue/misskey.ts';
import { activities, byCavage } from '../../testing/enqueue/requests.ts';

const OTHER = `${PREFIX}:queue:deliver:deliver`;
const HASH = 'a'.repeat(64);
/** To a command, and to a script about one of its commands. */
const NOT_ALLOWED = /NOPERM|ACL failure|The user executing the script/;
let misskey: TestMisskey;

const open = ({ url }: Pick<TestMisskey, 'url'>): Enqueue => createEnqueue({ redisUrl: url, prefix: PREFIX, version: VERSION, onError: () => undefined });
const addTo = async (target: TestMisskey): Promise<string> => {
  const enqueue = open(target);
  await until(() => enqueue.ready);
  const { activity, head } = byCavage();
  return await enqueue.add(activity, head).finally(() => enqueue.close());
};

beforeAll(async () => {
  misskey = await startTestMisskey();
}, 20_000);
afterAll(async () => await misskey.stop(), 20_000);

describe('renderMisskeyQueueAcl()', () => {
  it('is the file in k8s/redis, with placeholders', async () => {
    expect(await readFile(new URL('../../../../../k8s/redis/misskey-queue.acl', import.meta.url), 'utf8')).toBe(renderMisskeyQueueAcl());
  });

  it.each(['', 'a b', 'a*', 'a?', 'a[b]', 'a)\nuser evil on nopass ~* +@all', 'a\\'])('refuses the prefix %j', (prefix) => {
    expect(() => renderMisskeyQueueAcl({ prefix, passwordHash: HASH })).toThrow(/cannot stand/);
  });

  it('refuses what is no hash or no database', () => {
    expect(() => renderMisskeyQueueAcl({ prefix: PREFIX, passwordHash: `${HASH} allkeys` })).toThrow(/SHA-256/);
    expect(() => renderMisskeyQueueAcl({ prefix: PREFIX, passwordHash: HASH, database: -1 })).toThrow(/database/);
  });

  it('allows SELECT only for another database', () => {
    expect(renderMisskeyQueueAcl({ prefix: PREFIX, passwordHash: HASH, database: 0 })).not.toContain('select');
    expect(renderMisskeyQueueAcl({ prefix: PREFIX, passwordHash: HASH, database: 2 })).toContain(' +select ');
  });
});

describe('the user of the gateway', () => {
  it('adds to a queue that is empty, paused, or at its concurrency, with an empty ACL log', async () => {
    expect(await addTo(misskey)).toBe('queued');
    await misskey.queue.pause();
    expect(await addTo(misskey)).toBe('queued');
    await misskey.queue.resume();
    await misskey.queue.setGlobalConcurrency(1);
    expect(await addTo(misskey)).toBe('queued');
    await misskey.queue.removeGlobalConcurrency();
    const enqueue = open(misskey);
    await until(() => enqueue.ready);
    for (const activity of Object.values(activities())) {
      const received = byCavage({ activity });
      if (received.activity.forwarded) continue;
      await enqueue.add(received.activity, received.head);
      await enqueue.add(received.activity, received.head);
    }
    enqueue.close();
    expect(await misskey.admin.acl('LOG')).toEqual([]);
  });

  it('is told from the log when it does more, so that the empty log means something', async () => {
    await misskey.admin.acl('LOG', 'RESET');
    await expect(misskey.enqueue.get(`${QUEUE}:id`)).rejects.toThrow(/NOPERM/);
    expect(await misskey.admin.acl('LOG')).toHaveLength(1);
  });

  const job = `${QUEUE}:sekisho-x`;
  const FORBIDDEN: readonly (readonly string[])[] = [
    // Another queue, and whatever else Misskey has there.
    ['INCR', `${OTHER}:id`], ['HMGET', `${OTHER}:meta`, 'version'], ['LPUSH', `${OTHER}:wait`, 'x'], ['HSET', `${OTHER}:sekisho-x`, 'a', 'b'], ['XADD', `${OTHER}:events`, '*', 'a', 'b'],
    ['EVAL', 'return 1', '1', `${OTHER}:wait`], ['EVAL', "return redis.call('LPUSH', ARGV[1], 'x')", '0', `${OTHER}:wait`], ['EVAL', "return redis.call('GET', 'x')", '0'],
    ['GET', `${PREFIX}:kvcache:x`], ['SET', `${PREFIX}:kvcache:x`, '1'], ['HMGET', `other.example:queue:inbox:inbox:meta`, 'version'],
    // In the queue itself: nothing is read, changed or taken out that others made, and the queue goes on.
    ['HGETALL', `${QUEUE}:1`], ['HGETALL', job], ['HGET', job, 'data'], ['HMGET', job, 'data'], ['HSET', `${QUEUE}:1`, 'data', '{}'], ['HSET', `${QUEUE}:meta`, 'paused', '1'],
    ['HSET', `${QUEUE}:meta`, 'version', 'x'], ['DEL', `${QUEUE}:wait`], ['UNLINK', job], ['RENAME', `${QUEUE}:wait`, `${QUEUE}:paused`], ['LRANGE', `${QUEUE}:wait`, '0', '-1'],
    ['RPOP', `${QUEUE}:wait`], ['LPOP', `${QUEUE}:wait`], ['LREM', `${QUEUE}:wait`, '0', 'x'], ['LPUSH', `${QUEUE}:active`, 'x'], ['ZADD', `${QUEUE}:completed`, '1', 'x'],
    ['ZADD', `${QUEUE}:delayed`, '1', 'x'], ['XRANGE', `${QUEUE}:events`, '-', '+'], ['XTRIM', `${QUEUE}:events`, 'MAXLEN', '0'], ['SET', `${QUEUE}:id`, '0'], ['SET', `${QUEUE}:meta`, 'x'],
    ['SET', `${QUEUE}:de:x`, '1'], ['EXISTS', job], ['EXPIRE', job, '1'], ['EVAL', "return redis.call('DEL', KEYS[1])", '1', `${QUEUE}:wait`],
    // The server.
    ['CONFIG', 'GET', '*'], ['CONFIG', 'SET', 'dir', '/tmp'], ['FLUSHALL'], ['FLUSHDB'], ['KEYS', '*'], ['SCAN', '0'], ['RANDOMKEY'], ['DBSIZE'], ['INFO'], ['MONITOR'], ['ACL', 'LIST'],
    ['ACL', 'WHOAMI'], ['ACL', 'SETUSER', 'x'], ['CLIENT', 'LIST'], ['CLIENT', 'KILL', 'ID', '1'], ['CLIENT', 'PAUSE', '1'], ['SCRIPT', 'FLUSH'], ['SCRIPT', 'KILL'], ['FUNCTION', 'FLUSH'],
    ['SHUTDOWN', 'NOSAVE'], ['REPLICAOF', 'NO', 'ONE'], ['MODULE', 'LIST'], ['SLOWLOG', 'GET'], ['SWAPDB', '0', '1'], ['SELECT', '1'], ['MIGRATE', 'h', '1', 'k', '0', '1'],
    ['SUBSCRIBE', 'x'], ['PUBLISH', 'x', 'y'], ['MULTI'], ['BGSAVE'], ['SAVE'], ['LATENCY', 'RESET'], ['MEMORY', 'DOCTOR'], ['COMMAND'], ['PING'],
  ];
  it.each(FORBIDDEN)('may not %s %s', async (command, ...args) => {
    await expect(misskey.enqueue.call(command, ...args)).rejects.toThrow(NOT_ALLOWED);
  });

  it.each([
    ['INCR', `${OTHER}:id`], ['LPUSH', `${OTHER}:wait`, 'x'], ['HGETALL', `${QUEUE}:1`], ['DEL', `${QUEUE}:nothing`], ['CONFIG', 'GET', 'dir'], ['KEYS', 'nothing'], ['SELECT', '0'],
    ['EVAL', "return redis.call('LPUSH', ARGV[1], 'x')", '0', `${OTHER}:wait`],
  ])('is refused what the default user may: %s %s', async (command, ...args) => {
    await expect(misskey.admin.call(command, ...args)).resolves.toBeDefined();
  });
});

describe('each rule of the line', () => {
  const RULES = [...renderMisskeyQueueAcl({ prefix: PREFIX, passwordHash: HASH }).matchAll(/\([^)]+\)/g)].map(([rule]) => rule);

  it('is there for one command, or for scripts', () => {
    expect(RULES).toHaveLength(11);
    for (const rule of RULES) expect(rule).toMatch(/^\((?:%[RW]~|~)\S+ (?:%W~\S+ )?(?:\+[a-z]+|\+eval \+evalsha)\)$/);
  });

  it.each(RULES.filter((rule) => !/incr|llen/.test(rule)))('is needed, and without it nothing is acknowledged that no worker gets: %s', async (rule) => {
    const target = await startTestMisskey({ acl: (given) => renderMisskeyQueueAcl(given).replace(` ${rule}`, '') });
    try {
      await expect(addTo(target)).rejects.toMatchObject({ code: 'SEKISHO_INBOX_QUEUE_AWAY', detail: expect.stringMatching(NOT_ALLOWED) });
      const { activity, head } = byCavage();
      const enqueue = open(target);
      await until(() => enqueue.ready);
      for (let i = 0; i < 3; i += 1) {
        const outcome = await enqueue.add(activity, head).catch(() => 'fault');
        const waiting = await target.admin.lrange(`${QUEUE}:wait`, 0, -1);
        if (outcome === 'queued') expect(waiting).toContain(`sekisho-${head.replayKey}`);
      }
      enqueue.close();
    } finally {
      await target.stop();
    }
  }, 20_000);

  it.each(RULES.filter((rule) => /incr|llen/.test(rule)))('is needed, in a queue with a concurrency: %s', async (rule) => {
    const target = await startTestMisskey({ acl: (given) => renderMisskeyQueueAcl(given).replace(` ${rule}`, '') });
    try {
      await target.queue.setGlobalConcurrency(2);
      await expect(addTo(target)).rejects.toMatchObject({ code: 'SEKISHO_INBOX_QUEUE_AWAY' });
    } finally {
      await target.stop();
    }
  }, 20_000);
});

describe('a database beside the first', () => {
  it('is reached with the right to select it, and without it nothing goes into the queue of another one', async () => {
    for (const database of [0, 2]) {
      const target = await startTestMisskey({ acl: (given) => renderMisskeyQueueAcl({ ...given, database }) });
      try {
        const second = target.server.client({ db: 2 });
        await second.hset(`${QUEUE}:meta`, 'version', 'bullmq:5.71.0');
        const outcome = addTo({ ...target, url: `${target.url}/2` }).catch((error: unknown) => (error as { code: string }).code);
        expect(await outcome).toBe(database === 2 ? 'queued' : 'SEKISHO_INBOX_QUEUE_AWAY');
        expect(await target.admin.llen(`${QUEUE}:wait`)).toBe(0);
        expect(await second.llen(`${QUEUE}:wait`)).toBe(database === 2 ? 1 : 0);
      } finally {
        await target.stop();
      }
    }
  }, 20_000);
});
