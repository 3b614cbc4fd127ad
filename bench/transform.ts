// Uncached pictures through the whole path against sharp alone on the same bytes, in the same run and in turns. CPU is
// compared, not time: the machine is shared.

import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { type BenchSpec, type BenchStack, type StackCpu, cpuSince, startBenchStack } from './lib/bench-stack.ts';
import { type Helper, startHelper } from './lib/child.ts';
import { clientAddress, get, inParallel, mediaPath } from './lib/client.ts';
import { type MixEntry, type PageMix, hostName, loadPageMix } from './lib/page-mix.ts';
import { InvalidRun, fixed, percentile, printTable, printTarget, runBench, say } from './lib/report.ts';

const IN_FLIGHT = 8;
const ROUNDS = 2;
/** Peers without isolation, queue or Redis need 1.43 in the mean. */
const RATIO_MAX = 1.3;

const readySchema = z.object({ port: z.number(), ca: z.string().optional() });
const aloneSchema = z.object({ cpuMs: z.number(), wallMs: z.number() });

interface Ours {
  readonly cpu: StackCpu;
  readonly wallMs: number;
  readonly ms: readonly number[];
  /** Decoder processes started, replacements included. */
  readonly spawns: number;
}

interface Setting {
  readonly mix: PageMix;
  readonly alone: Helper;
}

let query = 0;
let client = 0;

/** One pass over the entries with cold caches: every pass has a query of its own. */
async function throughStack(bench: BenchStack, entries: readonly MixEntry[], originUrl: (host: string) => string): Promise<Ours> {
  query += 1;
  await bench.calm();
  const spawns = async (): Promise<number> => await bench.metric(bench.stack.ports.workerOps, 'sekisho_image_worker_decoder_spawns_total');
  const spawnsBefore = await spawns();
  const before = bench.cpu();
  const startedMs = performance.now();
  const answers = await inParallel(entries, IN_FLIGHT, async ({ host, file, mode }) => {
    client += 1;
    return await get(`${bench.url}${mediaPath(`${originUrl(host)}/${file}?pass=${query}`, mode)}`, clientAddress(client));
  });
  const wallMs = performance.now() - startedMs;
  const wrong = answers.find(({ status, cache }) => status !== 200 || cache !== 'miss');
  if (wrong !== undefined) throw new InvalidRun(`an answer was ${wrong.status} ${wrong.code ?? ''} (cache ${wrong.cache})`);
  await bench.calm();
  const cpu = cpuSince(before, bench.cpu());
  return { cpu, wallMs, ms: answers.map(({ ms }) => ms), spawns: (await spawns()) - spawnsBefore };
}

const alonePass = async ({ alone }: Setting, entries: readonly MixEntry[]): Promise<z.output<typeof aloneSchema>> =>
  aloneSchema.parse(await alone.ask({ entries }));

interface Variant {
  readonly name: string;
  readonly entries: readonly MixEntry[];
  readonly tls?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly rounds?: number;
  readonly perKind?: boolean;
}

interface Measured {
  readonly name: string;
  readonly ours: readonly Ours[];
  readonly aloneMs: readonly number[];
  readonly kinds: readonly (readonly string[])[];
}

async function measure(setting: Setting, variant: Variant): Promise<Measured> {
  const origin = await startHelper('origin-server.ts', { folder: setting.mix.folder, tls: variant.tls ?? false });
  const { port, ca } = readySchema.parse(origin.ready);
  const spec: BenchSpec = { originPort: port, ca, env: variant.env ?? {} };
  const bench = await startBenchStack(spec);
  const originUrl = (host: string): string => `${variant.tls === true ? 'https' : 'http'}://${host}:${port}`;
  try {
    // Compilers and connections of both sides get warm first.
    await throughStack(bench, variant.entries.slice(0, variant.perKind === true ? 200 : 60), originUrl);
    await alonePass(setting, variant.entries.slice(0, 40));
    const ours: Ours[] = [];
    const aloneMs: number[] = [];
    for (let round = 0; round < (variant.rounds ?? 1); round += 1) {
      aloneMs.push((await alonePass(setting, variant.entries)).cpuMs);
      ours.push(await throughStack(bench, variant.entries, originUrl));
    }
    const kinds = variant.perKind === true ? await perKind({ setting, bench, originUrl }) : [];
    return { name: variant.name, ours, aloneMs, kinds };
  } finally {
    await bench.stop();
    await origin.stop();
    await delay(200);
  }
}

async function perKind(on: { readonly setting: Setting; readonly bench: BenchStack; readonly originUrl: (host: string) => string }): Promise<string[][]> {
  const rows: string[][] = [];
  for (const kind of new Set(on.setting.mix.entries.map((entry) => entry.kind))) {
    const entries = on.setting.mix.entries.filter((entry) => entry.kind === kind);
    const { cpuMs } = await alonePass(on.setting, entries);
    const ours = await throughStack(on.bench, entries, on.originUrl);
    const each = (ms: number): string => fixed(ms / entries.length);
    rows.push([kind, String(entries.length), each(ours.cpu.total), each(cpuMs), fixed(ours.cpu.total / cpuMs, 2), fixed(percentile(ours.ms, 0.5), 0)]);
  }
  return rows;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
const ratioOf = ({ ours, aloneMs }: Measured): number => sum(ours.map(({ cpu }) => cpu.total)) / sum(aloneMs);

function row(measured: Measured, pictures: number): string[] {
  const { ours, aloneMs } = measured;
  const count = pictures * ours.length;
  const part = (name: keyof StackCpu): string => fixed(sum(ours.map(({ cpu }) => cpu[name])) / count);
  const perSecond = count / (sum(ours.map(({ wallMs }) => wallMs)) / 1_000);
  return [
    measured.name, part('gateway'), part('fetcher'), part('worker'), part('decoders'), part('redis'), part('total'), fixed(sum(aloneMs) / count),
    fixed(ratioOf(measured), 2), fixed(perSecond, 0), fixed(sum(ours.map((one) => one.spawns)) / count, 2),
  ];
}

async function main(): Promise<void> {
  const mix = await loadPageMix();
  const setting: Setting = { mix, alone: await startHelper('sharp-alone.ts', { folder: mix.folder }) };
  const spread = mix.entries.map((entry, at) => ({ ...entry, host: hostName(at + 1) }));
  const variants: Variant[] = [
    { name: 'page mix', entries: mix.entries, rounds: ROUNDS, perKind: true },
    { name: 'over TLS', entries: mix.entries, tls: true },
    { name: '200 hosts', entries: spread },
    { name: 'isolation image', entries: mix.entries, env: { SEKISHO_DECODER_ISOLATION: 'image' } },
  ];
  const only = process.env['BENCH_VARIANT'];
  const measured: Measured[] = [];
  for (const variant of variants.filter(({ name }) => only === undefined || name === only)) measured.push(await measure(setting, variant));
  say(`transform: ${mix.entries.length} pictures a round, ${IN_FLIGHT} in flight, CPU ms per picture`);
  printTable(['', 'gateway', 'fetcher', 'worker', 'decoders', 'redis', 'all', 'sharp alone', 'ratio', 'pictures/s', 'spawns'], measured.map((one) => row(one, mix.entries.length)));
  const kinds = measured.flatMap((one) => one.kinds);
  if (kinds.length > 0) printTable(['kind', 'pictures', 'all', 'sharp alone', 'ratio', 'p50 ms'], kinds);
  for (const one of measured) printTarget({ name: `transform ${one.name}`, value: ratioOf(one), ...(one.name === 'page mix' ? { atMost: RATIO_MAX } : {}) });
}

await runBench(main);
