import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { stateKeys } from '@sekisho/contracts';
import { createCapture } from '@sekisho/inbox-policy/rules';
import { type TestRedis, startRedis } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import type { Redis } from 'ioredis';
import { createCappedStream } from './capped-stream.ts';
import { createPushedOutWarning, createQuarantine } from './quarantine.ts';

const KEY = stateKeys.inboxQuarantine;
let server: TestRedis;
let redis: Redis;
let pushedOut = 0;
beforeAll(async () => {
  server = await startRedis();
  redis = server.client({ enableOfflineQueue: false, maxRetriesPerRequest: 0, enableAutoPipelining: true });
  await until(() => redis.status === 'ready');
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  await redis.flushall();
  pushedOut = 0;
});
const open = (entriesMax = 1_000, bytesMax = 1_000_000) =>
  createQuarantine({ redis, key: KEY, entriesMax, bytesMax, onPushedOut: (entries) => { pushedOut += entries; } });
const kept = async (): Promise<(string | undefined)[]> => (await redis.xrange(KEY, '-', '+')).map(([, fields]) => fields[1]);
const line = (name: string, bytes = 1_000): string => name.padEnd(bytes, '.');
const keepAll = async (names: readonly string[], quarantine = open()): Promise<void> => {
  for (const name of names) expect(await quarantine.keep(line(name))).toBe(true);
};
const names = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => String(at));

describe('createQuarantine()', () => {
  it('keeps so many entries and no more, the newest, and says what it pushed out', async () => {
    const quarantine = open(20);
    await keepAll(names(20), quarantine);
    expect(pushedOut).toBe(0);
    await keepAll(['a', 'b', 'c'], quarantine);
    expect([(await kept()).length, pushedOut, (await kept()).at(0), (await kept()).at(-1)]).toEqual([20, 3, line('3'), line('c')]);
  });

  it('keeps so many bytes and no more, counted as Redis gets them', async () => {
    const quarantine = open(1_000, 10_000);
    await keepAll(names(10), quarantine);
    expect([(await kept()).length, pushedOut]).toEqual([10, 0]);
    await quarantine.keep(line('large', 4_500));
    expect([(await kept()).length, pushedOut]).toEqual([6, 5]);
    await quarantine.keep('あ'.repeat(3_000));
    expect([(await kept()).length, pushedOut]).toEqual([1, 11]);
  });

  it('keeps what alone is larger than all it may keep: it was promised', async () => {
    const quarantine = open(1_000, 10_000);
    await keepAll(names(3), quarantine);
    expect(await quarantine.keep(line('huge', 20_000))).toBe(true);
    expect([(await kept()).length, pushedOut]).toEqual([1, 3]);
    await quarantine.keep(line('next'));
    expect([await kept(), pushedOut]).toEqual([[line('next')], 4]);
  });

  it.each(['inf', '-inf', 'nan', '-1e15', '1e300', '9007199254740992', 'x', ''])('keeps its bounds after somebody wrote an entry that ends at %s', async (end) => {
    const quarantine = open(20, 10_000);
    await keepAll(names(5), quarantine);
    await redis.xadd(KEY, '*', 'capture', 'foreign', 'end', end);
    // The first one may push out what does not fit to the new count, later ones only what there is no room for.
    await keepAll(names(2), quarantine);
    pushedOut = 0;
    await keepAll(names(5), quarantine);
    expect([pushedOut, (await kept()).length]).toEqual([0, expect.any(Number)]);
    expect((await kept()).length).toBeGreaterThanOrEqual(7);
    await keepAll(names(30), quarantine);
    expect(await redis.xlen(KEY)).toBeLessThanOrEqual(10);
  });

  it('pushes out what does not fit to a count that began anew', async () => {
    const quarantine = open(1_000, 10_000);
    await keepAll(names(20), quarantine);
    await redis.xadd(KEY, '*', 'capture', 'foreign', 'end', 'x');
    await keepAll(['a'], quarantine);
    expect([await kept(), pushedOut]).toEqual([['foreign', line('a')], 20]);
  });

  it('goes on where an administrator has deleted entries, the first, the last or all', async () => {
    const quarantine = open(1_000, 10_000);
    await keepAll(names(10), quarantine);
    await redis.xtrim(KEY, 'MAXLEN', 5);
    await keepAll(names(5), quarantine);
    expect([(await kept()).length, pushedOut]).toEqual([10, 0]);
    const [last] = await redis.xrevrange(KEY, '+', '-', 'COUNT', 1);
    await redis.xdel(KEY, last?.[0] ?? '');
    await keepAll(['a'], quarantine);
    expect([(await kept()).length, pushedOut]).toEqual([10, 0]);
    await redis.del(KEY);
    await keepAll(names(11), quarantine);
    expect([(await kept()).length, pushedOut]).toEqual([10, 1]);
  });

  it('stays within its bytes when several gateways write large and small ones', async () => {
    const [one, two] = [open(1_000, 100_000), open(1_000, 100_000)];
    await Promise.all(names(400).map(async (name, at) => await (at % 2 === 0 ? one : two).keep(line(name, at % 10 === 0 ? 30_000 : 700))));
    expect((await kept()).reduce((sum, text) => sum + (text?.length ?? 0), 0)).toBeLessThanOrEqual(100_000);
    expect((await kept()).length + pushedOut).toBe(400);
  });

  it('is left alone by a flood of samples, which would push it out of a stream that both share', async () => {
    const flood = async (key: string): Promise<void> => {
      const samples = createCappedStream({ redis, key, entriesMax: 500, waitingMax: 5_000, onLost: () => undefined });
      for (let at = 0; at < 3_000; at += 1) samples.add(['capture', line('sample')]);
      await samples.close();
    };
    await keepAll(['kept back']);
    await flood(stateKeys.inboxCaptures);
    expect(await kept()).toEqual([line('kept back')]);
    await flood(KEY);
    expect(await kept()).not.toContain(line('kept back'));
  });

  it('acknowledges nothing that Redis has no room for, and pushes nothing out for it', async () => {
    const quarantine = open(1);
    await keepAll(['a'], quarantine);
    await redis.config('SET', 'maxmemory', '1');
    expect(await quarantine.keep(line('b'))).toBe(false);
    await redis.config('SET', 'maxmemory', '0');
    expect([await kept(), pushedOut]).toEqual([[line('a')], 0]);
  });

  it('acknowledges nothing while Redis is away', async () => {
    await server.crash();
    expect(await open().keep(line('a'))).toBe(false);
    await server.restart();
    await until(() => redis.status === 'ready');
  });
});

