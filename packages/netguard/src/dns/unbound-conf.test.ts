import { describe, expect, it } from '@jest/globals';
import { parseAddress, parseCidr, prefixHolds } from '../address.ts';
import { DENIED_SUFFIXES } from '../names.ts';
import { unboundConf, type UnboundSettings } from './unbound-conf.ts';

const SETTINGS: UnboundSettings = {
  listen: { address: '127.0.0.1', port: 5353 },
  upstreams: [{ address: '10.96.0.10', port: 53 }, { address: 'fd00:96::a', port: 5300 }],
  zoneFile: '/run/x/rpz.zone',
  controlSocket: '/run/x/control',
};
const lines = (over: Partial<UnboundSettings> = {}): string[] => unboundConf({ ...SETTINGS, ...over }).split('\n').map((line) => line.trim());
const valuesOf = (key: string, from = lines()): string[] => from.filter((line) => line.startsWith(`${key}: `)).map((line) => line.slice(key.length + 2));

describe('unboundConf()', () => {
  it('listens, forwards and applies the policy', () => {
    expect(valuesOf('interface')).toEqual(['127.0.0.1@5353']);
    expect(valuesOf('forward-addr').slice(0, 3)).toEqual(['10.96.0.10@53', 'fd00:96::a@5300', '192.0.2.1']);
    expect(valuesOf('zonefile')).toEqual(['"/run/x/rpz.zone"']);
    expect(valuesOf('control-interface')).toEqual(['"/run/x/control"']);
    expect(valuesOf('ip-ratelimit')).toEqual(['1000']);
    expect(valuesOf('ip-ratelimit', lines({ clientQueriesPerSecondMax: 5 }))).toEqual(['5']);
  });

  it.each([
    'module-config: "respip iterator"', 'deny-any: yes', 'forward-first: no', 'local-zone: "localhost." always_nxdomain', 'rpz-log: yes',
    'num-threads: 1', 'max-udp-size: 1232', 'extended-statistics: yes', 'control-use-cert: no', 'do-not-query-localhost: no',
  ])('says %s', (line) => {
    expect(lines()).toContain(line);
  });

  it.each(['private-address', 'private-domain', 'stub-zone', 'rpz-action-override', 'ratelimit'])('never says %s', (key) => {
    expect(lines().filter((line) => line.startsWith(`${key}:`))).toEqual([]);
  });

  it('leads internal names to a server that must not be asked', () => {
    const zones = unboundConf(SETTINGS).split(/^\S.*:\n/m).filter((block) => block.includes('forward-first: no'));
    expect(zones).toHaveLength(1 + DENIED_SUFFIXES.length);
    const [all, ...internal] = zones;
    expect(all).toContain('name: "."');
    for (const [at, block] of internal.entries()) expect(block).toBe(`  name: "${DENIED_SUFFIXES[at]?.suffix}."\n  forward-first: no\n  forward-addr: 192.0.2.1\n`);
  });

  it('asks nobody but the upstreams', () => {
    const refused = valuesOf('do-not-query-address').map((text) => parseCidr(text)!);
    const isRefused = (ip: string): boolean => refused.some((prefix) => prefixHolds(prefix, parseAddress(ip)!));
    expect(['10.96.0.10', 'fd00:96::a'].map(isRefused)).toEqual([false, false]);
    expect(['10.96.0.9', '10.96.0.11', '127.0.0.1', '8.8.8.8', '0.0.0.0', '255.255.255.255', '::', '::1', 'fd00:96::b', '192.0.2.1', 'ffff::', '2606:4700::1'].map(isRefused)).not.toContain(false);
  });

  it.each<Partial<UnboundSettings>>([
    { upstreams: [] }, { upstreams: [{ address: 'dns.example', port: 53 }] }, { upstreams: [{ address: '10.0.0.0/8', port: 53 }] },
    { upstreams: [{ address: '192.0.2.1', port: 53 }] }, { zoneFile: 'relative' }, { zoneFile: '/a b' }, { zoneFile: '/a"\n' }, { controlSocket: '' },
  ])('refuses %j', (over) => {
    expect(() => unboundConf({ ...SETTINGS, ...over })).toThrow(TypeError);
  });
});
