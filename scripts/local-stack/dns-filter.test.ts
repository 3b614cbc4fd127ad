import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { chooseDnsFilter, filterEnvironment, filterPath } from './dns-filter.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-filter-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const PORTS = { port: 5_354, opsPort: 9_094 };

describe('chooseDnsFilter()', () => {
  it.each([
    ['on', true, true], ['auto', true, true], ['off', true, false], ['off', false, false], ['auto', false, false],
  ] as const)('%s, installed: %s: starts it: %s', (wanted, isInstalled, start) => {
    expect(chooseDnsFilter(wanted, isInstalled).start).toBe(start);
  });

  it('says what to do where it was asked for and cannot be had', () => {
    expect(() => chooseDnsFilter('on', false)).toThrow('SEKISHO_DNS_FILTER is on and Unbound is not installed; run: sudo apt install unbound');
    expect(chooseDnsFilter('auto', false)).toMatchObject({ why: expect.stringContaining('sudo apt install unbound') });
  });
});

describe('filterEnvironment()', () => {
  it('puts the filter in front of the resolvers that were given', () => {
    expect(filterEnvironment(PORTS, { SEKISHO_DNS_SERVERS: '127.0.0.1:53' }, folder)).toMatchObject({
      SEKISHO_DNS_FILTER_HOST: '127.0.0.1', SEKISHO_DNS_FILTER_PORT: '5354', SEKISHO_OPS_PORT: '9094', SEKISHO_DNS_FILTER_UPSTREAMS: '127.0.0.1:53',
    });
    expect(filterEnvironment(PORTS, { SEKISHO_DNS_SERVERS: '127.0.0.1:53', SEKISHO_DNS_FILTER_UPSTREAMS: '127.0.0.2:53' }, folder)).toMatchObject({ SEKISHO_DNS_FILTER_UPSTREAMS: '127.0.0.2:53' });
  });

  it('opens nothing, and asks the resolvers of the system, where nothing was given', () => {
    expect(Object.keys(filterEnvironment(PORTS, {}, folder)).toSorted()).toEqual(['SEKISHO_DNS_FILTER_FOLDER', 'SEKISHO_DNS_FILTER_HOST', 'SEKISHO_DNS_FILTER_PORT', 'SEKISHO_OPS_PORT']);
  });

  it('opens exactly the addresses of unsafe allow targets', () => {
    const env = filterEnvironment(PORTS, { SEKISHO_UNSAFE_ALLOW_TARGETS: '127.0.0.1:80, 127.0.0.1:81,[::1]:80', SEKISHO_UNSAFE_PUBLIC_CIDRS: '198.51.100.0/24' }, folder);
    expect(env['SEKISHO_UNSAFE_PUBLIC_CIDRS']).toBe('198.51.100.0/24,127.0.0.1,::1');
  });
});

describe('filterPath()', () => {
  it('leaves the path alone where nothing confines Unbound, or where there is none', () => {
    expect(filterPath('/bin', folder, { isConfined: false, program: '/usr/sbin/unbound' })).toBe('/bin');
  });

  it('puts a copy of the program first where AppArmor confines it', () => {
    const program = join(folder, 'program');
    writeFileSync(program, 'x', { mode: 0o755 });
    expect(filterPath('/usr/bin:/bin', folder, { isConfined: true, program })).toBe(`${folder}/bin:/usr/bin:/bin`);
    expect(readFileSync(join(folder, 'bin/unbound'), 'utf8')).toBe('x');
    expect(statSync(join(folder, 'bin/unbound')).mode & 0o111).toBe(0o111);
  });
});
