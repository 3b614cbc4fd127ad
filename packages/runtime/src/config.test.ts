import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { ConfigError, envFields, loadConfig, readSecretFile } from './config.ts';

const schema = z.object({
  SEKISHO_GATEWAY_PORT: envFields.port(8080),
  SEKISHO_PUBLIC_URL: envFields.httpUrl(),
  SEKISHO_OWN_HOSTS: envFields.list(),
});
const good = { SEKISHO_PUBLIC_URL: 'https://social.peer.example' };

const problemsOf = (env: NodeJS.ProcessEnv): readonly string[] => {
  try {
    loadConfig(schema, { env, service: 'gateway' });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

describe('loadConfig()', () => {
  it('fills in defaults and parses values', () => {
    const config = loadConfig(schema, { env: { ...good, SEKISHO_OWN_HOSTS: 'a.example, b.example,' }, service: 'gateway' });
    expect(config.SEKISHO_GATEWAY_PORT).toBe(8080);
    expect(config.SEKISHO_PUBLIC_URL.hostname).toBe('social.peer.example');
    expect(config.SEKISHO_OWN_HOSTS).toEqual(['a.example', 'b.example']);
  });

  it('names all problems at once', () => {
    expect(problemsOf({ SEKISHO_GATEWAY_PORT: '65536' })).toHaveLength(2);
  });

  it('treats an empty value as absent', () => {
    expect(loadConfig(schema, { env: { ...good, SEKISHO_GATEWAY_PORT: '' }, service: 'gateway' }).SEKISHO_GATEWAY_PORT).toBe(8080);
  });

  it('says which name was probably meant', () => {
    expect(problemsOf({ ...good, SEKISHO_GATEWAY_PROT: '1' })).toEqual(['SEKISHO_GATEWAY_PROT is not known; did you mean SEKISHO_GATEWAY_PORT?']);
  });

  it('accepts names of other services and foreign names', () => {
    expect(problemsOf({ ...good, SEKISHO_DECODER_SLOTS: '2', PATH: '/bin' })).toEqual([]);
  });

  it('never echoes a value', () => {
    const secret = 'redis-password-in-the-wrong-place';
    expect(problemsOf({ SEKISHO_PUBLIC_URL: secret, SEKISHO_GATEWAY_PORT: secret }).join('\n')).not.toContain(secret);
  });

  it.each(['ftp://a.example', 'https://user@a.example', 'https://a.example/?q', 'not a url'])('refuses %s as URL', (url) => {
    expect(problemsOf({ SEKISHO_PUBLIC_URL: url })).toHaveLength(1);
  });
});

describe('readSecretFile()', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-secret-'));
  const file = (bytes: number, end = ''): string => {
    const path = join(folder, `s${bytes}${end.length}`);
    writeFileSync(path, 'x'.repeat(bytes) + end);
    return path;
  };

  it.each([[32, ''], [32, '\n'], [4_096, '\n']])('takes %d bytes', (bytes, end) => {
    expect(readSecretFile(file(bytes, end), 'SEKISHO_X_FILE')).toHaveLength(bytes);
  });

  it.each([[31, '\n'], [4_097, '']])('refuses %d bytes', (bytes, end) => {
    expect(() => readSecretFile(file(bytes, end), 'SEKISHO_X_FILE')).toThrow(ConfigError);
  });

  it('names the variable when the file is missing', () => {
    expect(() => readSecretFile(join(folder, 'none'), 'SEKISHO_X_FILE')).toThrow(/SEKISHO_X_FILE.*ENOENT/);
  });
});
