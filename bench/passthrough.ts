// Misskey's own answers through the gateway and through nginx, from the same origin, in the same run.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensurePrograms } from '../scripts/set-up/programs.ts';
import { startBenchStack } from './lib/bench-stack.ts';
import { atEnd } from './lib/cleanup.ts';
import { clientAddresses } from './lib/client.ts';
import { readTrees, totalMs } from './lib/cpu.ts';
import { type PacedResult, runGreedy, startPacedLoad } from './lib/loads.ts';
import { startNginxOrigin, startNginxProxy } from './lib/nginx.ts';
import { fixed, printTable, printTarget, runBench, say } from './lib/report.ts';

const BODIES = [
  { name: '2 KB', file: 'small.json', bytes: 2_000, atLeast: 0.25 },
  { name: '200 KB', file: 'large.json', bytes: 200_000, atLeast: 0.6 },
] as const;
const CONNECTIONS = 32;
const ROUNDS = 2;
const WARM_S = 2;
const GREEDY_S = 4;
const PACED_RATE = 1_000;
const PACED_S = 5;
const ADDED_P99_MS_MAX = 2;

interface Server {
  readonly name: string;
  readonly port: number;
  cpuMs(): number;
}

interface Figures {
  requests: number;
  cpuMs: number;
  seconds: number;
}

const jsonOf = (bytes: number): string => JSON.stringify({ text: 'n'.repeat(bytes - '{"text":""}'.length) });
const perCore = ({ requests, cpuMs }: Figures): number => requests / (cpuMs / 1_000);

async function greedyRounds(servers: readonly Server[], body: (typeof BODIES)[number]): Promise<Map<string, Figures>> {
  const clients = clientAddresses(CONNECTIONS);
  const figures = new Map(servers.map(({ name }) => [name, { requests: 0, cpuMs: 0, seconds: 0 }]));
  const greedy = async (port: number, seconds: number) =>
    await runGreedy({ port, path: `/${body.file}`, clients, connections: CONNECTIONS, seconds, bodyBytes: body.bytes });
  for (const { port } of servers) await greedy(port, WARM_S);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const server of servers) {
      const before = server.cpuMs();
      const { requests, seconds } = await greedy(server.port, GREEDY_S);
      const sums = figures.get(server.name);
      if (sums === undefined) continue;
      sums.requests += requests;
      sums.seconds += seconds;
      sums.cpuMs += server.cpuMs() - before;
    }
  }
  return figures;
}

async function pacedRuns(ports: readonly number[]): Promise<PacedResult[]> {
  const load = await startPacedLoad();
  const results: PacedResult[] = [];
  for (const port of ports) {
    results.push(await load.run({ port, paths: ['/small.json'], clients: clientAddresses(CONNECTIONS), connections: CONNECTIONS, rate: PACED_RATE, seconds: PACED_S }));
  }
  await load.stop();
  return results;
}

async function main(): Promise<void> {
  ensurePrograms(['wrk', 'nginx']);
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-pass-'));
  atEnd(async () => rmSync(folder, { recursive: true, force: true }));
  for (const { file, bytes } of BODIES) writeFileSync(join(folder, file), jsonOf(bytes));
  const origin = await startNginxOrigin(folder);
  const nginx = await startNginxProxy(origin.port);
  const bench = await startBenchStack({ originPort: origin.port });
  const servers: Server[] = [
    { name: 'nginx', port: nginx.port, cpuMs: () => totalMs(readTrees({ nginx: nginx.pid }).nginx) },
    { name: 'sekisho', port: bench.stack.ports.gateways[0] ?? 0, cpuMs: () => bench.cpu().gateway },
  ];
  const rows: string[][] = [];
  const targets: (() => void)[] = [];
  for (const body of BODIES) {
    const figures = await greedyRounds(servers, body);
    for (const [name, one] of figures) rows.push([`${name}, ${body.name}`, fixed(perCore(one), 0), fixed((one.cpuMs * 1_000) / one.requests), fixed(one.requests / one.seconds, 0)]);
    const [theirs, ours] = [figures.get('nginx'), figures.get('sekisho')];
    if (theirs === undefined || ours === undefined) continue;
    targets.push(() => printTarget({ name: `passthrough ${body.name} against nginx`, value: perCore(ours) / perCore(theirs), atLeast: body.atLeast }));
  }
  const [direct, viaNginx, viaUs] = await pacedRuns([origin.port, ...servers.map(({ port }) => port)]);
  say(`passthrough: ${CONNECTIONS} connections, same origin, every answer 200`);
  printTable(['', 'requests/s per core', 'CPU us', 'requests/s'], rows);
  if (direct === undefined || viaNginx === undefined || viaUs === undefined) return;
  const timed = [['direct', direct], ['nginx', viaNginx], ['sekisho', viaUs]] as const;
  printTable([`at ${PACED_RATE}/s, 2 KB`, 'p50 ms', 'p99 ms', 'added p99 ms'], timed.map(([name, { p50, p99 }]) => [name, fixed(p50, 2), fixed(p99, 2), fixed(p99 - direct.p99, 2)]));
  for (const print of targets) print();
  printTarget({ name: `passthrough added p99 ms at ${PACED_RATE}/s`, value: viaUs.p99 - direct.p99, atMost: ADDED_P99_MS_MAX });
}

await runBench(main);
