import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ConfigError, type Reloaded } from '@sekisho/runtime';
import { type TestRedis, startRedis } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { type Limits, createLimits } from '../limits/create-limits.ts';
import { createLines } from '../line/lines.ts';
import { DEFAULT_GATEWAY_LIMITS, type GatewayLimits } from './limits.ts';
import { type FollowedLimits, checkLimitsFile, openLimits } from './limits-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-limits-'));
const path = join(folder, 'limits.yaml');
const client = { address: '203.0.113.7', key: '203.0.113.7', net: '203.0.113.0/24' };
let reloads: Reloaded<GatewayLimits>[] = [];
const open: FollowedLimits[] = [];

afterEach(() => {
  for (const limits of open.splice(0)) limits.close();
  reloads = [];
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function follow(text: string): Promise<FollowedLimits> {
  writeFileSync(path, text);
  const limits = await openLimits(path, (reload) => void reloads.push(reload));
  open.push(limits);
  return limits;
}

/** Like an editor or a mount: the file as a whole. */
async function replace(text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

describe('openLimits()', () => {
  it('has the defaults without a file', async () => {
    expect((await openLimits(undefined, () => undefined)).value).toEqual(DEFAULT_GATEWAY_LIMITS);
  });

  it('applies a good new file; a bad or missing one keeps the old limits and says why', async () => {
    const limits = await follow('media: { passAnimationSideMax: 128 }\n');
    expect(limits.value.media.passAnimationSideMax).toBe(128);
    await replace('media: { passAnimationSideMax: 64 }\nline: { entriesMax: 7 }\n');
    await until(() => limits.value.line.entriesMax === 7);
    expect(limits.value.media.passAnimationSideMax).toBe(64);
    await replace('line:\n  entriesMax: 0\n');
    await until(() => reloads.some(({ ok }) => !ok));
    expect(reloads.find(({ ok }) => !ok)).toEqual({ ok: false, detail: 'line 2: line.entriesMax: must be at least 1' });
    expect(limits.value.line.entriesMax).toBe(7);
    await rm(path);
    await limits.reload();
    expect(limits.value.line.entriesMax).toBe(7);
    await replace('');
    await until(() => limits.value.line.entriesMax === DEFAULT_GATEWAY_LIMITS.line.entriesMax);
    expect(limits.value).toEqual(DEFAULT_GATEWAY_LIMITS);
  });
});

describe('checkLimitsFile()', () => {
  it.each([
    ['line:\n  entriesMax: 0\n', 'SEKISHO_LIMITS_FILE: line 2: line.entriesMax: must be at least 1'],
    ['nonsense: 1\n', 'SEKISHO_LIMITS_FILE: line 1: nonsense is not known'],
    ['#'.repeat(65_537), 'SEKISHO_LIMITS_FILE: the file is larger than 65536 bytes'],
  ])('ends the start with one sentence on %j', (text, sentence) => {
    writeFileSync(path, text);
    expect(() => checkLimitsFile(path)).toThrow(new ConfigError('gateway', [sentence]));
  });

  it('takes a good file and refuses a missing one', () => {
    writeFileSync(path, 'line: { entriesMax: 1 }');
    expect(() => checkLimitsFile(path)).not.toThrow();
    expect(() => checkLimitsFile(join(folder, 'none'))).toThrow('SEKISHO_LIMITS_FILE: the file cannot be read (ENOENT)');
  });
});

describe('limits that change while they are used', () => {
  let server: TestRedis;
  const budgets: Limits[] = [];
  beforeEach(async () => {
    server = await startRedis();
  });
  afterEach(async () => {
    for (const budget of budgets.splice(0)) await budget.close();
    await server.stop();
  });

  async function createBudget(limits: FollowedLimits): Promise<Limits> {
    const redis = server.client({ enableOfflineQueue: false, maxRetriesPerRequest: 1 });
    await until(() => redis.status === 'ready');
    const made = createLimits({ redis, shape: () => limits.value.budget });
    budgets.push(made);
    return made;
  }

  it('refuses by a lowered budget at once, and serves by a raised one', async () => {
    const limits = await follow('');
    const { budget } = await createBudget(limits);
    const held = await budget.open(client, 'media', 'transform', 9_000);
    expect([held.ok, budget.tick(client, 'media', 1)]).toEqual([true, undefined]);
    await replace('budget: { capacityMs: 10000, refillMsPerSecond: 500 }');
    await until(() => limits.value.budget.capacityMs === 10_000);
    expect(await budget.open(client, 'media', 'transform', 9_000)).toMatchObject({ ok: false, code: 'SEKISHO_LIMIT_CLIENT' });
    expect(budget.tick(client, 'media', 11_000)).toMatchObject({ ok: false, code: 'SEKISHO_LIMIT_CLIENT' });
    await replace('budget: { capacityMs: 100000 }');
    await until(() => limits.value.budget.capacityMs === 100_000);
    expect(await budget.open(client, 'media', 'transform', 9_000)).toMatchObject({ ok: true });
    expect(budget.tick(client, 'media', 11_000)).toBeUndefined();
  });

  it('shortens the lines of clients that wait already', async () => {
    const limits = await follow('');
    const lines = createLines({ slots: 1, settings: () => limits.value.line });
    const never = new AbortController().signal;
    const running = await lines.enter('a', never);
    const waiting = lines.enter('a', never);
    await replace('line: { entriesMax: 1, waitMs: 100 }');
    await until(() => limits.value.line.entriesMax === 1);
    const refused = { ok: false, code: 'SEKISHO_LIMIT_LINE' };
    expect(await lines.enter('a', never)).toMatchObject(refused);
    expect(await waiting).toMatchObject(refused);
    if (running.ok) running.slot.release();
    lines.close();
  });
});
