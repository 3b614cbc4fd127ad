import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { readConfig } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-config-'));
const resolvConf = join(folder, 'resolv.conf');
writeFileSync(resolvConf, 'search a.svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n');
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const read = (env: Record<string, string> = {}, path = resolvConf) => readConfig(env, path);

describe('readConfig()', () => {
  it('needs nothing but a resolv.conf', () => {
    expect(read()).toEqual({
      listen: { address: '127.0.0.1', port: 5353 }, upstreams: [{ address: '10.96.0.10', port: 53 }], opsHost: '0.0.0.0', opsPort: 9094, denyCidrs: [],
      denyCidrsFile: undefined, nat64Prefixes: [], programPath: '', unsafePublicCidrs: [], folder: '/run/sekisho/dns-filter', logLevel: 'info',
    });
  });

  it('takes everything from the environment', () => {
    expect(read({
      SEKISHO_DNS_FILTER_HOST: '::1', SEKISHO_DNS_FILTER_PORT: '5354', SEKISHO_DNS_FILTER_UPSTREAMS: '10.0.0.1:53, [fd00::a]:5300', SEKISHO_DENY_CIDRS: '34.118.224.0/20',
      SEKISHO_NODE_IPS: '203.0.114.7,2600::1', KUBERNETES_SERVICE_HOST: '10.96.0.1', SEKISHO_NAT64_PREFIX: '64:ff9b::/96', SEKISHO_DNS_FILTER_FOLDER: '/tmp/x',
    })).toMatchObject({
      listen: { address: '::1', port: 5354 }, upstreams: [{ address: '10.0.0.1', port: 53 }, { address: 'fd00::a', port: 5300 }],
      denyCidrs: ['34.118.224.0/20', '203.0.114.7', '2600::1', '10.96.0.1'], nat64Prefixes: ['64:ff9b::/96'], folder: '/tmp/x',
    });
    expect(read({ KUBERNETES_SERVICE_HOST: 'kubernetes.default' }).denyCidrs).toEqual([]);
  });

  it.each([
    ['a public address', { SEKISHO_DNS_FILTER_HOST: '0.0.0.0' }, 'loopback'], ['a name', { SEKISHO_DNS_FILTER_HOST: 'localhost' }, 'loopback'],
    ['port 0', { SEKISHO_DNS_FILTER_PORT: '0' }, 'must not be 0'], ['an upstream without a port', { SEKISHO_DNS_FILTER_UPSTREAMS: '10.0.0.1' }, 'must be ip:port'],
    ['an upstream by name', { SEKISHO_DNS_FILTER_UPSTREAMS: 'dns.example:53' }, 'must be ip:port'],
    ['itself as upstream', { SEKISHO_DNS_FILTER_UPSTREAMS: '127.0.0.1:5353' }, 'would ask itself'],
    ['nine upstreams', { SEKISHO_DNS_FILTER_UPSTREAMS: Array.from({ length: 9 }, (_, at) => `10.0.0.${at}:53`).join() }, 'more than 8'],
    ['a relative folder', { SEKISHO_DNS_FILTER_FOLDER: 'x' }, 'absolute path'], ['a folder with quotes', { SEKISHO_DNS_FILTER_FOLDER: '/a"b' }, 'absolute path'],
    ['a long folder', { SEKISHO_DNS_FILTER_FOLDER: `/${'a'.repeat(90)}` }, 'absolute path'], ['a bad prefix', { SEKISHO_DENY_CIDRS: '10.0.0.0/33' }, 'SEKISHO_DENY_CIDRS'],
    ['a bad NAT64 prefix', { SEKISHO_NAT64_PREFIX: '64:ff9b::/95' }, 'SEKISHO_NAT64_PREFIX'], ['a typo', { SEKISHO_DNS_FILTER_PROT: '1' }, 'did you mean'],
  ])('refuses %s', (_name, env, problem) => {
    expect(() => read(env)).toThrow(problem);
  });

  it('refuses to have no upstream', () => {
    expect(() => read({}, join(folder, 'none'))).toThrow('SEKISHO_DNS_FILTER_UPSTREAMS is not set');
  });
});
