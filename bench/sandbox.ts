// What the walls around a decoder cost: the pictures of the page mix through the pool itself, without queue, Redis and
// network, with and without the sandbox, with `site` and with `image` isolation, beside sharp alone. CPU is compared, in
// turns within one run.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { decideSandbox } from '../services/image-worker/src/sandbox/decide.ts';
import type { SandboxLayer } from '../services/image-worker/src/sandbox/layers.ts';
import { createSpawn } from '../services/image-worker/src/sandbox/spawn.ts';
import type { IsolationMode } from '../services/image-worker/src/pool/isolation.ts';
import { DecoderPool } from '../services/image-worker/src/pool/pool.ts';
import { startHelper } from './lib/child.ts';
import { inParallel } from './lib/client.ts';
import { readTrees, whenCalm } from './lib/cpu.ts';
import { type MixEntry, loadPageMix } from './lib/page-mix.ts';
import { InvalidRun, fixed, printTable, printTarget, runBench, say } from './lib/report.ts';

const ROUNDS = 3;
const SLOTS = 2;
const DEADLINE_MS = 60_000;
/** DESIGN's target for the whole path; here for its largest part. */
const RATIO_MAX = 1.3;
const WALLS = ['limits', 'landlock_files', 'seccomp', 'apparmor'] as const satisfies readonly SandboxLayer[];

interface Variant {
  readonly name: string;
  readonly isolation: IsolationMode;
  readonly walled: boolean;
}
const VARIANTS: readonly Variant[] = [
  { name: 'site, sandbox', isolation: 'site', walled: true },
  { name: 'site, no walls', isolation: 'site', walled: false },
  { name: 'image, sandbox', isolation: 'image', walled: true },
  { name: 'image, no walls', isolation: 'image', walled: false },
];

interface Sample {
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly spawns: number;
}

const tokenOf = (host: string): string => createHash('sha256').update(host).digest('hex').slice(0, 32);
const decodersMs = (): number => readTrees({ self: process.pid }).self.childrenMs;

async function pass({ isolation, walled }: Variant, folder: string, entries: readonly MixEntry[]): Promise<Sample> {
  let spawns = 0;
  const spawn = createSpawn({ sandbox: decideSandbox('require').sandbox, ...(walled ? {} : { without: WALLS }) });
  const before = decodersMs();
  const pool = new DecoderPool({ slots: SLOTS, isolation, spawn, hooks: { spawned: () => void (spawns += 1) } });
  await pool.warm();
  const startedMs = performance.now();
  const answers = await inParallel(entries, SLOTS, async ({ host, file, mode }) =>
    await pool.decode({ isolation: tokenOf(host), class: classOf(file), mode, body: readFileSync(join(folder, file)), remainingMs: DEADLINE_MS }));
  const wallMs = performance.now() - startedMs;
  await whenCalm(decodersMs);
  const cpuMs = decodersMs() - before;
  await pool.close();
  const bad = answers.find(({ ok }) => !ok);
  if (bad !== undefined && !bad.ok) throw new InvalidRun(`a picture ended as ${bad.code}`);
  return { cpuMs, wallMs, spawns };
}

const classOf = (file: string): 'animation' | 'raster' => (/\.(gif|webp)$/.test(file) ? 'animation' : 'raster');

const total = (samples: readonly Sample[], of: keyof Sample): number => samples.reduce((sum, sample) => sum + sample[of], 0);

async function main(): Promise<void> {
  const { entries, folder } = await loadPageMix();
  const alone = await startHelper('sharp-alone.ts', { folder });
  const aloneSchema = z.object({ cpuMs: z.number() });
  const samples = new Map<string, Sample[]>(VARIANTS.map(({ name }) => [name, []]));
  let aloneMs = 0;
  await alone.ask({ entries: entries.slice(0, 40) });
  for (let round = 0; round < ROUNDS; round += 1) {
    aloneMs += aloneSchema.parse(await alone.ask({ entries })).cpuMs;
    for (const variant of VARIANTS) samples.get(variant.name)?.push(await pass(variant, folder, entries));
  }
  await alone.stop();
  const pictures = entries.length * ROUNDS;
  const of = (name: string): readonly Sample[] => samples.get(name) ?? [];
  const each = (name: string): number => total(of(name), 'cpuMs') / pictures;
  say(`sandbox: ${entries.length} pictures a round, ${ROUNDS} rounds, ${SLOTS} slots, CPU ms of decoders per picture; sharp alone ${fixed(aloneMs / pictures)}`);
  printTable(['', 'CPU ms', 'of sharp alone', 'starts', 'pictures/s'], VARIANTS.map(({ name }) => [
    name, fixed(each(name)), fixed(total(of(name), 'cpuMs') / aloneMs, 2), fixed(total(of(name), 'spawns') / pictures, 2), fixed(pictures / (total(of(name), 'wallMs') / 1_000), 0),
  ]));
  printTarget({ name: 'sandbox: decoders with site isolation against sharp alone', value: total(of('site, sandbox'), 'cpuMs') / aloneMs, atMost: RATIO_MAX });
  printTarget({ name: 'sandbox: its walls against none, site isolation', value: each('site, sandbox') / each('site, no walls') });
  printTarget({ name: 'sandbox: its walls against none, image isolation', value: each('image, sandbox') / each('image, no walls') });
  printTarget({ name: 'sandbox: image against site isolation', value: each('image, sandbox') / each('site, sandbox') });
}

await runBench(main);
