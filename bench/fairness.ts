// Bombs of strangers against a bystander who looks at cached pictures and pages: the bystander must not notice.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gif, makeBomb } from '@sekisho/testkit';
import { z } from 'zod';
import { type BenchStack, startBenchStack } from './lib/bench-stack.ts';
import { startHelper } from './lib/child.ts';
import { atEnd } from './lib/cleanup.ts';
import { type Answer, clientAddress, get, mediaPath } from './lib/client.ts';
import { type PacedLoad, type PacedResult, startPacedLoad } from './lib/loads.ts';
import { pictureOf } from './lib/pictures.ts';
import { InvalidRun, fixed, percentile, printTable, printTarget, runBench, say } from './lib/report.ts';

/** `svg-filter` is killed at 2 s of CPU; `frames` stays just inside every limit and takes about 2 s. */
const BOMBS: readonly { readonly file: string; readonly mode: string; make(): Buffer | Promise<Buffer> }[] = [
  { file: 'filter.svg', mode: 'static', make: () => makeBomb('svg-filter') },
  { file: 'frames.gif', mode: 'avatar', make: () => gif({ width: 577, height: 577, frames: 300, loop: 0 }) },
  { file: 'many-frames.gif', mode: 'emoji', make: () => makeBomb('gif-300x300-2900') },
  { file: 'scans.jpeg', mode: 'preview', make: () => makeBomb('jpeg-1500-scans') },
];
const IN_FLIGHT = 16;
const FLOOD = 40;
const RATE = 200;
const LANES = 16;
const IDLE_S = 8;
const BOMBS_S = 15;
/** Bombs in flight before the bystander is looked at. */
const LEAD_MS = 2_000;
const AFTER_REFUSAL_MS = 250;
const P99_RATIO_MAX = 2;
const BYSTANDER = clientAddress(60_000);

interface Scene {
  readonly bench: BenchStack;
  readonly origin: string;
  readonly loads: { readonly hits: PacedLoad; readonly pages: PacedLoad };
}

interface Phase {
  readonly hits: PacedResult;
  readonly pages: PacedResult;
  /** Ms of each uncached picture that arrived, and codes of those that did not. */
  readonly transforms: readonly number[];
  readonly refused: readonly string[];
}

let serial = 0;
const unique = (): number => (serial += 1);

async function look({ bench, origin, loads }: Scene, seconds: number): Promise<Phase> {
  const port = bench.stack.ports.gateways[0] ?? 0;
  const common = { port, clients: [BYSTANDER], connections: LANES, rate: RATE, seconds };
  const transforms: number[] = [];
  const refused: string[] = [];
  const until = performance.now() + seconds * 1_000;
  const looking = async (): Promise<void> => {
    while (performance.now() < until) {
      const { status, ms, code } = await get(`${bench.url}${mediaPath(`${origin}/picture.png?n=${unique()}`, 'avatar')}`, BYSTANDER);
      if (status === 200) transforms.push(ms);
      else refused.push(code ?? String(status));
      await delay(100);
    }
  };
  const [hits, pages] = await Promise.all([
    loads.hits.run({ ...common, paths: [mediaPath(`${origin}/picture.png`, 'avatar')] }),
    loads.pages.run({ ...common, paths: ['/page.json'] }),
    looking(),
  ]);
  return { hits, pages, transforms, refused };
}

interface Bombing {
  readonly answers: Answer[];
  stop(): Promise<void>;
}

async function bomb({ bench, origin }: Scene, at: number, client: string): Promise<Answer> {
  const { file, mode } = BOMBS[at % BOMBS.length] ?? { file: '', mode: '' };
  return await get(`${bench.url}${mediaPath(`${origin}/${file}?n=${unique()}`, mode)}`, client);
}

/** Each of 16 clients sends its next bomb as soon as the last one is answered. */
function startBombing(scene: Scene): Bombing {
  const answers: Answer[] = [];
  const stopping = new AbortController();
  const lane = async (at: number): Promise<void> => {
    for (let turn = 0; !stopping.signal.aborted; turn += 1) {
      const answer = await bomb(scene, at + turn, clientAddress(50_000 + at));
      answers.push(answer);
      if (answer.status === 429 || answer.status === 503) await delay(AFTER_REFUSAL_MS);
    }
  };
  const lanes = Promise.all(Array.from({ length: IN_FLIGHT }, async (_, at) => await lane(at)));
  return {
    answers,
    stop: async () => {
      stopping.abort();
      await lanes;
    },
  };
}

