import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { ConfigError, REDIS_URLS, envFields, loadConfig } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-value-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
let files = 0;
const file = (text: string): string => {
  const path = join(folder, String(files++));
  writeFileSync(path, text);
  return path;
};

const schema = z.object({
  SEKISHO_REDIS_URL: envFields.redisUrl(),
  SEKISHO_REDIS_URL_FILE: envFields.filePath().optional(),
  SEKISHO_WORK_REDIS_URL: envFields.redisUrl().optional(),
  SEKISHO_WORK_REDIS_URL_FILE: envFields.filePath().optional(),
});
const load = (env: NodeJS.ProcessEnv) => loadConfig(schema, { env, service: 'gateway', fromFiles: REDIS_URLS });
const problemsOf = (env: NodeJS.ProcessEnv): readonly string[] => {
  try {
    load(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};
const url = 'redis://user:hunter2@redis:6379';

describe('loadConfig() with fromFiles', () => {
  it.each([['as it is', url], ['with a line break', `${url}\n`], ['with spaces around', `  ${url}\r\n\n`]])('takes the URL of a file %s', (_name, text) => {
    expect(load({ SEKISHO_REDIS_URL_FILE: file(text) }).SEKISHO_REDIS_URL).toBe(url);
  });

  it('keeps the roles apart', () => {
    const config = load({ SEKISHO_REDIS_URL: 'redis://state', SEKISHO_WORK_REDIS_URL_FILE: file('redis://work') });
    expect(config).toMatchObject({ SEKISHO_REDIS_URL: 'redis://state', SEKISHO_WORK_REDIS_URL: 'redis://work' });
  });

  it('leaves a `_FILE` variable alone that is not named', () => {
    const env = { SEKISHO_REDIS_URL: 'redis://state', SEKISHO_WORK_REDIS_URL_FILE: '/nowhere' };
    expect(loadConfig(schema, { env, service: 'gateway' }).SEKISHO_WORK_REDIS_URL).toBeUndefined();
  });

  it('refuses both at once', () => {
    expect(problemsOf({ SEKISHO_REDIS_URL: url, SEKISHO_REDIS_URL_FILE: file(url) })).toEqual(['SEKISHO_REDIS_URL and SEKISHO_REDIS_URL_FILE are both set: keep one']);
  });

  it('counts an empty variable beside its file as absent', () => {
    expect(load({ SEKISHO_REDIS_URL: '', SEKISHO_REDIS_URL_FILE: file(url) }).SEKISHO_REDIS_URL).toBe(url);
  });

  it.each([
    ['a missing file', '/nowhere/url', 'SEKISHO_REDIS_URL_FILE: the file cannot be read (ENOENT)'],
    ['a folder', folder, 'SEKISHO_REDIS_URL_FILE: the file cannot be read (EISDIR)'],
    ['an empty file', file(' \n'), 'SEKISHO_REDIS_URL_FILE: the file is empty'],
    ['too long a file', file(`redis://${'h'.repeat(4_089)}`), 'SEKISHO_REDIS_URL_FILE: the file must hold at most 4096 bytes'],
    ['another scheme', file('http://hunter2'), 'SEKISHO_REDIS_URL_FILE: must be a redis://, rediss:// or unix socket URL'],
    ['two lines', file(`${url}\n${url}`), 'SEKISHO_REDIS_URL_FILE: must be a redis://, rediss:// or unix socket URL'],
  ])('refuses %s with one problem that names the file variable', (_name, path, problem) => {
    expect(problemsOf({ SEKISHO_REDIS_URL_FILE: path })).toEqual([problem]);
  });

  it('takes a file of just the permitted size', () => {
    expect(load({ SEKISHO_REDIS_URL_FILE: file(`redis://${'h'.repeat(4_088)}`) }).SEKISHO_REDIS_URL).toHaveLength(4_096);
  });

  it('never echoes what the file holds', () => {
    expect(problemsOf({ SEKISHO_REDIS_URL: 'x', SEKISHO_REDIS_URL_FILE: file('hunter2') }).join()).not.toContain('hunter2');
  });

  it('says that nothing is set when there is neither', () => {
    expect(problemsOf({})).toEqual(['SEKISHO_REDIS_URL is not set']);
  });
});
