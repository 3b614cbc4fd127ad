import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type WantedRedis, lackingData, lackingKeys, usersFile } from './secret-data.ts';

const aclTemplate = readFileSync(join(import.meta.dirname, '../redis/users.acl'), 'utf8');
let next = 0;
const ingredients = {
  aclTemplate,
  rsaKey: () => 'PEM',
  random: (bytes: number) => {
    next += 1;
    return Buffer.alloc(bytes, next);
  },
};
const keys = { kind: 'keys', name: 'k', keys: ['internal-token', 'cache-key', 'isolation-key'] } as const;
const work: WantedRedis = {
  kind: 'redis', name: 'r', address: 'redis-work.ns.svc:6379',
  urls: { 'gateway-url': 'sekisho-gateway-work', 'fetcher-url': 'sekisho-fetcher', 'image-worker-url': 'sekisho-worker' },
};
const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

function made(wanted: Parameters<typeof lackingData>[0], present: Record<string, string>): Record<string, string> {
  const lacking = lackingData(wanted, present, ingredients);
  if (!lacking.ok) throw new Error(lacking.problem);
  return { ...lacking.data };
}

describe('lackingKeys()', () => {
  it('counts an empty value as missing', () => {
    expect(lackingKeys(keys, { 'internal-token': 'x', 'cache-key': '' }, aclTemplate)).toEqual(['cache-key', 'isolation-key']);
    expect(lackingKeys(work, {}, aclTemplate)).toEqual(['gateway-url', 'fetcher-url', 'image-worker-url', 'users.acl']);
  });
});

describe('lackingData() of keys', () => {
  it('makes 32 random bytes for each missing key and touches no other', () => {
    const data = made(keys, { 'cache-key': 'kept' });
    expect(Object.keys(data)).toEqual(['internal-token', 'isolation-key']);
    for (const value of Object.values(data)) expect(value).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(Object.values(data)).size).toBe(2);
  });
});

describe('lackingData() of a private key', () => {
  const actor = { kind: 'rsa', name: 'a', key: 'actor-key' } as const;

  it('makes one where there is none', () => {
    expect(lackingKeys(actor, {}, aclTemplate)).toEqual(['actor-key']);
    expect(made(actor, {})).toEqual({ 'actor-key': 'PEM' });
  });

  it('keeps the one that other servers know', () => {
    expect(made(actor, { 'actor-key': 'kept' })).toEqual({});
  });
});

describe('lackingData() of a Redis', () => {
  it('makes URLs and a users file that knows their passwords and nobody else', () => {
    const data = made(work, {});
    const acl = (data['users.acl'] ?? '').split('\n');
    expect(acl[0]).toBe('user default off');
    expect(acl.map((line) => line.split(' ')[1])).toEqual(['default', 'sekisho-gateway-work', 'sekisho-fetcher', 'sekisho-worker', undefined]);
    for (const [key, user] of Object.entries(work.urls)) {
      const url = new URL(data[key] ?? '');
      expect([url.username, url.host]).toEqual([user, work.address]);
      expect(acl.find((line) => line.startsWith(`user ${user} `))).toContain(` #${hash(url.password)} `);
    }
    expect(acl.join('')).not.toContain('%PASSWORD');
  });

  it('takes the passwords of URLs that exist', () => {
    const url = 'rediss://sekisho-fetcher:p%40ss@elsewhere:6380';
    const data = made(work, { 'fetcher-url': url });
    expect(Object.keys(data).sort()).toEqual(['gateway-url', 'image-worker-url', 'users.acl']);
    expect(data['users.acl']).toContain(`user sekisho-fetcher reset on #${hash('p@ss')} `);
  });

  it('makes nothing when all is there', () => {
    expect(made(work, made(work, {}))).toEqual({});
  });

  it('brings the users file of another version to this one, with the same passwords', () => {
    const now = made(work, {});
    const before = aclTemplate.replaceAll('~{sekisho}:out:* ', '');
    const old = lackingData(work, { ...now, 'users.acl': '' }, { ...ingredients, aclTemplate: before });
    if (!old.ok) throw new Error(old.problem);
    expect(old.data['users.acl']).not.toBe(now['users.acl']);
    expect(made(work, { ...now, ...old.data })).toEqual({ 'users.acl': now['users.acl'] });
  });

  it('leaves what somebody made without the passwords', () => {
    expect(made(work, { ...made(work, {}), 'fetcher-url': 'redis://h', 'users.acl': 'mine' })).toEqual({});
  });

  it('does not guess the password behind a hash', () => {
    const { 'fetcher-url': _gone, ...rest } = made(work, {});
    expect(lackingData(work, rest, ingredients)).toMatchObject({ ok: false, problem: expect.stringContaining('fetcher-url') });
  });

  it.each(['http://sekisho-fetcher:p@h', 'redis://other:p@h', 'redis://sekisho-fetcher@h', 'nonsense'])('refuses the URL %s', (url) => {
    expect(lackingData(work, { 'fetcher-url': url }, ingredients)).toMatchObject({ ok: false });
  });
});

describe('usersFile()', () => {
  it.each([['user a on ~*', 'no placeholder'], ['user b on #%PASSWORD_SHA256_B%', 'no line'], ['user a #%PASSWORD_SHA256_A%\nuser a #%PASSWORD_SHA256_A%', 'two lines']])('refuses a template like %j (%s)', (template) => {
    expect(() => usersFile(template, new Map([['a', 'h']]))).toThrow();
  });
});
