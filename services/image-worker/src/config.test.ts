import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { ConfigError } from '@sekisho/runtime';
import { readConfig } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-worker-config-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const good = { SEKISHO_WORK_REDIS_URL: 'redis://work' };
const problemsOf = (env: NodeJS.ProcessEnv): readonly string[] => {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

describe('readConfig()', () => {
  it('has defaults for all but Redis', () => {
    expect(readConfig(good)).toMatchObject({ redisUrl: 'redis://work', isolation: 'site', ops: { port: 9090 }, shutdownDrainMs: 10_500, logLevel: 'info' });
    expect(problemsOf({})).toEqual(['SEKISHO_WORK_REDIS_URL is not set']);
  });

  it('falls back to the one Redis there is', () => {
    expect(readConfig({ SEKISHO_REDIS_URL: 'redis://one' }).redisUrl).toBe('redis://one');
    expect(readConfig({ ...good, SEKISHO_REDIS_URL: 'redis://one' }).redisUrl).toBe('redis://work');
  });

  it('reads the URL from a file', () => {
    const path = join(folder, 'url');
    writeFileSync(path, 'redis://filed\n');
    expect(readConfig({ SEKISHO_WORK_REDIS_URL_FILE: path, SEKISHO_REDIS_URL: 'redis://one' }).redisUrl).toBe('redis://filed');
    expect(readConfig({ SEKISHO_REDIS_URL_FILE: path }).redisUrl).toBe('redis://filed');
    expect(problemsOf({ ...good, SEKISHO_WORK_REDIS_URL_FILE: path })).toEqual([expect.stringContaining('are both set')]);
  });

  it.each(['1', '64'])('takes %s slots', (slots) => {
    expect(readConfig({ ...good, SEKISHO_DECODER_SLOTS: slots }).slots).toBe(Number(slots));
  });

  it.each(['0', '65', 'two'])('refuses %s slots', (slots) => {
    expect(problemsOf({ ...good, SEKISHO_DECODER_SLOTS: slots })).toHaveLength(1);
  });

  it('asks for the whole sandbox unless told otherwise', () => {
    expect(readConfig(good).sandbox).toBe('require');
    expect(readConfig({ ...good, SEKISHO_SANDBOX: 'best-effort' }).sandbox).toBe('best-effort');
    expect(problemsOf({ ...good, SEKISHO_SANDBOX: 'off' })).toEqual([expect.stringContaining('SEKISHO_SANDBOX')]);
  });
});
