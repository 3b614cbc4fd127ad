// Runs the cases with jest, beside the cluster, and counts.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { goToolsFolder } from '../../scripts/set-up/go-tools.ts';
import { root } from '../lib/context.ts';
import { commandBeside } from './cluster.ts';

/** Of one test; cases that load longer say so themselves. */
const TEST_MS = 180_000;
/** A hanging run must end as a failure. */
const RUN_MS = 60 * 60_000;

export interface Counts {
  passed: number;
  failed: number;
  readonly skipped: string[];
}

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numRuntimeErrorTestSuites: number;
  readonly testResults: readonly { readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[] }[];
}

/** @returns whether all passed. */
export async function runCases(cases: readonly string[], isOwn: boolean, counts: Counts): Promise<boolean> {
  const report = join(root, '.run/jest-e2e.json');
  rmSync(report, { force: true });
  const [program = '', ...args] = commandBeside(isOwn, [
    process.execPath, '--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js', '--config', 'config/jest.config.mjs',
    '--selectProjects', 'e2e', '--runInBand', '--forceExit', '--json', '--outputFile', report, '--testTimeout', String(TEST_MS),
    '--runTestsByPath', ...cases.map((name) => `test-e2e/${name}.test.ts`),
  ]);
  const path = [goToolsFolder(), dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter);
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], timeout: RUN_MS, killSignal: 'SIGKILL', env: { ...process.env, PATH: path } });
  const status = await new Promise<number>((resolve, reject) => {
    child.once('error', reject).once('close', (code) => resolve(code ?? 1));
  });
  if (!existsSync(report)) {
    process.stdout.write('e2e: no report, the run was cut\n');
    counts.failed += 1;
    return false;
  }
  const result = JSON.parse(readFileSync(report, 'utf8')) as Report;
  const failed = Math.max(result.numFailedTests + result.numRuntimeErrorTestSuites, status === 0 ? 0 : 1);
  counts.passed += result.numPassedTests;
  counts.failed += failed;
  const all = result.testResults.flatMap((file) => file.assertionResults);
  counts.skipped.push(...all.filter(({ status: s }) => s !== 'passed' && s !== 'failed').map(({ fullName }) => `${fullName}: not on this cluster`));
  return failed === 0;
}
