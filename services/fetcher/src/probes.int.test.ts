// The 45 probes of the reference and every metadata address, each with a real listener on ports 80 and 443 in a network of
// its own: by literal, name, CNAME, chain, mixed answer, rebinding, and each of them behind a redirect; then the corpus of URLs. Counted where the
// connections arrive.

import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { canMakeNamespace, NON_PUBLIC, readSsrfCases, runInNamespace, type SsrfCase } from '@sekisho/testkit';
import type { ProbeReport } from './testing/probes.ts';

const isHostileUrl = ({ kind, expected, input }: SsrfCase): boolean => kind === 'url' && expected === 'blocked' && input !== '';
const RUN_MS = 120_000;
/** The kernel itself connects to no multicast or broadcast address. */
const NEVER = ['224.0.0.1', '255.255.255.255', 'ff02::1'];
const missing = (reached: readonly string[]): string[] => NON_PUBLIC.filter((ip) => !reached.includes(ip));

(canMakeNamespace() ? describe : describe.skip)('the fetcher, with a listener on every probe', () => {
  let report: ProbeReport;
  beforeAll(async () => {
    report = (await runInNamespace(join(import.meta.dirname, 'testing/probes.ts'), RUN_MS)) as ProbeReport;
  }, RUN_MS);

  it('could reach them: plain connections arrive (positive control)', () => {
    expect(NON_PUBLIC).toHaveLength(54);
    expect(missing(report.reachable)).toEqual(NEVER);
  });

  it('would reach them without its address policy (the same counting, the wall switched off)', () => {
    // A mapped address is IPv4 to the kernel, and the fetcher finds another one at the other end, but the connection is counted.
    expect(missing(report.withoutPolicy)).toEqual(NEVER);
  });

  it('reaches public addresses (positive control)', () => {
    expect(report.controls).toEqual({
      'http://8.8.8.8/': ['stream video/webm 1024', '8.8.8.8'],
      'http://good.peer.example/': ['stream video/webm 1024', '8.8.8.8'],
      'http://good6.peer.example/': ['stream video/webm 1024', '2606:4700:4700::1111'],
    });
  });

  it('opens no connection to any of them and refuses every request by its address', () => {
    expect(report.breaches).toEqual([]);
    expect(report.wrong).toEqual([]);
    expect(report.requests).toBe(NON_PUBLIC.length * 32);
  });

  it('opens none for any URL of the corpus, whose names all lead to listeners', () => {
    expect(report.corpus).toEqual({ cases: readSsrfCases().filter(isHostileUrl).length, wrong: [], breaches: [] });
  });
});
