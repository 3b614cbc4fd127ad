import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { readConfig } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-config-'));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const base = {
  SEKISHO_PUBLIC_URL: 'https://misskey.origin.example', SEKISHO_REDIS_URL: 'redis://user:hunter2@redis:6379', SEKISHO_INTERNAL_TOKEN_FILE: file('token', 'a'.repeat(32)),
};

describe('readConfig()', () => {
  it('is content with the least, and closed by default', () => {
    expect(readConfig({ ...base, PATH: '/bin', SEKISHO_OWN_HOSTS: '' })).toMatchObject({
      port: 8081, opsPort: 9090, listenHost: '0.0.0.0', plainHttp: 'upgrade', denyCidrs: [], unsafeAllowTargets: [], unsafePublicCidrs: [],
      unsafeCa: undefined, hosts: undefined, redisUrl: base.SEKISHO_REDIS_URL, workBytesMax: 268_435_456, shutdownDelayMs: 5_000,
    });
  });

  it.each([
    ['SEKISHO_FETCHER_PORT', '65536'], ['SEKISHO_PUBLIC_URL', 'misskey.example'], ['SEKISHO_PUBLIC_URL', undefined], ['SEKISHO_REDIS_URL', undefined], ['SEKISHO_REDIS_URL', 'http://redis'],
    ['SEKISHO_INTERNAL_TOKEN_FILE', undefined], ['SEKISHO_INTERNAL_TOKEN_FILE', '/nowhere'], ['SEKISHO_INTERNAL_TOKEN_FILE', file('short', 'a'.repeat(31))],
    ['SEKISHO_DNS_SERVERS', '1.1.1.1'], ['SEKISHO_DNS_SERVERS', 'dns:53'], ['SEKISHO_FETCH_PLAIN_HTTP', 'yes'], ['SEKISHO_DENY_CIDRS', '10.0.0.0/33'], ['SEKISHO_DENY_CIDRS_FILE', '/nowhere'],
    ['SEKISHO_NODE_IPS', 'node'], ['SEKISHO_NAT64_PREFIX', '64:ff9b::'], ['SEKISHO_NAT64_PREFIX', '64:ff9b::/96,10.0.0.0/8'], ['SEKISHO_UNSAFE_ALLOW_TARGETS', '127.0.0.1'], ['SEKISHO_UNSAFE_PUBLIC_CIDRS', 'x'], ['SEKISHO_UNSAFE_CA_FILE', '/nowhere'], ['SEKISHO_OWN_HOSTS', 'a b'],
    ['SEKISHO_OWN_HOSTS', 'a:80'], ['SEKISHO_FETCHER_HOSTS', 'a/b'], ['SEKISHO_WORK_BYTES_MAX', '1'], ['SEKISHO_DENY_CIDR', '10.0.0.0/8'],
  ])('refuses %s=%s', (name, value) => {
    expect(() => readConfig({ ...base, [name]: value })).toThrow(/configuration is not valid/);
  });

  it.each([['/nowhere', 'SEKISHO_DENY_CIDRS_FILE: the file cannot be read (ENOENT)'], [file('bad', '10.0.0.0/8\nx\n'), 'SEKISHO_DENY_CIDRS_FILE: line 2 is no address prefix']])('says what is wrong with the denied networks of %s', (path, problem) => {
    expect(() => readConfig({ ...base, SEKISHO_DENY_CIDRS_FILE: path })).toThrow(problem);
  });

  it('takes NAT64 prefixes, and none by itself', () => {
    expect(readConfig(base).nat64Prefixes).toEqual([]);
    expect(readConfig({ ...base, SEKISHO_NAT64_PREFIX: '64:ff9b::/96, 64:ff9b:1::/48' }).nat64Prefixes).toEqual(['64:ff9b::/96', '64:ff9b:1::/48']);
  });

  it('prints all problems at once and no secret', () => {
    const read = (): unknown => readConfig({ ...base, SEKISHO_REDIS_URL: 'hunter2', SEKISHO_FETCHER_PORT: 'x', SEKISHO_DENY_CIDRS: 'y' });
    for (const name of ['SEKISHO_REDIS_URL', 'SEKISHO_FETCHER_PORT', 'SEKISHO_DENY_CIDRS']) expect(read).toThrow(name);
    expect(read).not.toThrow(/hunter2/);
  });

  it('prefers the work Redis', () => {
    expect(readConfig({ ...base, SEKISHO_WORK_REDIS_URL: 'redis://work' }).redisUrl).toBe('redis://work');
    expect(readConfig({ ...base, SEKISHO_WORK_REDIS_URL_FILE: file('work', 'redis://filed\n') }).redisUrl).toBe('redis://filed');
  });

  it('reads the one Redis there is from a file', () => {
    expect(readConfig({ ...base, SEKISHO_REDIS_URL: '', SEKISHO_REDIS_URL_FILE: file('one', 'redis://one\n') }).redisUrl).toBe('redis://one');
    expect(() => readConfig({ ...base, SEKISHO_REDIS_URL_FILE: file('one', 'redis://one\n') })).toThrow('are both set');
  });

  it.each([
    ['a private API server', '10.96.0.1', {}, ['10.96.0.1']], ['none', undefined, {}, []], ['a name', 'kubernetes.default.svc', {}, []],
    ['a public one that is denied', '34.118.224.1', { SEKISHO_DENY_CIDRS: '34.118.224.0/20' }, ['34.118.224.0/20', '34.118.224.1']],
    ['a public one that the file denies', '34.118.224.1', { SEKISHO_DENY_CIDRS_FILE: file('deny', '34.118.224.0/20\n') }, ['34.118.224.1']],
    ['and node addresses', '10.96.0.1', { SEKISHO_NODE_IPS: '203.0.114.7, 2600::1' }, ['203.0.114.7', '2600::1', '10.96.0.1']],
  ])('denies %s by itself', (_name, host, env, denyCidrs) => {
    expect(readConfig({ ...base, ...env, KUBERNETES_SERVICE_HOST: host }).denyCidrs).toEqual(denyCidrs);
  });

  it.each([
    ['nothing', {}], ['another network', { SEKISHO_DENY_CIDRS: '34.118.240.0/20' }], ['only the node', { SEKISHO_NODE_IPS: '34.118.224.1' }],
  ])('refuses to start with a public API server denied by %s', (_name, env) => {
    expect(() => readConfig({ ...base, ...env, KUBERNETES_SERVICE_HOST: '34.118.224.1' })).toThrow(/set cluster\.denyCIDRs/);
  });
});
