import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type TestRedis, startRedis } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import type { ClientIdentity } from '../media/types.ts';
import { type Limits, createLimits } from './create-limits.ts';

const client: ClientIdentity = { address: '203.0.113.7', key: '203.0.113.7', net: '203.0.113.0/24' };

let server: TestRedis;
let open: Limits[] = [];
beforeEach(async () => {
  server = await startRedis();
});
afterEach(async () => {
  for (const limits of open) await limits.close();
  open = [];
  await server.stop();
});

async function gateway(): Promise<Limits> {
  const redis = server.client({ enableOfflineQueue: false, maxRetriesPerRequest: 1 });
  for (let at = 0; at < 300 && redis.status !== 'ready'; at += 1) await delay(10);
  const limits = createLimits({ redis, guard: { openMs: 100 } });
  open.push(limits);
  return limits;
}

describe('createLimits()', () => {
  it('shares the budget of a client between two gateways, hits included', async () => {
    const [one, other] = [await gateway(), await gateway()];
    for (let at = 0; at < 50; at += 1) expect(one.budget.tick(client, 'media', 1_000)).toBeUndefined();
    await one.close();
    // 50,000 of 60,000 are spent in the first; 500/s come back, the test takes seconds at most.
    expect(await other.budget.open(client, 'media', 'transform', 20_000)).toMatchObject({ ok: false, code: 'SEKISHO_LIMIT_CLIENT' });
    const opened = await other.budget.open(client, 'media', 'transform', 8_000);
    expect(opened).toMatchObject({ ok: true });
    if (opened.ok) await opened.charge.settle(10);
    expect(await other.budget.open(client, 'media', 'transform', 9_900)).toMatchObject({ ok: true });
  });

  it('shares the budget of a rule between two gateways', async () => {
    const [one, other] = [await gateway(), await gateway()];
    const rules = [{ rule: 'most', name: 'domain:peer.example', perMinute: 1, burst: 5 }];
    for (let at = 0; at < 5; at += 1) expect(one.budget.tickRules('inbox', rules)).toBeUndefined();
    await one.close();
    // The first is let through before the level is known; one a minute comes back.
    expect(other.budget.tickRules('inbox', rules)).toBeUndefined();
    await until(() => other.budget.tickRules('inbox', rules) !== undefined);
    expect(other.budget.tickRules('inbox', [{ ...rules[0]!, rule: 'another' }])).toBeUndefined();
  });

  it('passes 200 emoji of one page at once and refuses most of 40 bombs, over two gateways', async () => {
    const gateways = [await gateway(), await gateway()];
    const page = await Promise.all(Array.from({ length: 200 }, (_, at) => gateways[at % 2]!.budget.open(client, 'media', 'transform', 250)));
    expect(page.filter(({ ok }) => ok)).toHaveLength(200);
    await Promise.all(page.map(async (opened) => await (opened.ok ? opened.charge.settle(30) : Promise.resolve())));
    const bomber = { ...client, key: '203.0.113.8', address: '203.0.113.8' };
    let passed = 0;
    await Promise.all(Array.from({ length: 40 }, async (_, at) => {
      const opened = await gateways[at % 2]!.budget.open(bomber, 'media', 'transform', 250);
      if (opened.ok && (await opened.charge.reprice(8_000)) === 'ok') passed += 1;
    }));
    expect(passed).toBeGreaterThanOrEqual(1);
    expect(passed).toBeLessThanOrEqual(8);
    expect(gateways[0]!.budget.tick(client, 'media', 1)).toBeUndefined();
  });

  it('pauses transforms while Redis is away, keeps hits and streams, and recovers', async () => {
    const { budget, guard } = await gateway();
    expect(await budget.open(client, 'media', 'transform', 250)).toMatchObject({ ok: true });
    await server.crash();
    await delay(50);
    expect(await budget.open(client, 'media', 'transform', 250)).toMatchObject({ ok: false, code: 'SEKISHO_REDIS_AWAY' });
    expect(await budget.open(client, 'media', 'stream', 5)).toMatchObject({ ok: true });
    expect(budget.tick(client, 'media', 1)).toBeUndefined();
    await server.restart();
    let answer = await budget.open(client, 'media', 'transform', 250);
    for (let at = 0; at < 300 && !answer.ok; at += 1) {
      await delay(20);
      answer = await budget.open(client, 'media', 'transform', 250);
    }
    expect(answer).toMatchObject({ ok: true });
    expect(guard.state).toBe('closed');
  });
});
