import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { readGatewayConfig } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-gateway-config-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const key = file('key', 'k'.repeat(32));
const base = {
  SEKISHO_PUBLIC_URL: 'https://misskey.peer.example', SEKISHO_MISSKEY_URL: 'http://misskey:3000', SEKISHO_INTERNAL_TOKEN_FILE: key,
  SEKISHO_CACHE_KEY_FILE: key, SEKISHO_ISOLATION_KEY_FILE: key,
};

describe('readGatewayConfig()', () => {
  it('reads both Redis roles from files', () => {
    const env = { ...base, SEKISHO_REDIS_URL_FILE: file('state', 'redis://state\n'), SEKISHO_WORK_REDIS_URL_FILE: file('work', 'redis://work\n') };
    expect(readGatewayConfig(env)).toMatchObject({ redisUrl: 'redis://state', workRedisUrl: 'redis://work' });
  });

  it('uses the state Redis for work when no other is named', () => {
    expect(readGatewayConfig({ ...base, SEKISHO_REDIS_URL_FILE: file('state', 'redis://state\n') }).workRedisUrl).toBe('redis://state');
  });

  it.each([
    ['no state Redis', { SEKISHO_WORK_REDIS_URL_FILE: file('work', 'redis://work') }, 'SEKISHO_REDIS_URL is not set'],
    ['a variable beside its file', { SEKISHO_REDIS_URL: 'redis://a', SEKISHO_REDIS_URL_FILE: file('state', 'redis://b') }, 'are both set'],
  ])('refuses %s', (_name, env, problem) => {
    expect(() => readGatewayConfig({ ...base, ...env })).toThrow(problem);
  });
});
