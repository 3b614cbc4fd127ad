// Misskey's own answers through the gateway and through nginx, from the same origin, in the same run.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ensurePrograms } from '../scripts/set-up/programs.ts';
import { startBenchStack } from './lib/bench-stack.ts';
import { startHelper } from './lib/child.ts';
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
const WARM_S = 1;
const GREEDY_S = 3;
const PACED_RATE = 1_000;
const PACED_S = 4;
const ADDED_P99_MS_MAX = 2;
/** Without a proxy a calm machine stays far below this. */
const DIRECT_P99_MS_MAX = 3;

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
  const bare = await startHelper('dispatch-server.ts', { origin: origin.port });
  const servers: Server[] = [
    { name: 'nginx', port: nginx.port, cpuMs: () => totalMs(readTrees({ nginx: nginx.pid }).nginx) },
    { name: 'bare undici', port: z.object({ port: z.number() }).parse(bare.ready).port, cpuMs: () => totalMs(readTrees({ bare: bare.pid }).bare) },
    { name: 'sekisho', port: bench.stack.ports.gateways[0] ?? 0, cpuMs: () => bench.cpu().gateway },
  ];
  const rows: string[][] = [];
  const targets: (() => void)[] = [];
  for (const body of BODIES) {
    const figures = await greedyRounds(servers, body);
    for (const [name, one] of figures) rows.push([`${name}, ${body.name}`, fixed(perCore(one), 0), fixed((one.cpuMs * 1_000) / one.requests), fixed(one.requests / one.seconds, 0)]);
    const [theirs, least, ours] = [figures.get('nginx'), figures.get('bare undici'), figures.get('sekisho')];
    if (theirs === undefined || least === undefined || ours === undefined) continue;
    targets.push(
      () => printTarget({ name: `passthrough ${body.name} against nginx`, value: perCore(ours) / perCore(theirs), atLeast: body.atLeast }),
      () => printTarget({ name: `passthrough ${body.name} against bare undici`, value: perCore(ours) / perCore(least) }),
    );
  }
  const [direct, viaNginx, viaBare, viaUs] = await pacedRuns([origin.port, ...servers.map(({ port }) => port)]);
  say(`passthrough: ${CONNECTIONS} connections, same origin, every answer 200`);
  printTable(['', 'requests/s per core', 'CPU us', 'requests/s'], rows);
  if (direct === undefined || viaNginx === undefined || viaBare === undefined || viaUs === undefined) return;
  const timed = [['direct', direct], ['nginx', viaNginx], ['bare undici', viaBare], ['sekisho', viaUs]] as const;
  printTable([`at ${PACED_RATE}/s, 2 KB`, 'p50 ms', 'p99 ms', 'added p99 ms'], timed.map(([name, { p50, p99 }]) => [name, fixed(p50, 2), fixed(p99, 2), fixed(p99 - direct.p99, 2)]));
  for (const print of targets) print();
  const voidBecause = direct.p99 > DIRECT_P99_MS_MAX ? `the origin alone has ${fixed(direct.p99)} ms, the machine is busy` : undefined;
  printTarget({ name: `passthrough added p99 ms at ${PACED_RATE}/s`, value: viaUs.p99 - direct.p99, atMost: ADDED_P99_MS_MAX, voidBecause });
}

await runBench(main);
