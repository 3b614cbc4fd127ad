// The stack as the benches run it: every test name leads to the origin on loopback, and the bench is a trusted proxy, so
// that it can be many clients.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDnsServer } from '@sekisho/testkit';
import { type Stack, randomPorts, startStack } from '../../scripts/local-stack/stack.ts';
import { ensurePrograms } from '../../scripts/set-up/programs.ts';
import { atEnd } from './cleanup.ts';
import { readTrees, totalMs, whenCalm } from './cpu.ts';
import { say } from './report.ts';

export interface BenchSpec {
  readonly originPort: number;
  readonly gateways?: number;
  /** PEM, when the origin speaks TLS. */
  readonly ca?: string | undefined;
  readonly misskeyUrl?: string;
  readonly publicUrl?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** CPU ms so far. */
export interface StackCpu {
  readonly gateway: number;
  readonly fetcher: number;
  readonly worker: number;
  readonly decoders: number;
  readonly redis: number;
  readonly total: number;
}

export interface BenchStack {
  readonly stack: Stack;
  readonly url: string;
  readonly urls: readonly string[];
  cpu(): StackCpu;
  /** Until what the last requests caused is over. */
  calm(): Promise<void>;
  /** Sum of all samples of a metric at an ops port. */
  metric(opsPort: number, name: string): Promise<number>;
  stop(): Promise<void>;
}

/** BENCH_VERBOSE=1 shows the services' lines; BENCH_NODE_ARGS go to their Node, for profiles. */
const isVerbose = process.env['BENCH_VERBOSE'] === '1';
const nodeArgs = (process.env['BENCH_NODE_ARGS'] ?? '').split(' ').filter((part) => part !== '');

export async function startBenchStack(spec: BenchSpec): Promise<BenchStack> {
  ensurePrograms(['redis-server']);
  const dns = await startDnsServer({ '*.origin.example': { a: ['127.0.0.1'] } });
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-bench-'));
  const end = async (): Promise<void> => {
    await dns.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const stack = await startStack({
    ports: await randomPorts(spec.gateways ?? 1),
    publicUrl: spec.publicUrl ?? 'http://bench.example',
    misskeyUrl: spec.misskeyUrl ?? `http://127.0.0.1:${spec.originPort}`,
    env: {
      SEKISHO_DNS_SERVERS: dns.address, SEKISHO_UNSAFE_ALLOW_TARGETS: `127.0.0.1:${spec.originPort}`, SEKISHO_TRUSTED_PROXIES: '127.0.0.0/8',
      ...authorityEnv(folder, spec.ca), ...spec.env,
    },
    nodeArgs,
    print: (line) => {
      if (isVerbose || line.includes('"level":"error"') || !/^\[redis]|"level":/.test(line)) say(`  ${line.slice(0, 400)}`);
    },
  }).catch(async (error: unknown) => {
    await end();
    throw error;
  });
  const cpu = (): StackCpu => readCpu(stack);
  return {
    stack,
    url: stack.urls[0] ?? '',
    urls: stack.urls,
    cpu,
    calm: async () => await whenCalm(() => cpu().total),
    metric: readMetric,
    stop: atEnd(async () => {
      await stack.stop();
      await end();
    }),
  };
}

function authorityEnv(folder: string, ca: string | undefined): Record<string, string> {
  if (ca === undefined) return {};
  const path = join(folder, 'ca.pem');
  writeFileSync(path, ca);
  return { SEKISHO_UNSAFE_CA_FILE: path };
}

function readCpu({ children }: Stack): StackCpu {
  const gateways = Object.fromEntries(children.gateways.map((child, at) => [`gateway-${at}`, child.pid]));
  const trees = readTrees({ ...gateways, fetcher: children.fetcher.pid, worker: children.worker.pid, redis: children.redis?.pid });
  const names = Object.keys(trees).filter((name) => name.startsWith('gateway-'));
  const all = trees as Record<string, (typeof trees)['fetcher']>;
  const total = Object.values(all).reduce((sum, tree) => sum + totalMs(tree), 0);
  return {
    gateway: names.reduce((sum, name) => sum + totalMs(all[name] ?? { ownMs: 0, childrenMs: 0 }), 0),
    fetcher: totalMs(trees.fetcher), worker: trees.worker.ownMs, decoders: trees.worker.childrenMs, redis: totalMs(trees.redis), total,
  };
}

export function cpuSince(before: StackCpu, after: StackCpu): StackCpu {
  const names = ['gateway', 'fetcher', 'worker', 'decoders', 'redis', 'total'] as const;
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as unknown as StackCpu;
}

async function readMetric(opsPort: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
