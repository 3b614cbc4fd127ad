// A cached picture for 256 clients through a trusted proxy, with limiter, headers, log line and metrics, against a bare
// node:http server in the same run.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ensurePrograms } from '../scripts/set-up/programs.ts';
import { type BenchStack, startBenchStack } from './lib/bench-stack.ts';
import { startHelper } from './lib/child.ts';
import { atEnd } from './lib/cleanup.ts';
import { clientAddresses, get, mediaPath } from './lib/client.ts';
import { readTrees, totalMs } from './lib/cpu.ts';
import { type PacedLoad, runGreedy, startPacedLoad } from './lib/loads.ts';
import { pictureOf } from './lib/pictures.ts';
import { InvalidRun, fixed, printTable, printTarget, runBench, say } from './lib/report.ts';

const CLIENTS = 256;
const SIZES = [12_000, 30_000] as const;
const ROUNDS = 2;
const WARM_S = 2;
const GREEDY_S = 4;
const PACED_S = 5;
/** A third of what one core must do: time to answer means something only below saturation. */
const PACED_RATE = 4_000;
const PER_CORE_MIN = 12_000;
const P99_MS_MAX = 10;

const portSchema = z.object({ port: z.number() });

interface Server {
  readonly name: string;
  readonly port: number;
  readonly path: string;
  readonly bodyBytes: number;
  cpuMs(): number;
}

interface Figures {
  requests: number;
  cpuMs: number;
  seconds: number;
  saturatedP99: number;
  pacedP99: number;
}

async function measure(servers: readonly Server[], paced: PacedLoad): Promise<Map<string, Figures>> {
  const figures = new Map(servers.map(({ name }) => [name, { requests: 0, cpuMs: 0, seconds: 0, saturatedP99: 0, pacedP99: 0 }]));
  const clients = clientAddresses(CLIENTS);
  const greedy = async (server: Server, seconds: number) => await runGreedy({ ...server, clients, connections: CLIENTS, seconds });
  for (const server of servers) await greedy(server, WARM_S);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const server of servers) {
      const before = server.cpuMs();
      const { requests, seconds, p99 } = await greedy(server, GREEDY_S);
      const sums = figures.get(server.name);
      if (sums === undefined) continue;
      sums.cpuMs += server.cpuMs() - before;
      sums.requests += requests;
      sums.seconds += seconds;
      sums.saturatedP99 = Math.max(sums.saturatedP99, p99);
    }
  }
  for (const { name, port, path } of servers) {
    const { p99 } = await paced.run({ port, paths: [path], clients, connections: CLIENTS, rate: PACED_RATE, seconds: PACED_S });
    const sums = figures.get(name);
    if (sums !== undefined) sums.pacedP99 = p99;
  }
  return figures;
}

/** A bare server has 1 to 2 ms on a calm machine. */
const busyOf = ({ pacedP99 }: Figures): string | undefined => pacedP99 > P99_MS_MAX / 2 ? `node:http has ${fixed(pacedP99)} ms, the machine is busy` : undefined;

const perCore = ({ requests, cpuMs }: Figures): number => requests / (cpuMs / 1_000);

async function prime(bench: BenchStack, path: string): Promise<number> {
  const first = await get(`${bench.url}${path}`, '20.200.0.7');
  const second = await get(`${bench.url}${path}`, '20.200.0.7');
  if (first.status !== 200 || second.cache !== 'hit') throw new InvalidRun(`the picture was not cached: ${first.status} ${first.code ?? ''}, then ${second.cache}`);
  return second.bytes;
}

async function main(): Promise<void> {
  ensurePrograms(['wrk']);
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-hit-'));
  atEnd(async () => rmSync(folder, { recursive: true, force: true }));
  for (const size of SIZES) writeFileSync(join(folder, `${size}.png`), await pictureOf(size));
  const origin = await startHelper('origin-server.ts', { folder });
  const originPort = portSchema.parse(origin.ready).port;
  const bench = await startBenchStack({ originPort });
  const paced = await startPacedLoad();
  const rows: string[][] = [];
  const targets: (() => void)[] = [];
  for (const size of SIZES) {
    const path = mediaPath(`http://h01.origin.example:${originPort}/${size}.png`, 'avatar');
    const bodyBytes = await prime(bench, path);
    const floor = await startHelper('floor-server.ts', { bytes: bodyBytes });
    const servers: Server[] = [
      { name: 'node:http', port: portSchema.parse(floor.ready).port, path: '/', bodyBytes, cpuMs: () => totalMs(readTrees({ floor: floor.pid }).floor) },
      { name: 'sekisho', port: bench.stack.ports.gateways[0] ?? 0, path, bodyBytes, cpuMs: () => bench.cpu().gateway },
    ];
    const figures = await measure(servers, paced);
    await floor.stop();
    for (const [name, one] of figures) {
      rows.push([`${name}, ${bodyBytes} B`, fixed(perCore(one), 0), fixed((one.cpuMs * 1_000) / one.requests), fixed(one.requests / one.seconds, 0), fixed(one.saturatedP99), fixed(one.pacedP99)]);
    }
    const [bare, ours] = [figures.get('node:http'), figures.get('sekisho')];
    if (bare === undefined || ours === undefined) continue;
    const kb = `${size / 1_000} KB`;
    targets.push(
      () => printTarget({ name: `hit ${kb} per core (requests/s)`, value: perCore(ours), atLeast: PER_CORE_MIN, digits: 0 }),
      () => printTarget({ name: `hit ${kb} against node:http`, value: perCore(ours) / perCore(bare) }),
      () => printTarget({ name: `hit ${kb} p99 ms at ${PACED_RATE}/s`, value: ours.pacedP99, atMost: P99_MS_MAX, digits: 1, voidBecause: busyOf(bare) }),
    );
  }
  say(`hit: ${CLIENTS} connections and clients, every answer 200`);
  printTable(['', 'requests/s per core', 'CPU us', 'requests/s', 'p99 ms saturated', `p99 ms at ${PACED_RATE}/s`], rows);
  for (const print of targets) print();
}

await runBench(main);