describe('an entry', () => {
  it('is as large at worst, and as small at least, as the bounds of the stream suppose', () => {
    const sizeOf = (value: Record<string, unknown>, rawHeaders: readonly string[], hosts: readonly string[] = []): number => {
      const body = Buffer.from(JSON.stringify(value).replaceAll('100000000000000000000', '1e20'));
      expect(body.length).toBeLessThanOrEqual(65_536);
      const activity = {
        ok: true as const, type: 'Like', id: String(value['id']), actor: String(value['actor']), actorHost: 'a.example', objectType: undefined, object: String(value['object']),
        hosts: new Set(hosts), forwarded: false, visibility: 'unknown' as const, value: value as never,
      };
      return Buffer.byteLength(JSON.stringify(createCapture({ arrivedMs: 0, target: '/inbox', rawHeaders, keyHost: 'a.example', activity, body, verdict: { decision: 'quarantine' } })));
    };
    const url = `https://a.example/${'x'.repeat(2_000)}`;
    const hosts = Array.from({ length: 128 }, (_, at) => `${at}.${'x'.repeat(60)}.`.repeat(4));
    const worst = sizeOf({ id: url, actor: url, object: url, n: Array.from({ length: 4_000 }, () => 1e20), text: 'x'.repeat(39_000) }, ['x', '"'.repeat(16_384)], hosts);
    expect(worst).toBeGreaterThan(200 * 1_024);
    expect(worst).toBeLessThan(300 * 1_024);
    const digest = 'SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';
    const least = sizeOf({ id: 'https://a.example', type: 'Like', actor: 'https://a.example', object: 'https://b.example' }, ['Host', 'b.example', 'Date', 'Wed, 25 Nov 2026 12:00:00 GMT', 'Digest', digest]);
    expect(least * 600).toBeGreaterThan(300 * 1_024);
  });
});

describe('createPushedOutWarning()', () => {
  it('warns at once, then once a minute with all that was lost', () => {
    let nowMs = 0;
    const warned: unknown[] = [];
    const warn = createPushedOutWarning({ warn: (fields: unknown) => void warned.push(fields) }, { monotonicMs: () => nowMs });
    warn(2);
    warn(3);
    nowMs = 59_000;
    warn(1);
    expect(warned).toEqual([{ entries: 2 }]);
    nowMs = 60_000;
    warn(4);
    expect(warned).toEqual([{ entries: 2 }, { entries: 8 }]);
  });
});
