// The 45 probes of the reference, every metadata address and the hostile corpus as targets of CONNECT, each address with real
// listeners in a network of its own. Counted where the connections arrive.

import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { canMakeNamespace, corpusFolder, NON_PUBLIC, runInNamespace } from '@sekisho/testkit';
import type { ProbeReport } from './testing/probes.ts';

const RUN_MS = 120_000;
/** The kernel itself connects to no multicast or broadcast address. */
const NEVER = ['224.0.0.1', '255.255.255.255', 'ff02::1'];
const missing = (reached: readonly string[]): string[] => NON_PUBLIC.filter((ip) => !reached.includes(ip));

(canMakeNamespace() ? describe : describe.skip)('the egress-proxy, with a listener on every probe', () => {
  let report: ProbeReport;
  beforeAll(async () => {
    report = (await runInNamespace(join(import.meta.dirname, 'testing/probes.ts'), RUN_MS)) as ProbeReport;
  }, RUN_MS);

  it('could reach them: plain connections arrive, and its own without the address policy do (positive control)', () => {
    expect(NON_PUBLIC).toHaveLength(54);
    expect(missing(report.reachable)).toEqual(NEVER);
    expect(missing(report.withoutPolicy)).toEqual(NEVER);
  });

  it('reaches public names (positive control)', () => {
    expect(report.controls).toEqual(['good.peer.example:443 200 8.8.8.8', 'good6.peer.example:443 200 2606:4700:4700::1111', 'half.peer.example:443 200 8.8.8.8']);
  });

  it('opens no connection to any of them, by literal, name, alias, mixed answer, rebinding, on any port', () => {
    expect(report.breaches).toEqual([]);
    expect(report.wrong).toEqual([]);
    expect(report.requests).toBeGreaterThan(NON_PUBLIC.length * 39);
  });

  (corpusFolder() === undefined ? it.skip : it)('did so for the hostile cases of the corpus', () => {
    expect(report.corpus).toBeGreaterThan(450);
  });
});
