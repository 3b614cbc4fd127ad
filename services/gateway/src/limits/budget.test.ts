import { describe, expect, it } from '@jest/globals';
import { BatchedMeter, Guard, MemoryLimiter, type RefundLimiter, createFallbackLimiter } from '@sekisho/limiter';
import type { ClientIdentity } from '../media/types.ts';
import { type Budget, type BudgetCharge, type BudgetHooks, createBudget } from './budget.ts';

const client = (last: number): ClientIdentity => ({ address: `203.0.113.${last}`, key: `203.0.113.${last}`, net: '203.0.113.0/24' });
const stranger: ClientIdentity = { address: '198.51.100.1', key: '198.51.100.1', net: '198.51.100.0/24' };

const RULE_KEYS_MAX = 50;

interface Rig {
  readonly budget: Budget;
  readonly sums: { charged: number; refunded: number; debited: number; readonly denied: string[] };
  down: boolean;
}

function setUp(): Rig {
  const inner = new MemoryLimiter({ nowMs: () => 0 });
  const guard = new Guard({ nowMs: () => 0, failuresMax: 1 });
  const local = new MemoryLimiter({ nowMs: () => 0 });
  const sums: Rig['sums'] = { charged: 0, refunded: 0, debited: 0, denied: [] };
  const hooks: BudgetHooks = {
    charged: (_area, costMs) => { sums.charged += costMs; },
    refunded: (_area, costMs) => { sums.refunded += costMs; },
    debited: (_area, costMs) => { sums.debited += costMs; },
    denied: (_area, code) => { sums.denied.push(code); },
  };
  const rig = { sums, down: false };
  const redis: RefundLimiter = {
    charge: async (...args) => await (rig.down ? Promise.reject(new Error('gone')) : inner.charge(...args)),
    reprice: async (...args) => await (rig.down ? Promise.reject(new Error('gone')) : inner.reprice(...args)),
    settle: async (...args) => await (rig.down ? Promise.reject(new Error('gone')) : inner.settle(...args)),
  };
  const meter = new BatchedMeter({ port: inner, guard, local, nowMs: () => 0, flushMs: 60_000 });
  const ruleMeter = new BatchedMeter({ port: inner, guard, local: new MemoryLimiter({ nowMs: () => 0 }), nowMs: () => 0, flushMs: 60_000, keysMax: RULE_KEYS_MAX });
  return Object.assign(rig, { budget: createBudget({ limiter: createFallbackLimiter({ redis, local, guard }), meter, ruleMeter, hooks }) });
}

async function opened(budget: Budget, who: ClientIdentity, costMs: number): Promise<BudgetCharge> {
  const answer = await budget.open(who, 'media', 'transform', costMs);
  if (!answer.ok) throw new Error(answer.code);
  return answer.charge;
}

