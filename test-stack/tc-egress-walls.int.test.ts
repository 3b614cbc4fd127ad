// Each wall alone: the address check of fetcher and egress-proxy switched off with the DNS filter on, the filter off with the
// check on, and both off, where the same requests must arrive. In a network of its own every non-public address listens.

import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { canMakeNamespace, runInNamespace, NON_PUBLIC } from '@sekisho/testkit';
import { findProgram } from '../scripts/set-up/programs.ts';
import { type SettingReport, type WallsReport } from './egress/walls.ts';

const RUN_MS = 55_000;
/** The kernel itself connects to no multicast or broadcast address. */
const NEVER = ['224.0.0.1', '255.255.255.255', 'ff02::1'];
/** No prefix can say what is wrong with it; see docs/egress.md. */
const BEYOND_DNS = ['2a00::5efe:7f00:1'];
/** A mapped address is IPv4 to the kernel, an unspecified one is this machine, and some are written otherwise by Node. */
const SEEN_AS: Readonly<Record<string, string>> = {
  '::ffff:7f00:1': '127.0.0.1', '0.0.0.0': '127.0.0.1', '::': '::1', '::7f00:1': '::127.0.0.1', '::ffff:0:7f00:1': '0:7f00:1', 'fe80::1': 'fe80::1%lo',
};
const REACHABLE = NON_PUBLIC.filter((ip) => !NEVER.includes(ip));

const missing = [...(canMakeNamespace() ? [] : ['a network namespace']), ...(findProgram('unbound') === undefined ? ['Unbound'] : [])];

(missing.length === 0 ? describe : describe.skip)(`each wall alone${missing.length === 0 ? '' : ` (needs ${missing.join(' and ')})`}`, () => {
  let report: WallsReport;
  beforeAll(async () => {
    report = (await runInNamespace(join(import.meta.dirname, 'egress/walls.ts'), RUN_MS)) as WallsReport;
  }, RUN_MS + 5_000);

  const setting = (name: string): SettingReport => {
    const found = report.settings[name];
    if (found === undefined) throw new Error(`no setting ${name}`);
    return found;
  };
  const arrived = (name: string): unknown => ({ fetcher: setting(name).fetcher, egressProxy: setting(name).egressProxy });
  const NOTHING = { fetcher: [], egressProxy: [] };

  it('stands in a network where every target could be reached', () => {
    expect(NON_PUBLIC.filter((ip) => !report.reachable.includes(ip))).toEqual(NEVER);
    for (const { requests } of Object.values(report.settings)) expect(requests).toBe(NON_PUBLIC.length * 6);
  });

  it('lets connections arrive at every target with both switched off (positive control)', () => {
    const { fetcher, egressProxy } = setting('-netguard -filter');
    for (const seen of [fetcher, egressProxy]) expect(REACHABLE.filter((ip) => !seen.includes(SEEN_AS[ip] ?? ip))).toEqual([]);
  });

  it('holds by the DNS filter alone, but for what no prefix can say', () => {
    expect(arrived('-netguard +filter')).toEqual({ fetcher: BEYOND_DNS, egressProxy: BEYOND_DNS });
  });

  it('holds by the address check alone', () => {
    expect(arrived('+netguard -filter')).toEqual(NOTHING);
  });

  it('holds by both', () => {
    expect(arrived('+netguard +filter')).toEqual(NOTHING);
  });

  it('lets public names through in every setting', () => {
    for (const { control } of Object.values(report.settings)) expect(control).toEqual(['stream video/webm 1024', '200', '8.8.8.8', '2606:4700:4700::1111']);
  });

  it('is the address check\'s alone for literals in a fetcher\'s URL; the egress-proxy takes none at all', () => {
    expect(setting('-netguard +filter').literal).toEqual({ fetcher: ['10.0.0.1'], egressProxy: [] });
    expect(setting('+netguard -filter').literal).toEqual(NOTHING);
    expect(setting('-netguard -filter').literal.egressProxy).toEqual([]);
  });
});
