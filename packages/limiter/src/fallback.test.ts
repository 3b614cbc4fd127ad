import { describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { freshBucket, levelOf } from './conformance.ts';
import { type FallbackLimiter, createFallbackLimiter } from './fallback.ts';
import { Guard } from './guard.ts';
import { MemoryLimiter } from './memory.ts';
import type { RefundLimiter } from './port.ts';

/** A Redis that can be taken away or made slow. */
class FlakyLimiter implements RefundLimiter {
  readonly inner = new MemoryLimiter();
  mode: 'up' | 'down' | 'slow' = 'up';
  charges = 0;
  settled = 0;

  readonly charge: RefundLimiter['charge'] = async (...args) => {
    this.charges += 1;
    return await this.#ask(() => this.inner.charge(...args));
  };
  readonly reprice: RefundLimiter['reprice'] = async (...args) => await this.#ask(() => this.inner.reprice(...args));
  readonly settle: RefundLimiter['settle'] = async (...args) => {
    const outcome = await this.#ask(() => this.inner.settle(...args));
    this.settled += 1;
    return outcome;
  };

  async #ask<T>(work: () => Promise<T>): Promise<T> {
    if (this.mode === 'down') throw new Error('connect ECONNREFUSED');
    if (this.mode === 'slow') await delay(80);
    return await work();
  }
}

function setUp(): { redis: FlakyLimiter; limiter: FallbackLimiter; advance: (ms: number) => void } {
  const redis = new FlakyLimiter();
  let nowMs = 0;
  const guard = new Guard({ deadlineMs: 20, nowMs: () => nowMs });
  return { redis, limiter: createFallbackLimiter({ redis, local: new MemoryLimiter(), guard }), advance: (ms) => { nowMs += ms; } };
}

describe('createFallbackLimiter()', () => {
  it('is the limiter behind it while that answers', async () => {
    const { limiter } = setUp();
    const bucket = freshBucket(10);
    const verdict = await limiter.charge([bucket], 10, { whenDown: 'closed' });
    expect(verdict).toMatchObject({ ok: true, degraded: false });
    expect(await limiter.charge([bucket], 1, { whenDown: 'local' })).toMatchObject({ ok: false, bucket: 0, degraded: false });
    expect(await limiter.reprice(verdict.ok ? verdict.id : '', 5)).toBe('ok');
    expect(await limiter.settle(verdict.ok ? verdict.id : '', 0)).toBe('first');
  });

  it('refuses dear work and gives out an eighth for cheap work when Redis is gone', async () => {
    const { redis, limiter } = setUp();
    redis.mode = 'down';
    const bucket = freshBucket(80);
    expect(await limiter.charge([bucket], 1, { whenDown: 'closed' })).toEqual({ ok: false, bucket: -1, retryAfterMs: 1_000, degraded: true });
    const verdict = await limiter.charge([bucket], 10, { whenDown: 'local' });
    expect(verdict).toMatchObject({ ok: true, degraded: true });
    expect(await limiter.charge([bucket], 1, { whenDown: 'local' })).toMatchObject({ ok: false, bucket: 0, degraded: true });
    const id = verdict.ok ? verdict.id : '';
    expect(await limiter.reprice(id, 2)).toBe('ok');
    expect(await limiter.settle(id, 0)).toBe('first');
    expect(await limiter.settle(id, 0)).toBe('again');
    expect(await limiter.charge([bucket], 10, { whenDown: 'local' })).toMatchObject({ ok: true, degraded: true });
  });

  it('never throws when a charge of Redis can no longer be settled', async () => {
    const { redis, limiter } = setUp();
    const verdict = await limiter.charge([freshBucket(80)], 1, { whenDown: 'closed' });
    redis.mode = 'down';
    expect(await limiter.reprice(verdict.ok ? verdict.id : '', 5)).toBe('unanswered');
    expect(await limiter.settle(verdict.ok ? verdict.id : '', 5)).toBe('again');
  });

  it('settles a charge of the process although Redis is back', async () => {
    const { redis, limiter, advance } = setUp();
    redis.mode = 'down';
    const verdict = await limiter.charge([freshBucket(80)], 1, { whenDown: 'local' });
    redis.mode = 'up';
    advance(1_000);
    expect(await limiter.settle(verdict.ok ? verdict.id : '', 0)).toBe('first');
  });

  it('pays the deadline of a slow Redis a few times only, and gives back what came late', async () => {
    const { redis, limiter, advance } = setUp();
    redis.mode = 'slow';
    const bucket = freshBucket(1_000);
    for (let at = 0; at < 50; at += 1) {
      expect(await limiter.charge([bucket], 10, { whenDown: 'closed' })).toMatchObject({ ok: false, degraded: true });
    }
    expect(redis.charges).toBe(3);
    // Every charge came late, and every one is given back, however long a busy machine takes for it.
    for (let at = 0; at < 500 && redis.settled < 3; at += 1) await delay(20);
    expect(redis.settled).toBe(3);
    expect(await levelOf(redis.inner, bucket)).toBe(0);
    redis.mode = 'up';
    advance(1_000);
    expect(await limiter.charge([bucket], 10, { whenDown: 'closed' })).toMatchObject({ ok: true, degraded: false });
  });

  it('throws for wrong arguments, up or down', async () => {
    const { redis, limiter } = setUp();
    await expect(limiter.charge([], 1, { whenDown: 'local' })).rejects.toThrow(RangeError);
    redis.mode = 'down';
    await expect(limiter.charge([], 1, { whenDown: 'local' })).rejects.toThrow(RangeError);
  });
});