describe('createBudget()', () => {
  it('opens, reprices and settles once, and counts what was charged and refunded', async () => {
    const { budget, sums } = setUp();
    const charge = await opened(budget, client(1), 250);
    expect(charge.costMs).toBe(250);
    expect(await charge.reprice(1_000)).toBe('ok');
    expect(charge.costMs).toBe(1_000);
    expect(await charge.reprice(400)).toBe('ok');
    await Promise.all([charge.settle(100), charge.settle(0)]);
    await charge.settle(0);
    expect(await charge.reprice(10)).toBe('gone');
    expect(sums).toEqual({ charged: 1_000, refunded: 900, debited: 0, denied: [] });
  });

  it('counts a debt apart, up to its cap', async () => {
    const { budget, sums } = setUp();
    await (await opened(budget, client(1), 250)).settle(Number.POSITIVE_INFINITY);
    expect(sums).toMatchObject({ charged: 250, debited: 8_000, refunded: 0 });
  });

  it('names the client, then the network, then the class', async () => {
    const { budget, sums } = setUp();
    await opened(budget, client(1), 60_000);
    expect(await budget.open(client(1), 'media', 'transform', 1)).toEqual({ ok: false, code: 'SEKISHO_LIMIT_CLIENT', retryAfterS: 1 });
    for (const last of [2, 3, 4]) await opened(budget, client(last), 60_000);
    expect(await budget.open(client(5), 'media', 'transform', 4_000)).toEqual({ ok: false, code: 'SEKISHO_LIMIT_NET', retryAfterS: 2 });
    for (const net of [1, 2, 3, 4]) await opened(budget, { address: '', key: `192.0.2.${net}`, net: `net-${net}` }, 60_000);
    expect(await budget.open(stranger, 'media', 'transform', 1)).toMatchObject({ ok: false, code: 'SEKISHO_LIMIT_GLOBAL' });
    // Another class, another area and what is cheap go on.
    expect(await budget.open(stranger, 'media', 'stream', 5)).toMatchObject({ ok: true });
    expect(await budget.open(client(1), 'pages', 'page', 5)).toMatchObject({ ok: true });
    expect(budget.tick(stranger, 'media', 1)).toBeUndefined();
    expect(sums.denied).toEqual(['SEKISHO_LIMIT_CLIENT', 'SEKISHO_LIMIT_NET', 'SEKISHO_LIMIT_GLOBAL']);
  });

  it('refuses cheap outcomes of a spent client, and of no other', () => {
    const { budget, sums } = setUp();
    for (let at = 0; at < 60; at += 1) expect(budget.tick(client(1), 'media', 1_000)).toBeUndefined();
    expect(budget.tick(client(1), 'media', 1)).toEqual({ ok: false, code: 'SEKISHO_LIMIT_CLIENT', retryAfterS: 1 });
    expect(budget.tick(client(2), 'media', 1)).toBeUndefined();
    expect(sums.charged).toBe(60_001);
  });

  it('serves 200 emoji of one page at once; of 40 bombs most are refused', async () => {
    const { budget } = setUp();
    const page = await Promise.all(Array.from({ length: 200 }, () => budget.open(client(1), 'media', 'transform', 250)));
    expect(page.every(({ ok }) => ok)).toBe(true);
    const bombs = await Promise.all(Array.from({ length: 40 }, () => opened(budget, stranger, 250)));
    const passed = await Promise.all(bombs.map((bomb) => bomb.reprice(8_000)));
    expect(passed.filter((outcome) => outcome === 'ok')).toHaveLength(6);
  });

  it('refuses transforms without Redis, while streams and hits go on', async () => {
    const rig = setUp();
    const held = await opened(rig.budget, client(1), 250);
    rig.down = true;
    expect(await rig.budget.open(client(1), 'media', 'transform', 250)).toEqual({ ok: false, code: 'SEKISHO_REDIS_AWAY', retryAfterS: 1 });
    const stream = await rig.budget.open(client(1), 'media', 'stream', 5);
    expect(stream).toMatchObject({ ok: true });
    expect(rig.budget.tick(client(1), 'media', 1)).toBeUndefined();
    expect(await rig.budget.open(client(1), 'media', 'stream', 7_500)).toMatchObject({ ok: false, code: 'SEKISHO_LIMIT_CLIENT' });
    // Work under way goes on with what it holds: a slow moment of Redis is not the client's overdraft.
    expect(await held.reprice(300)).toBe('ok');
    expect(held.costMs).toBe(250);
    await expect(held.settle(0)).resolves.toBeUndefined();
  });

  it('charges names of their own, all of them or none, apart from every client', async () => {
    const { budget, sums } = setUp();
    const names = [{ name: 'domain:peer.example', factor: 4 }, { name: 'https://peer.example/users/a b', factor: 1 }];
    const held = budget.holdNamed('inbox', names, 60_000);
    expect(held).toMatchObject({ ok: true, costMs: 60_000 });
    // The second is spent, so the first pays nothing.
    expect(budget.holdNamed('inbox', names, 1_000)).toEqual({ ok: false, index: 1, retryAfterS: 2 });
    expect(budget.holdNamed('inbox', names.slice(0, 1), 180_000).ok).toBe(true);
    expect(budget.holdNamed('inbox', names.slice(0, 1), 1)).toMatchObject({ ok: false, index: 0 });
    expect(budget.holdNamed('inbox', [{ name: '203.0.113.1', factor: 1 }], 60_000).ok).toBe(true);
    expect(budget.tick(client(1), 'inbox', 60_000)).toBeUndefined();
    if (held.ok) held.settle(1_000);
    expect(budget.holdNamed('inbox', names, 59_000).ok).toBe(true);
    expect(budget.holdNamed('inbox', names, 1).ok).toBe(false);
    expect(sums).toMatchObject({ charged: 60_000, refunded: 0, denied: [] });
  });

  it('holds a price without a round trip, and gives back what was not used', () => {
    const { budget, sums } = setUp();
    const held = budget.hold(client(1), 'inbox', 'inbox', 60_000);
    expect(budget.hold(client(1), 'inbox', 'inbox', 1)).toEqual({ ok: false, code: 'SEKISHO_LIMIT_CLIENT', retryAfterS: 1 });
    if (held.ok) for (const used of [10, 60_000]) held.settle(used);
    expect(budget.hold(client(1), 'inbox', 'inbox', 59_990)).toMatchObject({ ok: true, costMs: 59_990 });
    expect(budget.hold(client(1), 'inbox', 'inbox', 1)).toMatchObject({ ok: false });
    expect(budget.hold(client(1), 'pages', 'page', 60_000)).toMatchObject({ ok: true });
    expect(sums).toMatchObject({ charged: 60_000 + 59_990 + 60_000, refunded: 59_990, debited: 0 });
  });

  it('holds in the network and in the class as well', () => {
    const { budget } = setUp();
    for (let at = 1; at <= 4; at += 1) expect(budget.hold(client(at), 'inbox', 'inbox', 60_000)).toMatchObject({ ok: true });
    expect(budget.hold(client(5), 'inbox', 'inbox', 1)).toMatchObject({ ok: false, code: 'SEKISHO_LIMIT_NET' });
    const elsewhere = (at: number): ClientIdentity => ({ address: `192.0.2.${at}`, key: `192.0.2.${at}`, net: `192.0.${at}.0/24` });
    for (let at = 1; at <= 4; at += 1) expect(budget.hold(elsewhere(at), 'inbox', 'inbox', 60_000)).toMatchObject({ ok: true });
    expect(budget.hold(elsewhere(9), 'inbox', 'inbox', 1)).toMatchObject({ ok: false, code: 'SEKISHO_LIMIT_GLOBAL' });
  });

  describe('of rules', () => {
    const rule = (over: object = {}) => ({ rule: 'r', name: 'claim:203.0.113.0/24 peer.example', perMinute: 6, burst: 3, ...over });

    it('lets a burst through, then says when the next one fits', () => {
      const { budget } = setUp();
      for (let at = 0; at < 3; at += 1) expect(budget.tickRules('inbox', [rule()])).toBeUndefined();
      expect(budget.tickRules('inbox', [rule()])).toEqual({ index: 0, retryAfterS: 10 });
      // Of another rule, another name, and of clients.
      for (const over of [{ rule: 's' }, { name: 'all' }, { rule: 'builtin.r_r', name: 'https://peer.example/a b' }]) expect(budget.tickRules('inbox', [rule(over)])).toBeUndefined();
      expect(budget.holdNamed('inbox', [{ name: 'claim:203.0.113.0/24 peer.example', factor: 1 }], 60_000).ok).toBe(true);
    });

    it('pays all or none', () => {
      const { budget } = setUp();
      const small = rule({ rule: 's', burst: 1 });
      expect(budget.tickRules('inbox', [rule(), small])).toBeUndefined();
      for (let at = 0; at < 9; at += 1) expect(budget.tickRules('inbox', [rule(), small])).toMatchObject({ index: 1 });
      expect([1, 2, 3].map(() => budget.tickRules('inbox', [rule()]) === undefined)).toEqual([true, true, false]);
    });

    it('has a table of its own: names without end leave clients alone', () => {
      const { budget } = setUp();
      const taken = Array.from({ length: RULE_KEYS_MAX * 2 }, (_, at) => budget.tickRules('inbox', [rule({ name: `made up ${at}` })]));
      expect(taken.filter((over) => over === undefined)).toHaveLength(RULE_KEYS_MAX);
      expect(budget.tick(client(1), 'inbox', 1)).toBeUndefined();
    });

    it('gives out less without Redis, also of the smallest budget', async () => {
      const rig = setUp();
      rig.down = true;
      await rig.budget.open(client(1), 'media', 'transform', 1);
      const smallest = rule({ perMinute: 1, burst: 1 });
      expect([1, 2].map(() => rig.budget.tickRules('inbox', [smallest]))).toEqual([undefined, { index: 0, retryAfterS: 480 }]);
    });
  });
});
