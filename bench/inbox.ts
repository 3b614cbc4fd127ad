// Activities through the inbox checkpoint, without and with verification by keys it knows, beside a bare pipe to the same
// upstream; and the dearest bodies there are through parser and checks.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { type BenchStack, startBenchStack } from './lib/bench-stack.ts';
import { startHelper } from './lib/child.ts';
import { atEnd } from './lib/cleanup.ts';
import { readTrees, totalMs } from './lib/cpu.ts';
import { SELF, benchDeliveries, keyEntries, signedRequests } from './lib/inbox-mix.ts';
import { measureWorst } from './lib/inbox-worst.ts';
import { type PacedLoad, type PacedResult, startPacedLoad, writeRequests } from './lib/loads.ts';
import { InvalidRun, fixed, printTable, printTarget, runBench, say } from './lib/report.ts';

const RATE = 500;
/** Until the engine has compiled what is asked all the time; before that it also keeps ten times as much garbage. */
const WARM_S = 20;
const LEAD_S = 1;
const PACED_S = 10;
const CONNECTIONS = 32;
const P99_MS_MAX = 5;
const P99_VERIFIED_MS_MAX = 10;
const WORST_MS_MAX = 5;
/** A pipe alone stays below this on a calm machine. */
const PIPE_P99_MS_MAX = 2.5;

interface Row {
  readonly name: string;
  readonly result: PacedResult;
  readonly cpuMsEach: number;
}

/** Files of requests: to the inbox, and the same to a path that the gateway passes on without a look. */
interface Files {
  readonly warm: string;
  readonly timed: string;
}

interface Server {
  readonly name: string;
  readonly port: number;
  cpuMs(): number;
}

async function measure(load: PacedLoad, server: Server, { warm, timed }: Files): Promise<Row> {
  const common = { port: server.port, connections: CONNECTIONS, rate: RATE, status: 202 };
  await load.run({ ...common, requestsFile: warm, seconds: WARM_S });
  const before = server.cpuMs();
  const result = await load.run({ ...common, requestsFile: timed, seconds: PACED_S, leadSeconds: LEAD_S });
  return { name: server.name, result, cpuMsEach: (server.cpuMs() - before) / result.answered };
}

interface Through {
  readonly upstream: number;
  readonly name: 'passed on' | 'sekisho' | 'verified';
}

async function throughGateway(load: PacedLoad, files: Files, { upstream, name }: Through): Promise<Row> {
  const verify = name === 'verified';
  const bench = await startBenchStack({ originPort: upstream, publicUrl: `https://${SELF}`, env: verify ? { SEKISHO_INBOX_VERIFY: 'on', SEKISHO_INBOX_VERIFY_UNAVAILABLE: 'retry' } : {} });
  if (verify) await plantKeys(bench);
  const row = await measure(load, { name, port: bench.stack.ports.gateways[0] ?? 0, cpuMs: () => bench.cpu().gateway }, files);
  if (verify && (await bench.metric(bench.stack.ports.gatewayOps[0] ?? 0, 'sekisho_gateway_inbox_key_fetches_total')) > 0) throw new InvalidRun('keys were fetched: the cache was not warm');
  await bench.stop();
  return row;
}

async function plantKeys({ stack }: BenchStack): Promise<void> {
  const redis = new Redis(stack.redis?.url('sekisho-gateway-state') ?? '', { enableReadyCheck: false });
  for (const [name, value] of keyEntries(benchDeliveries())) await redis.set(name, value);
  redis.disconnect();
}

