import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TestRedis, startRedis } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import type { Redis } from 'ioredis';
import { createConnect } from './connect.ts';

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await startRedis();
  redis = createConnect(server.url, () => undefined)({ commandTimeout: 1_000 });
  await until(() => redis.status === 'ready');
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

/** Commands of one turn; how often they were written. */
async function writesOf(commands: () => readonly Promise<unknown>[]): Promise<number> {
  // What the socket does with what it was given, below our own wrapper.
  const { stream } = redis as unknown as { readonly stream: { _write: (...args: unknown[]) => void; _writev: (...args: unknown[]) => void } };
  let writes = 0;
  for (const name of ['_write', '_writev'] as const) {
    const inner = stream[name];
    stream[name] = (...args) => {
      writes += 1;
      inner.apply(stream, args);
    };
  }
  await Promise.all(commands());
  for (const name of ['_write', '_writev'] as const) Reflect.deleteProperty(stream, name);
  return writes;
}

const pings = (count: number): readonly Promise<unknown>[] => Array.from({ length: count }, async (_, at) => expect(await redis.echo(String(at))).toBe(String(at)));

describe('createConnect()', () => {
  it('writes all commands of one turn at once, and those of the next for themselves', async () => {
    expect(await writesOf(() => pings(20))).toBe(1);
    expect(await writesOf(() => [...pings(3), turn().then(async () => await Promise.all(pings(3)))])).toBe(2);
  });

  it('does so again on the next connection, and holds nothing back', async () => {
    await server.crash();
    await until(() => redis.status !== 'ready');
    await expect(redis.echo('x')).rejects.toThrow();
    await server.restart();
    await until(() => redis.status === 'ready');
    expect(await writesOf(() => pings(20))).toBe(1);
    expect(await redis.echo('last')).toBe('last');
  });

  it('keeps no pipelines of its own: their table would keep commands alive', () => {
    expect(redis.options.enableAutoPipelining).toBe(false);
  });
});
