// npm run test:e2e: a real cluster, the chart on it, the cases tc-*.test.ts. The last line is the count.
//   npm run test:e2e                     all cases on the small engine, then those about policies on Cilium
//   ENGINE=cilium npm run test:e2e       one engine only
//   npm run test:e2e -- tc-10            cases whose name contains one of the words
//   npm run test:e2e -- --keep tc-10     leaves the cluster up, for the next run (cluster.sh down ends it)
//   KUBECONFIG=… npm run test:e2e        on a cluster of yours; images from E2E_IMAGE_REGISTRY and E2E_IMAGE_TAG

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureGoTools } from '../scripts/set-up/go-tools.ts';
import { type Context, root } from './lib/context.ts';
import { ENGINES, type Engine, type Options, casesOf, findCases, needsSkaffold, readOptions } from './run/cases.ts';
import * as cluster from './run/cluster.ts';
import { buildImages, givenImages } from './run/images.ts';
import { type Counts, runCases } from './run/jest.ts';
import { leftovers } from './run/leftovers.ts';
import { clusterProblem, engineProblem } from './run/requirements.ts';

const LOGS = join(root, '.run/e2e-logs');
const counts: Counts = { passed: 0, failed: 0, skipped: [] };
const options = readOptions(process.argv.slice(2), process.env);
const cases = findCases(import.meta.dirname, options.filters);

function say(what: string, beganMs?: number): void {
  process.stdout.write(`== ${what}${beganMs === undefined ? '' : `: ${((performance.now() - beganMs) / 1_000).toFixed(1)} s`}\n`);
}

async function timed<Value>(what: string, work: () => Value | Promise<Value>): Promise<Value> {
  const beganMs = performance.now();
  const value = await work();
  say(what, beganMs);
  return value;
}

function skip(names: readonly string[], reason: string): void {
  counts.skipped.push(...names.map((name) => `${name}: ${reason}`));
}

async function onTheirs(): Promise<void> {
  ensureGoTools(['helm', 'helm3', 'kubectl']);
  const ranges = (name: string): readonly string[] => (process.env[name] ?? '').split(',').filter((text) => text !== '');
  cluster.writeContext({
    isOwn: false, engine: undefined, images: givenImages(process.env), pullPolicy: 'IfNotPresent', internet: undefined,
    podCidrs: ranges('E2E_POD_CIDRS'), apiServerCidrs: ranges('E2E_API_SERVER_CIDRS'),
  });
  if (!(await timed('cases on your cluster', () => runCases(cases, false, counts)))) cluster.collectLogs(false, LOGS);
}

async function onOurs(engine: Engine, { isKept }: Options): Promise<void> {
  const wanted = casesOf(engine, cases);
  if (wanted.length === 0) return;
  const problem = engineProblem(engine);
  if (problem !== undefined) {
    skip(wanted.map((name) => `${name} on ${engine}`), problem);
    return;
  }
  await timed(`programs for ${engine}`, () => cluster.buildPrograms(engine, needsSkaffold(wanted)));
  const images = await timed('images', buildImages);
  try {
    // What an interrupted run has left may be half a cluster; only --keep takes one that is up.
    if (!isKept) cluster.down();
    await timed(`cluster with ${engine}, up, images in the node`, () => cluster.up(engine, Object.values(images).map(({ repository, tag }) => `${repository}:${tag}`)));
    await cluster.startInternet(engine);
    cluster.writeContext({ ...OURS, engine, images });
    const isGood = await timed(`cases on ${engine}`, () => runCases(wanted, true, counts));
    if (!isGood) await timed(`logs in ${LOGS}`, () => cluster.collectLogs(true, join(LOGS, engine)));
  } finally {
    if (!isKept) {
      await timed('cluster down', cluster.down);
      checkNothingLeft();
    }
  }
}

/** Counts as a case: whoever runs this on a machine of theirs wants it back as it was. */
function checkNothingLeft(): void {
  const left = leftovers(cluster.STATE);
  for (const line of left) process.stdout.write(`left behind: ${line}\n`);
  if (left.length === 0) counts.passed += 1;
  else counts.failed += 1;
}

const OURS: Omit<Context, 'engine' | 'images'> = {
  isOwn: true, pullPolicy: 'Never', internet: cluster.internet,
  podCidrs: ['10.88.0.0/16', 'fd00:88::/48'], apiServerCidrs: ['172.31.0.10/32', '10.96.0.1/32'],
};

async function main(): Promise<void> {
  rmSync(LOGS, { recursive: true, force: true });
  if (cases.length === 0) throw new Error(`no case matches ${options.filters.join(', ')}`);
  if ((process.env['KUBECONFIG'] ?? '') !== '') {
    await onTheirs();
    return;
  }
  const problem = clusterProblem();
  if (problem !== undefined) {
    skip(cases, problem);
    return;
  }
  // Whoever is told to end takes the cluster along: its programs are in namespaces of their own and would stay.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      if (!options.isKept) cluster.down();
      process.exit(130);
    });
  }
  for (const engine of options.engine === undefined ? ENGINES : [options.engine]) await onOurs(engine, options);
}

try {
  await main();
} catch (error) {
  process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`);
  counts.failed += 1;
}
for (const line of counts.skipped) process.stdout.write(`skipped: ${line}\n`);
process.stdout.write(`${counts.skipped.length} skipped\n`);
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`);
process.exit(counts.failed === 0 ? 0 : 1);
