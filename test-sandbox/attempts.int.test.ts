// The table of attempts, the code that makes them, and the documentation say the same; and the verdict can be "failed".

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ATTEMPTS, POSSIBLE } from './attempts.ts';
import { WALLS } from './attempts/attempt.ts';
import { ensureProbe } from './probe/build.ts';
import { cutOut } from './variants.ts';
import { judge } from './verdict.ts';

const names = ATTEMPTS.map(({ name }) => name);

describe('the attempts', () => {
  it('are those of the C program and of the script, each once', () => {
    const native = execFileSync(join(ensureProbe(), 'outside/probe'), ['--list'], { encoding: 'utf8', timeout: 10_000 }).trim().split('\n');
    const scripted: { readonly attempts: object } = createRequire(import.meta.url)('./probe/scripted.cjs');
    expect([...native, ...Object.keys(scripted.attempts)].sort()).toEqual([...names, ...POSSIBLE].sort());
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThanOrEqual(61);
  });

  it('each have a wall, a gain and a sign', () => {
    for (const { heldBy, gain, told } of ATTEMPTS) {
      expect(heldBy.length).toBeGreaterThan(0);
      expect(new Set(heldBy).size).toBe(heldBy.length);
      expect([gain, told].every((text) => text.length > 2)).toBe(true);
    }
    expect(new Set(ATTEMPTS.flatMap(({ heldBy }) => heldBy))).toEqual(new Set(WALLS));
  });
});

describe('judge()', () => {
  const told = [{ attempt: 'a', verdict: 'refused EPERM' }, { attempt: 'b', verdict: 'killed SIGSYS' }, { attempt: 'c', verdict: 'absent' }];

  it('holds when every attempt was refused or had nothing to attack', () => {
    expect(judge(told, ['a', 'b', 'c'])).toEqual({ held: true, attempts: 3, refused: 1, killed: 1, succeeded: [], absent: ['c'], wrong: [] });
  });

  it.each([
    ['one has succeeded', [...told, { attempt: 'd', verdict: 'success' }], ['a', 'b', 'c', 'd']],
    ['one is neither refused nor successful', [...told, { attempt: 'd', verdict: 'error EINVAL' }], ['a', 'b', 'c', 'd']],
    ['a verdict is of no known kind', [...told, { attempt: 'd', verdict: 'refused' }], ['a', 'b', 'c', 'd']],
    ['one was killed by another signal', [...told, { attempt: 'd', verdict: 'killed SIGSEGV' }], ['a', 'b', 'c', 'd']],
    ['one was never told', told, ['a', 'b', 'c', 'd']],
    ['one was told twice', [...told, ...told.slice(0, 1)], ['a', 'b', 'c']],
    ['one was not asked for', told, ['a', 'b']],
    ['nothing was tried', [], []],
  ])('fails when %s', (_, lines, wanted) => {
    expect(judge(lines, wanted).held).toBe(false);
  });
});

describe('cutOut()', () => {
  it('refuses a launcher that no longer has what is cut', () => {
    const source = readFileSync(join(import.meta.dirname, '../services/image-worker/launcher/launcher.c'), 'utf8');
    expect(cutOut(source, ['descriptors'])).not.toContain('CLOSE_RANGE, 3');
    expect(() => cutOut(source.replace('CLOSE_RANGE, 3', 'CLOSE_RANGE, 4'), ['descriptors'])).toThrow('exactly one');
  });
});
