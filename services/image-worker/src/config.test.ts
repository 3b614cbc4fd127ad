import { describe, expect, it } from '@jest/globals';
import { ConfigError } from '@sekisho/runtime';
import { readConfig } from './config.ts';

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
    expect(readConfig(good)).toMatchObject({ redisUrl: 'redis://work', isolation: 'site', ops: { port: 9090 }, logLevel: 'info' });
    expect(problemsOf({})).toEqual(['SEKISHO_WORK_REDIS_URL is not set']);
  });

  it('falls back to the one Redis there is', () => {
    expect(readConfig({ SEKISHO_REDIS_URL: 'redis://one' }).redisUrl).toBe('redis://one');
    expect(readConfig({ ...good, SEKISHO_REDIS_URL: 'redis://one' }).redisUrl).toBe('redis://work');
  });

  it.each(['1', '64'])('takes %s slots', (slots) => {
    expect(readConfig({ ...good, SEKISHO_DECODER_SLOTS: slots }).slots).toBe(Number(slots));
  });

  it.each(['0', '65', 'two'])('refuses %s slots', (slots) => {
    expect(problemsOf({ ...good, SEKISHO_DECODER_SLOTS: slots })).toHaveLength(1);
  });

  it('does not start without the kernel sandbox that was asked for', () => {
    expect(problemsOf({ ...good, SEKISHO_SANDBOX: 'require' })).toEqual([expect.stringContaining('SEKISHO_SANDBOX')]);
  });
});
