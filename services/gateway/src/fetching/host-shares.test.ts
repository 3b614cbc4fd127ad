import { describe, expect, it } from '@jest/globals';
import type { Clock } from '@sekisho/runtime';
import { CLIENT_CONNECTIONS_MAX, createHostShares } from './host-shares.ts';

const never = new AbortController().signal;
/** Time passes only by sleeping. */
const jumpClock = (): Clock & { slept: number } => {
  let now = 1_000;
  const clock = {
    slept: 0,
    now: () => now,
    monotonicMs: () => now,
    sleep: async (ms: number) => {
      now += ms;
      clock.slept += ms;
    },
  };
  return clock;
};
const settled = async (work: Promise<unknown>): Promise<boolean> =>
  await Promise.race([work.then(() => true, () => true), new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 10))]);

describe('createHostShares()', () => {
  it('gives one client half of the connections of a host, and the next place to who waits', async () => {
    const shares = createHostShares();
    const held = await Promise.all(Array.from({ length: CLIENT_CONNECTIONS_MAX }, async () => await shares.acquire('a', 'h', never)));
    const waiting = shares.acquire('a', 'h', never);
    expect(await settled(waiting)).toBe(false);
    expect(await settled(shares.acquire('b', 'h', never))).toBe(true);
    expect(await settled(shares.acquire('a', 'other', never))).toBe(true);
    held[0]?.();
    held[0]?.();
    expect(await settled(waiting)).toBe(true);
    expect(await settled(shares.acquire('a', 'h', never))).toBe(false);
  });

  it('lets 200 pictures of one host pass, the last of them late', async () => {
    const clock = jumpClock();
    const shares = createHostShares({ clock });
    for (let i = 0; i < 150; i += 1) (await shares.acquire('a', 'h', never))();
    expect(clock.slept).toBe(0);
    for (let i = 0; i < 50; i += 1) (await shares.acquire('a', 'h', never))();
    expect(clock.slept).toBeGreaterThan(3_000);
    expect(clock.slept).toBeLessThan(4_000);
  });

  it('ends a wait with its client and loses no place by it', async () => {
    const shares = createHostShares();
    const held = await Promise.all(Array.from({ length: CLIENT_CONNECTIONS_MAX }, async () => await shares.acquire('a', 'h', never)));
    const leaving = new AbortController();
    const waiting = shares.acquire('a', 'h', leaving.signal);
    leaving.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'SEKISHO_ABORTED' });
    for (const release of held) release();
    const again = await Promise.all(Array.from({ length: CLIENT_CONNECTIONS_MAX }, async () => await shares.acquire('a', 'h', never)));
    expect(again).toHaveLength(CLIENT_CONNECTIONS_MAX);
  });

  it('refuses when too many wait, and when too many pairs are in use', async () => {
    const shares = createHostShares({ pairsMax: 1 });
    for (let i = 0; i < CLIENT_CONNECTIONS_MAX; i += 1) await shares.acquire('a', 'h', never);
    const leaving = new AbortController();
    const waiters = Array.from({ length: 400 }, () => shares.acquire('a', 'h', leaving.signal).catch(() => undefined));
    await expect(shares.acquire('a', 'h', never)).rejects.toMatchObject({ code: 'SEKISHO_LIMIT_FETCHES' });
    await expect(shares.acquire('a', 'other', never)).rejects.toMatchObject({ code: 'SEKISHO_LIMIT_FETCHES' });
    leaving.abort();
    await Promise.all(waiters);
  });
});
