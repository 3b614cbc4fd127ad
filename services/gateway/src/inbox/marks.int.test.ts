import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stateKeys } from '@sekisho/contracts';
import { type TestRedis, startRedis } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import type { Redis } from 'ioredis';
import { createMarks } from './marks.ts';
import type { Claim, Mark } from './types.ts';

let server: TestRedis;
let redis: Redis;
let away = 0;
beforeAll(async () => {
  server = await startRedis();
  redis = server.client({ enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 500 });
  await until(() => redis.status === 'ready');
});
afterAll(async () => {
  await server.stop();
});
const marks = (pendingMs = 30_000) => createMarks({ redis, onAway: () => { away += 1; }, pendingMs, doneMs: 60_000 });
function markOf(claim: Claim): Mark {
  if (claim.kind !== 'free') throw new Error(claim.kind);
  return claim.mark;
}

describe('createMarks()', () => {
  it('gives one of many at once the mark, the others hear that it is pending', async () => {
    const claims = await Promise.all(Array.from({ length: 20 }, async () => await marks().claim('a')));
    expect(claims.map(({ kind }) => kind).toSorted()).toEqual(['free', ...Array.from({ length: 19 }, () => 'pending')]);
  });

  it('is done after it was taken, and free after it was released', async () => {
    await markOf(await marks().claim('b')).done();
    expect((await marks().claim('b')).kind).toBe('done');
    await markOf(await marks().claim('c')).release();
    expect((await marks().claim('c')).kind).toBe('free');
  });

  it('lapses by itself, so that a killed gateway holds nothing up for long', async () => {
    expect((await marks(200).claim('d')).kind).toBe('free');
    expect((await marks().claim('d')).kind).toBe('pending');
    expect(await redis.pttl(stateKeys.inboxSeen('d'))).toBeLessThanOrEqual(200);
    await until(async () => (await marks().claim('d')).kind === 'free');
  });

  it('never takes away a mark that is another request’s by now', async () => {
    const late = markOf(await marks(50).claim('e'));
    await until(async () => (await redis.exists(stateKeys.inboxSeen('e'))) === 0);
    const next = markOf(await marks().claim('e'));
    await late.release();
    expect((await marks().claim('e')).kind).toBe('pending');
    await next.done();
    await late.release();
    expect((await marks().claim('e')).kind).toBe('done');
  });

  it('keeps a mark for its 15 minutes', async () => {
    const usual = createMarks({ redis, onAway: () => undefined });
    const mark = markOf(await usual.claim('f'));
    expect(await redis.pttl(stateKeys.inboxSeen('f'))).toBeGreaterThan(29_000);
    await mark.done();
    expect(await redis.pttl(stateKeys.inboxSeen('f'))).toBeGreaterThan(14 * 60_000);
  });

  it('asks a Redis that hangs only so many times at once, and asks again when it has answered', async () => {
    const answers: ((reply: null) => void)[] = [];
    const set = () => new Promise((resolve) => void answers.push(resolve));
    const hangs = { set, evalsha: () => new Promise(() => undefined) } as unknown as Redis;
    const few = createMarks({ redis: hangs, onAway: () => undefined, waitingMax: 3 });
    const claims = await Promise.all(Array.from({ length: 9 }, async () => await few.claim('h')));
    expect(claims.map(({ kind }) => kind)).toEqual(Array.from({ length: 9 }, () => 'away'));
    expect(answers).toHaveLength(3);
    const late = createMarks({ redis: { set, evalsha: async () => 1 } as unknown as Redis, onAway: () => undefined, waitingMax: 1 });
    expect((await late.claim('i')).kind).toBe('away');
    answers[3]?.(null);
    await until(async () => {
      await late.claim('i');
      return answers.length > 4;
    });
  });

  it('goes on without Redis, counted, and never rejects', async () => {
    const mark = markOf(await marks().claim('g'));
    await server.crash();
    const before = away;
    expect((await marks().claim('g')).kind).toBe('away');
    await mark.done();
    await mark.release();
    expect(away).toBe(before + 3);
  });
});
