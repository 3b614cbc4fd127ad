// 100 people open the same note at once, over two gateways: one fetch, one decode.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { startBenchStack } from './lib/bench-stack.ts';
import { startHelper } from './lib/child.ts';
import { atEnd } from './lib/cleanup.ts';
import { clientAddress, get, mediaPath } from './lib/client.ts';
import { pictureOf } from './lib/pictures.ts';
import { InvalidRun, fixed, percentile, printTable, printTarget, runBench, say } from './lib/report.ts';

const REQUESTS = 100;
const ORIGIN_DELAY_MS = 200;
const ROUNDS = 3;
const hitsSchema = z.object({ hits: z.number() });

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-coalesce-'));
  atEnd(async () => rmSync(folder, { recursive: true, force: true }));
  const picture = await pictureOf(12_000);
  for (let round = 0; round <= ROUNDS; round += 1) writeFileSync(join(folder, `${round}.png`), picture);
  const origin = await startHelper('origin-server.ts', { folder, delayMs: ORIGIN_DELAY_MS });
  const originPort = z.object({ port: z.number() }).parse(origin.ready).port;
  const bench = await startBenchStack({ originPort, gateways: 2 });
  const decodes = async (): Promise<number> => await bench.metric(bench.stack.ports.workerOps, 'sekisho_image_worker_jobs_total');
  const rows: string[][] = [];
  const worst = { gets: 0, decodes: 0 };
  // Round 0 opens the connections.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const path = mediaPath(`http://h01.origin.example:${originPort}/${round}.png`, 'avatar');
    const before = await decodes();
    const startedMs = performance.now();
    const answers = await Promise.all(Array.from({ length: REQUESTS }, async (_, at) => await get(`${bench.urls[at % 2]}${path}`, clientAddress(at))));
    const wallMs = performance.now() - startedMs;
    const wrong = answers.find(({ status }) => status !== 200);
    if (wrong !== undefined) throw new InvalidRun(`an answer was ${wrong.status} ${wrong.code ?? ''}`);
    const { hits } = hitsSchema.parse(await origin.ask({ path: `/${round}.png` }));
    const decoded = (await decodes()) - before;
    if (round === 0) continue;
    worst.gets = Math.max(worst.gets, hits);
    worst.decodes = Math.max(worst.decodes, decoded);
    rows.push([`round ${round}`, String(hits), String(decoded), fixed(wallMs, 0), fixed(percentile(answers.map(({ ms }) => ms), 0.5), 0)]);
  }
  say(`coalesce: ${REQUESTS} identical misses over two gateways, origin answers after ${ORIGIN_DELAY_MS} ms`);
  printTable(['', 'upstream GETs', 'decodes', 'wall ms', 'p50 ms'], rows);
  printTarget({ name: `coalesce upstream GETs for ${REQUESTS} misses`, value: worst.gets, atMost: 1, digits: 0 });
  printTarget({ name: `coalesce decodes for ${REQUESTS} misses`, value: worst.decodes, atMost: 1, digits: 0 });
}

await runBench(main);