async function main(): Promise<void> {
  const worst = measureWorst();
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-inbox-'));
  atEnd(async () => rmSync(folder, { recursive: true, force: true }));
  const files = { warm: join(folder, 'warm'), timed: join(folder, 'timed') };
  const deliveries = benchDeliveries();
  const requests = signedRequests(deliveries, RATE * (WARM_S + LEAD_S + PACED_S) + 2 * CONNECTIONS + RATE);
  const elsewhere = { warm: join(folder, 'warm-elsewhere'), timed: join(folder, 'timed-elsewhere') };
  for (const [{ warm, timed }, all] of [[files, requests], [elsewhere, requests.map(toElsewhere)]] as const) {
    writeRequests(warm, all.slice(0, RATE * WARM_S + CONNECTIONS));
    writeRequests(timed, all.slice(RATE * WARM_S + CONNECTIONS));
  }
  const upstream = await startHelper('inbox-upstream.ts');
  const { port } = z.object({ port: z.number() }).parse(upstream.ready);
  const pipe = await startHelper('bare-pipe.ts', { ports: [port] });
  const [pipePort = 0] = z.object({ ports: z.array(z.number()) }).parse(pipe.ready).ports;
  const load = await startPacedLoad();
  const bare = await measure(load, { name: 'bare pipe', port: pipePort, cpuMs: () => totalMs(readTrees({ pipe: pipe.pid }).pipe) }, files);
  const passed = await throughGateway(load, elsewhere, { upstream: port, name: 'passed on' });
  const plain = await throughGateway(load, files, { upstream: port, name: 'sekisho' });
  const verified = await throughGateway(load, files, { upstream: port, name: 'verified' });
  await load.stop();
  report({ bare, passed, plain, verified, worst, kinds: deliveries.length });
}

/** Another path of the same length; its signature is of no interest to anybody. */
const toElsewhere = (request: Buffer): Buffer => Buffer.concat([Buffer.from('POST /other'), request.subarray('POST /inbox'.length)]);

interface Figures {
  readonly bare: Row;
  readonly passed: Row;
  readonly plain: Row;
  readonly verified: Row;
  readonly worst: ReturnType<typeof measureWorst>;
  readonly kinds: number;
}

function report({ bare, passed, plain, verified, worst, kinds }: Figures): void {
  say(`inbox: ${RATE}/s of ${kinds} kinds of activities, ${CONNECTIONS} connections, one gateway, every answer 202`);
  printTable(['', 'p50 ms', 'p99 ms', 'max ms', 'added p50 ms', 'added p99 ms', 'CPU ms each'], [bare, passed, plain, verified].map(({ name, result, cpuMsEach }) =>
    [name, fixed(result.p50, 2), fixed(result.p99, 2), fixed(result.max), fixed(result.p50 - bare.result.p50, 2), fixed(result.p99 - bare.result.p99, 2), fixed(cpuMsEach, 2)]));
  printTable(['64 KiB at its dearest', 'bytes', 'outcome', 'median ms', 'max ms'], worst.map(({ name, bytes, outcome, medianMs, maxMs }) => [name, bytes, outcome, fixed(medianMs, 2), fixed(maxMs, 2)]));
  const voidBecause = bare.result.p99 > PIPE_P99_MS_MAX ? `the pipe alone has ${fixed(bare.result.p99)} ms, the machine is busy` : undefined;
  printTarget({ name: `inbox p99 ms at ${RATE}/s`, value: plain.result.p99, atMost: P99_MS_MAX, voidBecause });
  printTarget({ name: `inbox p99 ms at ${RATE}/s, verified`, value: verified.result.p99, atMost: P99_VERIFIED_MS_MAX, voidBecause });
  printTarget({ name: 'inbox added p99 ms against a bare pipe', value: plain.result.p99 - bare.result.p99 });
  printTarget({ name: 'inbox CPU ms each', value: plain.cpuMsEach });
  printTarget({ name: 'inbox CPU against passing on', value: plain.cpuMsEach / passed.cpuMsEach });
  printTarget({ name: 'inbox CPU ms each, verified', value: verified.cpuMsEach });
  printTarget({ name: 'inbox dearest body ms', value: Math.max(...worst.map(({ medianMs }) => medianMs)), atMost: WORST_MS_MAX });
}

await runBench(main);
