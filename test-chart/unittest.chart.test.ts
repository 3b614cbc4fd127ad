// helm-unittest runs the suites of charts/sekisho/tests; a suite that vanishes or finds nothing to say fails here.

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { CHART, type Ran, ROOT, runTool } from '../scripts/chart/helm.ts';

const CASES_MIN = 40;
const suites = readdirSync(join(CHART, 'tests')).filter((file) => file.endsWith('_test.yaml'));

/** `Tests: 3 failed, 40 passed, 43 total`, as helm-unittest sums up. */
function sum(output: string, line: string): Readonly<Record<string, number>> {
  const [text = ''] = new RegExp(`^${line}:.*$`, 'm').exec(output) ?? [];
  return Object.fromEntries([...text.matchAll(/(\d+) (\w+)/g)].map(([, count, word]) => [word, Number(count)]));
}

describe('helm-unittest', () => {
  let ran: Ran;
  beforeAll(() => {
    ran = runTool('helm-unittest', ['--color=false', CHART]);
    mkdirSync(join(ROOT, '.run'), { recursive: true });
    // npm test adds these cases to its own count.
    writeFileSync(join(ROOT, '.run/helm-unittest.json'), JSON.stringify(sum(ran.stdout, 'Tests')));
  });

  it('passes', () => {
    expect(ran.status === 0 ? '' : ran.stdout + ran.stderr).toBe('');
  });

  it('runs every suite', () => {
    const { passed = 0, total } = sum(ran.stdout, 'Test Suites');
    expect(passed).toBe(total);
    expect(passed).toBeGreaterThanOrEqual(suites.length);
    for (const file of suites) expect(ran.stdout).toMatch(new RegExp(`^ PASS .*/${file}$`, 'm'));
    for (const component of ['gateway', 'fetcher', 'image-worker', 'egress-proxy', 'dns-filter', 'redis', 'misskey', 'secrets', 'network']) expect(suites.join(' ')).toContain(component);
  });

  it('has cases and a snapshot of the defaults', () => {
    expect(sum(ran.stdout, 'Tests')['passed']).toBeGreaterThanOrEqual(CASES_MIN);
    expect(sum(ran.stdout, 'Snapshot')['passed']).toBeGreaterThanOrEqual(1);
  });
});

it('sum() reads a failed run', () => {
  expect(sum('Charts:      1 failed, 0 passed, 1 total\nTests:       2 failed, 41 passed, 43 total\n', 'Tests')).toEqual({ failed: 2, passed: 41, total: 43 });
});