function tally(answers: readonly Answer[]): string {
  const counts = new Map<string, number>();
  for (const { status, code } of answers) {
    const name = `${status} ${code ?? 'picture'}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => `${count} x ${name}`).join(', ');
}

const mean = (a: number, b: number): number => (a + b) / 2;

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-fair-'));
  atEnd(async () => rmSync(folder, { recursive: true, force: true }));
  for (const { file, make } of BOMBS) writeFileSync(join(folder, file), await make());
  writeFileSync(join(folder, 'picture.png'), await pictureOf(12_000));
  writeFileSync(join(folder, 'page.json'), JSON.stringify({ text: 'n'.repeat(2_000) }));
  const server = await startHelper('origin-server.ts', { folder });
  const originPort = z.object({ port: z.number() }).parse(server.ready).port;
  const bench = await startBenchStack({ originPort });
  const loads = { hits: await startPacedLoad(), pages: await startPacedLoad() };
  const scene: Scene = { bench, origin: `http://h01.origin.example:${originPort}`, loads };
  const primed = await get(`${bench.url}${mediaPath(`${scene.origin}/picture.png`, 'avatar')}`, BYSTANDER);
  if (primed.status !== 200) throw new InvalidRun(`the picture was answered ${primed.status} ${primed.code ?? ''}`);
  await look(scene, 2);
  const before = await look(scene, IDLE_S);
  const bombing = startBombing(scene);
  await delay(LEAD_MS);
  const during = await look(scene, BOMBS_S);
  await bombing.stop();
  await bench.calm();
  const after = await look(scene, IDLE_S);
  // Only the two dear ones, so that what is not refused was paid for.
  const floodStartedMs = performance.now();
  const flood = await Promise.all(Array.from({ length: FLOOD }, async (_, at) => await bomb(scene, at % 2, clientAddress(55_000))));
  const floodMs = performance.now() - floodStartedMs;
  print({ before, during, after, bombs: bombing.answers });
  const refused = flood.filter(({ status }) => status === 429 || status === 503).length;
  say(`  ${FLOOD} bombs at once from one client: ${tally(flood)}; over after ${fixed(floodMs / 1_000)} s`);
  printTarget({ name: `fairness bombs refused of ${FLOOD} from one client`, value: refused, atLeast: FLOOD / 2 + 1, digits: 0 });
}

function print({ before, during, after, bombs }: { readonly before: Phase; readonly during: Phase; readonly after: Phase; readonly bombs: readonly Answer[] }): void {
  say(`fairness: a bystander at ${RATE} hits/s and ${RATE} pages/s, ${IN_FLIGHT} bombs in flight`);
  const row = (name: string, { hits, pages, transforms, refused }: Phase): string[] => [
    name, fixed(hits.p50, 2), fixed(hits.p99, 2), fixed(pages.p50, 2), fixed(pages.p99, 2), fixed(percentile(transforms, 0.5), 0), fixed(percentile(transforms, 0.99), 0), `${transforms.length}/${refused.length}`,
  ];
  printTable(['ms', 'hit p50', 'hit p99', 'page p50', 'page p99', 'transform p50', 'p99', 'arrived/refused'], [row('idle before', before), row('under bombs', during), row('idle after', after)]);
  say(`  bombs: ${tally(bombs)}; slowest answer ${fixed(Math.max(0, ...bombs.map(({ ms }) => ms)) / 1_000)} s`);
  for (const what of ['hits', 'pages'] as const) {
    const idle = [before[what].p99, after[what].p99] as const;
    // When nothing but the machine changes the figure by more than the target allows, the target cannot be judged.
    const voidBecause = Math.max(...idle) > P99_RATIO_MAX * Math.min(...idle) ? `idle itself was ${fixed(idle[0])} and ${fixed(idle[1])} ms` : undefined;
    printTarget({ name: `fairness ${what} p99 under bombs against idle`, value: during[what].p99 / mean(...idle), atMost: P99_RATIO_MAX, voidBecause });
  }
}

await runBench(main);
