// The probe as a program: a worker's stand-in with something to lose, its decoders under the walls of this machine, and every
// attempt in them. JSON lines on standard output, the last one is the summary. Exit code 0: nothing has succeeded.
//
//   node test-sandbox/probe/run.ts [--class raster|svg] [--build FOLDER] [--only NAME,…]
//     --build     made by build.ts, for places without a compiler
//   For the matrix, which takes walls away:
//     --launcher PATH, --filter PATH   in the place of the product's
//     --without LAYER,…                as createSpawn takes them
//     --missing LAYER,…                what the worker must find missing in its decoders, none by default
//     --data-bytes N                   RLIMIT_DATA, for a Node that compiles
//     --leak-environment               decoders get the environment of the worker
//     --setuid PATH                    a program with the set-user-ID bit of root

import { getPriority } from 'node:os';
import { parseArgs } from 'node:util';
import type { ProcessClass } from '../../services/image-worker/src/pool/isolation.ts';
import { decideSandbox } from '../../services/image-worker/src/sandbox/decide.ts';
import { readFacts } from '../../services/image-worker/src/sandbox/facts.ts';
import { SANDBOX_LAYERS, type SandboxLayer, namesOf } from '../../services/image-worker/src/sandbox/layers.ts';
import type { Sandbox } from '../../services/image-worker/src/sandbox/plan.ts';
import { createSpawn } from '../../services/image-worker/src/sandbox/spawn.ts';
import { ATTEMPTS } from '../attempts.ts';
import { type Told, judge } from '../verdict.ts';
import { runCampaign } from './campaign.ts';
import { readMachine } from './machine.ts';
import { makeVictims } from './victims.ts';

const OPTIONS = {
  class: { type: 'string', default: 'raster' },
  build: { type: 'string' },
  only: { type: 'string' },
  launcher: { type: 'string' },
  filter: { type: 'string' },
  without: { type: 'string', default: '' },
  missing: { type: 'string', default: '' },
  'data-bytes': { type: 'string' },
  'leak-environment': { type: 'boolean', default: false },
  setuid: { type: 'string' },
} as const;

const say = (line: unknown): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

interface Addon {
  readonly names: () => string;
  readonly inherit: (fd: number) => string;
}

/** The same library as in the decoder: Node itself cannot leak a descriptor. */
function loadAddon(build: string): Addon {
  const loaded: { exports: Partial<Addon> } = { exports: {} };
  process.dlopen(loaded, `${build}/inside/probe.node`);
  const { names, inherit } = loaded.exports;
  if (names === undefined || inherit === undefined) throw new Error('the library of the probe is another one');
  return { names, inherit };
}

function sandboxOf(launcher: string | undefined, filter: string | undefined): Sandbox {
  const { sandbox } = decideSandbox('best-effort', readFacts(launcher));
  return filter === undefined ? sandbox : { ...sandbox, filter };
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: OPTIONS });
  const build = values.build ?? (await import('./build.ts')).ensureProbe();
  const sandbox = sandboxOf(values.launcher, values.filter);
  const without = values.without.split(',').filter(isLayer);
  const missing = values.missing.split(',').filter(isLayer);
  const names = values.only?.split(',') ?? ATTEMPTS.map(({ name }) => name);
  // A signal that would end or debug the worker is a success of its sender, not the end of the test.
  for (const signal of ['SIGWINCH', 'SIGUSR1'] as const) process.on(signal, () => undefined);
  const victims = await makeVictims({ build, setuid: values.setuid, inherit: loadAddon(build).inherit });
  try {
    const spawn = createSpawn({
      sandbox, without,
      ...(values['data-bytes'] === undefined ? {} : { limits: { dataBytesMax: Number(values['data-bytes']) } }),
      script: `${import.meta.dirname}/loader.cjs`,
      extraPaths: { read: [`${import.meta.dirname}/package.json`, `${build}/inside`, victims.code] },
      extraEnv: values['leak-environment'] ? victims.environment : {},
    });
    say({ machine: readMachine(), walls: namesOf(sandbox.layers, true).filter((layer) => !without.includes(layer)), nice: getPriority() });
    const alone = new Set<string>(ATTEMPTS.filter((attempt) => attempt.alone === true).map(({ name }) => name));
    const told = await runCampaign({ spawn, class: classOf(values.class), facts: victims.facts, marker: victims.marker, names, alone, missing });
    for (const each of told) say(each);
    return conclude(told, names);
  } finally {
    victims.close();
  }
}

function conclude(told: readonly Told[], names: readonly string[]): number {
  const summary = judge(told, names);
  say({ summary });
  return summary.held ? 0 : 1;
}

const isLayer = (name: string): name is SandboxLayer => SANDBOX_LAYERS.some((layer) => layer === name);
function classOf(name: string): ProcessClass {
  if (name === 'raster' || name === 'svg') return name;
  throw new Error(`no class ${name}`);
}

process.exitCode = await main();
