// npm run bench [name]: the measurements one after the other, each in a process of its own, and all ratios at the end.
// Run them alone: anything else on the machine is in the figures.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { launcherProblem } from '../scripts/set-up/launcher.ts';

const BENCHES = ['transform', 'sandbox', 'hit', 'passthrough', 'fairness', 'coalesce', 'limiter', 'egress', 'inbox'] as const;
type Bench = (typeof BENCHES)[number];

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const isBench = (name: string): name is Bench => (BENCHES as readonly string[]).includes(name);

/** RATIO lines of a bench; undefined when it failed or measured nothing valid. */
async function run(name: Bench): Promise<readonly string[] | undefined> {
  const child = spawn(process.execPath, [join(import.meta.dirname, `${name}.ts`)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ratios: string[] = [];
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  for await (const line of createInterface({ input: child.stdout })) {
    say(line);
    if (/^ratio /i.test(line)) ratios.push(line);
  }
  return (await exit) === 0 ? ratios : undefined;
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !isBench(name));
if (unknown.length > 0) {
  say(`no bench named ${unknown.join(', ')}; there are ${BENCHES.join(', ')}`);
  process.exit(2);
}
const chosen = (asked.length === 0 ? BENCHES : asked.filter(isBench)).filter((name) => existsSync(join(import.meta.dirname, `${name}.ts`)));
say(`machine: ${cpus().length} cores, ${cpus()[0]?.model.trim() ?? 'unknown'}, load ${loadavg()[0]?.toFixed(1)}; Node ${process.version}`);
const unwalled = launcherProblem();
if (unwalled !== undefined) say(`all figures without the sandbox of the decoders: ${unwalled}`);
const all: string[] = [];
let failed = 0;
for (const name of chosen) {
  say(`\n== ${name}`);
  const startedMs = performance.now();
  const ratios = await run(name);
  if (ratios === undefined) failed += 1;
  else all.push(...ratios);
  say(`   (${((performance.now() - startedMs) / 1_000).toFixed(0)} s)`);
}
say('\n== ratios');
for (const line of all) say(line);
if (failed > 0) say(`${failed} of ${chosen.length} benches gave no valid figures`);
process.exitCode = failed === 0 ? 0 : 1;
