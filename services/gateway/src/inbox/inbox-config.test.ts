import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { readGatewayConfig } from '../config.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-inbox-config-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const rsa = (bits: number): string => generateKeyPairSync('rsa', { modulusLength: bits }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const key = file('key', 'k'.repeat(32));
const base = {
  SEKISHO_PUBLIC_URL: 'https://misskey.peer.example:8443', SEKISHO_MISSKEY_URL: 'http://misskey:3000', SEKISHO_REDIS_URL: 'redis://state', SEKISHO_INTERNAL_TOKEN_FILE: key,
  SEKISHO_CACHE_KEY_FILE: key, SEKISHO_ISOLATION_KEY_FILE: key,
};
const enqueue = { SEKISHO_INBOX_MODE: 'enqueue', SEKISHO_MISSKEY_VERSION: '2026.3.2', SEKISHO_MISSKEY_QUEUE_REDIS_URL: 'redis://queue' };
const read = (env: NodeJS.ProcessEnv = {}) => readGatewayConfig({ ...base, ...env }).inbox;

describe('settings of the inbox', () => {
  it('enforce, without verification, captures or rules, unless something else is asked for', () => {
    expect(read()).toEqual({
      mode: 'enforce', ldPolicy: 'strict', relays: [], dateSkewS: 300, rulesFile: undefined, capturePercent: 0, verify: false, whenKeyAway: 'pass', actorKey: undefined, enqueue: undefined, databaseUrl: undefined,
    });
  });

  it('take the prefix of the queue from the public URL, its port included', () => {
    expect(read(enqueue).enqueue).toEqual({ redisUrl: 'redis://queue', version: '2026.3.2', prefix: 'misskey.peer.example:8443' });
    expect(read({ ...enqueue, SEKISHO_MISSKEY_QUEUE_PREFIX: 'mk' }).enqueue?.prefix).toBe('mk');
    expect(read({ ...enqueue, SEKISHO_MISSKEY_QUEUE_REDIS_URL: '', SEKISHO_MISSKEY_QUEUE_REDIS_URL_FILE: file('queue', 'redis://other\n') }).enqueue?.redisUrl).toBe('redis://other');
  });

  it('read the URL of the database from its file', () => {
    const url = 'postgres://sekisho:hunter2@db.example:5432/misskey?sslmode=verify-full';
    expect(read({ SEKISHO_MISSKEY_DATABASE_URL_FILE: file('database', `${url}\n`) }).databaseUrl).toBe(url);
  });

  it('write into no queue in another mode, whatever else is set', () => {
    expect(read({ ...enqueue, SEKISHO_INBOX_MODE: 'observe' }).enqueue).toBeUndefined();
  });

  it.each<[string, NodeJS.ProcessEnv, string]>([
    ['an unknown mode', { SEKISHO_INBOX_MODE: 'report' }, 'SEKISHO_INBOX_MODE'],
    ['a date further off than Misskey allows', { SEKISHO_INBOX_DATE_SKEW_S: '301' }, 'must be at most 300'],
    ['a date nobody can meet', { SEKISHO_INBOX_DATE_SKEW_S: '29' }, 'must be at least 30'],
    ['more than all captures', { SEKISHO_INBOX_CAPTURE_PERCENT: '101' }, 'must be at most 100'],
    ['a relay without https', { SEKISHO_INBOX_RELAYS: 'http://relay.example/actor' }, 'https URLs of actors'],
    ['a relay with a fragment', { SEKISHO_INBOX_RELAYS: 'https://relay.example/actor#main-key' }, 'https URLs of actors'],
    ['verification without a key', { SEKISHO_INBOX_VERIFY: 'on' }, 'SEKISHO_INBOX_ACTOR_KEY_FILE is not set'],
    ['a key that is none', { SEKISHO_INBOX_ACTOR_KEY_FILE: key }, 'must hold one RSA private key as PEM'],
    ['a short key', { SEKISHO_INBOX_ACTOR_KEY_FILE: file('short.pem', rsa(1_024)) }, 'not 1024'],
    ['a key that is not there', { SEKISHO_INBOX_ACTOR_KEY_FILE: join(folder, 'absent') }, 'cannot be read (ENOENT)'],
    ['enqueue without a queue', { ...enqueue, SEKISHO_MISSKEY_QUEUE_REDIS_URL: '' }, 'SEKISHO_MISSKEY_QUEUE_REDIS_URL is not set'],
    ['enqueue without a version', { ...enqueue, SEKISHO_MISSKEY_VERSION: '' }, 'SEKISHO_MISSKEY_VERSION must be set for the mode enqueue'],
    ['enqueue into an unknown version', { ...enqueue, SEKISHO_MISSKEY_VERSION: '2026.5.4' }, 'knows 2026.3.2. With any other use the mode enforce'],
    ['a queue prefix that is a pattern', { ...enqueue, SEKISHO_MISSKEY_QUEUE_PREFIX: '*' }, 'must be the Redis prefix of Misskey'],
    ['a database that is none', { SEKISHO_MISSKEY_DATABASE_URL_FILE: file('mysql', 'mysql://a:b@db/misskey') }, 'must hold a URL like postgres://'],
    ['a database without a user', { SEKISHO_MISSKEY_DATABASE_URL_FILE: file('nobody', 'postgres://db/misskey') }, 'must hold a URL like postgres://'],
    ['a database without a name', { SEKISHO_MISSKEY_DATABASE_URL_FILE: file('nameless', 'postgres://a:b@db/') }, 'must hold a URL like postgres://'],
    ['a database under a certificate that is not there', { SEKISHO_MISSKEY_DATABASE_URL_FILE: file('tls', 'postgres://a:b@db/m?sslrootcert=/nowhere') }, 'whose certificates are there'],
    ['a database URL that is not there', { SEKISHO_MISSKEY_DATABASE_URL_FILE: join(folder, 'absent') }, 'SEKISHO_MISSKEY_DATABASE_URL_FILE: the file cannot be read (ENOENT)'],
    ['rules that are none', { SEKISHO_INBOX_RULES_FILE: file('bad.yaml', 'rules:\n  - { id: x, action: reject }\n') }, 'SEKISHO_INBOX_RULES_FILE: line 2'],
    ['rules with a list that is not there', { SEKISHO_INBOX_RULES_FILE: file('list.yaml', 'lists:\n  - { id: mine, file: absent.txt }\n') }, 'SEKISHO_INBOX_RULES_FILE: list mine: the file cannot be read (ENOENT)'],
    ['rules that are not there', { SEKISHO_INBOX_RULES_FILE: join(folder, 'absent') }, 'SEKISHO_INBOX_RULES_FILE: the file cannot be read (ENOENT)'],
  ])('refuse %s', (_name, env, problem) => {
    expect(() => read(env)).toThrow(problem);
  });

  it('name all problems at once, and no content of a file', () => {
    const env = { ...enqueue, SEKISHO_MISSKEY_VERSION: '1', SEKISHO_INBOX_VERIFY: 'on', SEKISHO_INBOX_ACTOR_KEY_FILE: file('secret', 'very secret'), SEKISHO_MISSKEY_QUEUE_REDIS_URL: 'redis://:hunter2@queue', SEKISHO_MISSKEY_DATABASE_URL_FILE: file('password', 'postgres:hunter2@db') };
    try {
      read(env);
      throw new Error('was taken');
    } catch (error) {
      const { message } = error as Error;
      expect(message).toMatch(/SEKISHO_INBOX_ACTOR_KEY_FILE[^]*SEKISHO_MISSKEY_DATABASE_URL_FILE[^]*SEKISHO_MISSKEY_VERSION/);
      expect(message).not.toMatch(/very secret|hunter2/);
    }
  });
});
