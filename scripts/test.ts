// npm test: lint, types, generated files, then jest by project; sets up what the tests need. The last line is the count.
//   npm test            everything
//   npm test unit int   only these projects (unit, int, browser, chart, vm)

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ensureGoTools, goToolsProblem } from './set-up/go-tools.ts';
import { launcherProblem } from './set-up/launcher.ts';
import { MissingProgram, type Program, ensurePrograms } from './set-up/programs.ts';
import { vmProblem } from '../test-vm/lib/requirements.ts';

const root = dirname(import.meta.dirname);
const PROJECTS = ['unit', 'int', 'browser', 'chart', 'vm'] as const;
type Project = (typeof PROJECTS)[number];

interface Counts {
  passed: number;
  failed: number;
  skipped: string[];
}

interface JestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numRuntimeErrorTestSuites: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** Of two cores; integration tests mostly wait, for deadlines and for Redis, but a browser and a cluster's templates do not. */
const WORKERS: Readonly<Record<Project, number>> = { unit: 2, int: 2, browser: 1, chart: 1, vm: 1 };
/** A hanging project must end as a failure, not as a run that never ends. */
const PROJECT_MS = 25 * 60_000;

function runNode(args: readonly string[]): number {
  const result = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', timeout: PROJECT_MS, killSignal: 'SIGKILL' });
  return result.status ?? 1;
}

function check(name: string, args: readonly string[], counts: Counts): void {
  process.stdout.write(`== ${name}\n`);
  if (runNode(args) === 0) counts.passed += 1;
  else counts.failed += 1;
}

function jest(project: Project, counts: Counts): void {
  process.stdout.write(`== ${project}\n`);
  mkdirSync(join(root, '.run'), { recursive: true });
  const report = join(root, `.run/jest-${project}.json`);
  rmSync(report, { force: true });
  const status = runNode([
    '--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js', '--config', 'config/jest.config.mjs',
    '--selectProjects', project, '--maxWorkers', String(WORKERS[project]), '--json', '--outputFile', report, '--silent',
    '--testTimeout', '60000',
  ]);
  if (!existsSync(report)) {
    process.stdout.write(`${project}: no report, the run was cut\n`);
    counts.failed += 1;
    return;
  }
  const result = JSON.parse(readFileSync(report, 'utf8')) as JestReport;
  counts.passed += result.numPassedTests;
  counts.failed += result.numFailedTests + result.numRuntimeErrorTestSuites;
  if (status !== 0 && result.numFailedTests + result.numRuntimeErrorTestSuites === 0) counts.failed += 1;
  const all = result.testResults.flatMap((file) => file.assertionResults);
  counts.skipped.push(...all.filter(({ status: s }) => s !== 'passed' && s !== 'failed').map((test) => test.fullName));
}

/** Without it the decoders of the tests run without walls, and the tests of the walls are skipped. */
function launcher(counts: Counts): void {
  try {
    const problem = launcherProblem();
    if (problem !== undefined) counts.skipped.push(`decoder sandbox: ${problem}`);
  } catch (error) {
    process.stdout.write(`decoder sandbox: ${error instanceof Error ? error.message : String(error)}\n`);
    counts.failed += 1;
  }
}

/** Helm and its helpers are built from Go modules on first use; without Go the project is skipped by name. */
function chart(counts: Counts): void {
  const problem = goToolsProblem();
  if (problem !== undefined) {
    counts.skipped.push(`chart: ${problem}`);
    return;
  }
  try {
    ensureGoTools(['helm', 'helm3', 'helm-unittest', 'kubeconform']);
  } catch (error) {
    process.stdout.write(`chart: ${error instanceof Error ? error.message : String(error)}\n`);
    counts.failed += 1;
    return;
  }
  const unittest = join(root, '.run/helm-unittest.json');
  rmSync(unittest, { force: true });
  jest('chart', counts);
  // Jest sees one run of helm-unittest; its cases count as what they are.
  const cases = existsSync(unittest) ? (JSON.parse(readFileSync(unittest, 'utf8')) as { readonly passed?: number; readonly failed?: number }) : {};
  counts.passed += cases.passed ?? 0;
  counts.failed += cases.failed ?? 0;
}

/** The virtual machine needs an emulator and a kernel with AppArmor; without them the project is skipped by name. */
function vm(counts: Counts): void {
  const problem = vmProblem();
  if (problem === undefined) jest('vm', counts);
  else counts.skipped.push(`vm: ${problem}`);
}

/** For the check of the AppArmor profile, the tests of the DNS filter and those of Misskey's database; skipped by name where they cannot be had. */
const OPTIONAL: readonly Program[] = ['apparmor_parser', 'unbound', 'postgres'];

/** One by one: a package that is nowhere must not keep the others away. */
function optionalPrograms(): void {
  for (const program of OPTIONAL) {
    try {
      ensurePrograms([program]);
    } catch (error) {
      if (!(error instanceof MissingProgram)) throw error;
    }
  }
}

const asked = process.argv.slice(2);
const wanted = PROJECTS.filter((project) => asked.length === 0 || asked.includes(project));
const counts: Counts = { passed: 0, failed: 0, skipped: [] };
ensurePrograms(wanted.includes('browser') ? ['redis-server', 'openssl', 'chromium'] : ['redis-server', 'openssl']);
launcher(counts);
if (wanted.includes('int')) optionalPrograms();
if (asked.length === 0) {
  check('lint and types', ['scripts/lint.ts'], counts);
  check('generated files', ['scripts/generate.ts', '--verify'], counts);
}
for (const project of wanted) {
  if (project === 'chart') chart(counts);
  else if (project === 'vm') vm(counts);
  else jest(project, counts);
}

for (const name of counts.skipped) process.stdout.write(`skipped: ${name}\n`);
process.stdout.write(`${counts.skipped.length} skipped\n`);
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
