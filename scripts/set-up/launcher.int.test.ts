// The real compiler, in a copy of what it needs, so that a launcher in use is never touched.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LAUNCHER, LAUNCHER_SOURCE } from './launcher.ts';
import { findProgram } from './programs.ts';

const root = dirname(dirname(import.meta.dirname));
const describeHere = findProgram('gcc') === undefined || findProgram('libc.a') === undefined ? describe.skip : describe;
let copy = '';
const at = (path: string): string => join(copy, path);
const script = (): string => at('scripts/set-up/launcher.ts');
const ensure = (env: NodeJS.ProcessEnv = process.env, ...args: readonly string[]) => spawnSync(process.execPath, [script(), ...args], { encoding: 'utf8', env, timeout: 60_000 });

describeHere('ensureLauncher() (gcc and libc6-dev)', () => {
  beforeEach(() => {
    copy = mkdtempSync(join(tmpdir(), 'sekisho-set-up-'));
    writeFileSync(at('package.json'), '{ "type": "module" }');
    cpSync(import.meta.dirname, at('scripts/set-up'), { recursive: true });
    mkdirSync(dirname(at(LAUNCHER_SOURCE)), { recursive: true });
    cpSync(join(root, LAUNCHER_SOURCE), at(LAUNCHER_SOURCE));
  });
  afterEach(() => rmSync(copy, { recursive: true }));

  it('compiles once, and again when the source has changed', () => {
    expect(ensure()).toMatchObject({ status: 0, stdout: `${at(LAUNCHER)}\n` });
    expect(spawnSync(at(LAUNCHER), ['--probe'], { encoding: 'utf8' }).stdout).toMatch(/^\{"landlock":/);
    const first = statSync(at(LAUNCHER)).ino;
    expect(ensure()).toMatchObject({ status: 0, stdout: `${at(LAUNCHER)}\n` });
    expect(statSync(at(LAUNCHER)).ino).toBe(first);
    appendFileSync(at(LAUNCHER_SOURCE), '// another line\n');
    expect(ensure().status).toBe(0);
    expect(statSync(at(LAUNCHER)).ino).not.toBe(first);
  });

  it('makes the same bytes of the same source', () => {
    ensure();
    const bytes = readFileSync(at(LAUNCHER));
    rmSync(at(LAUNCHER));
    ensure();
    expect(readFileSync(at(LAUNCHER)).equals(bytes)).toBe(true);
  });

  it('is never seen half-made, however many make it at once', async () => {
    const makers = Array.from({ length: 4 }, () => spawn(process.execPath, [script()], { stdio: 'ignore' }));
    const ends = Promise.all(makers.map(async (maker) => (await once(maker, 'exit')) as [number | null]));
    while (makers.some(({ exitCode }) => exitCode === null)) {
      if (existsSync(at(LAUNCHER))) expect(spawnSync(at(LAUNCHER), ['--probe']).status).toBe(0);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect((await ends).map(([code]) => code)).toEqual([0, 0, 0, 0]);
    expect(readdirSync(dirname(at(LAUNCHER)))).toEqual(['launcher']);
  });

  it('keeps the last good one and says what is wrong when the source does not compile', () => {
    ensure();
    writeFileSync(at(LAUNCHER_SOURCE), 'int main(void) { return undeclared; }\n');
    const { status, stderr } = ensure();
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('does not compile') });
    expect(stderr).toContain('undeclared');
    expect(readdirSync(dirname(at(LAUNCHER)))).toEqual(['launcher']);
  });

  it('is one sentence where there is no compiler and none may be installed', () => {
    expect(ensure({ PATH: '/nowhere' }, '--no-setup')).toMatchObject({ status: 1, stdout: 'gcc not found; run: sudo apt install gcc libc6-dev\n', stderr: '' });
  });
});
