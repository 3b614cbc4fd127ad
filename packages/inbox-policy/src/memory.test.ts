// What bodies of strangers take of the memory: while they are judged, and afterwards.

import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { INBOX_LIMITS } from '@sekisho/contracts';

const KiB = 1_024;
/** Node and the policy itself take a third of it; kept, the bodies would take more than twice as much. */
const HEAP_MIB = 32;
const BODIES = 500;
/** Heap that a body may hold while it waits for Redis, a key or Misskey. All places together, 256 MiB, fit the heap of a container of 768 MiB, which is half of that. */
const HELD_MAX = 8 * INBOX_LIMITS.bodyBytesMax;

function run(flags: readonly string[], ...args: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, ['--no-warnings', ...flags, join(import.meta.dirname, 'testing/memory.ts'), ...args], { cwd: tmpdir(), encoding: 'utf8', timeout: 100_000 });
}
const small = [`--max-old-space-size=${HEAP_MIB}`, '--max-semi-space-size=1'];
const held = (...args: readonly string[]): Readonly<Record<string, number>> => JSON.parse(run(['--expose-gc'], ...args).stdout) as Record<string, number>;

describe('the memory that bodies take', () => {
  it('is given back: hundreds of the worst pass through a heap that a few of them would fill', () => {
    const { status, stdout, stderr } = run(small, 'frees', String(BODIES));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const seen = JSON.parse(stdout) as { readonly ok: number; readonly refused: number };
    expect(seen.ok + seen.refused).toBe(BODIES);
    expect([seen.ok > BODIES / 2, seen.refused > BODIES / 10]).toEqual([true, true]);
  }, 120_000);

  it('would fill it, were anything kept', () => {
    const { status, stdout, stderr } = run(small, 'keeps', String(BODIES));
    expect([status === 0, stdout, stderr.includes('heap out of memory')]).toEqual([false, '', true]);
  }, 120_000);

  it('is bounded for each while it waits', () => {
    const each = held('holds');
    expect(Object.keys(each).length).toBeGreaterThan(15);
    expect(Object.entries(each).filter(([, bytes]) => !(bytes < HELD_MAX))).toEqual([]);
    // The measure sees what is held.
    expect(each['long strings']).toBeGreaterThan(48 * KiB);
  }, 120_000);

  it('would not be, were numbered keys not kept apart', () => {
    const kind = 'keys that are numbers';
    expect(held('lists', kind)[kind]).toBeGreaterThan(HELD_MAX);
  }, 120_000);

  it('is bounded for captures, which wait to be written', () => {
    const kind = 'keys that are numbers';
    expect(held('redacts', kind)[kind]).toBeLessThan(HELD_MAX);
  }, 120_000);
});
