// Tunnels through the egress-proxy against a bare node:net pipe and Debian's tinyproxy, in turns within one run. Both ends
// replay a recorded handshake: no TLS is in any figure, and every tunnel passes the proxy's own check of both hellos.

import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { freePort } from '@sekisho/testkit/ports';
import { ensurePrograms } from '../scripts/set-up/programs.ts';
import { HOST, playHandshake } from '../services/egress-proxy/src/testing/handshakes.ts';
import { startHelper } from './lib/child.ts';
import { atEnd } from './lib/cleanup.ts';
import { readTrees, totalMs } from './lib/cpu.ts';
import { endProgram } from './lib/program.ts';
import { fixed, percentile, printTable, printTarget, runBench, say } from './lib/report.ts';
import { startTinyproxy } from './lib/tinyproxy.ts';
import { type Way, openTunnel } from './lib/tunnels.ts';

const MiB = 1024 * 1024;
const BULK_BYTES = 192 * MiB;
const BULK_STREAMS = 4;
const SHORT_MS = 2_500;
const IN_FLIGHT = 16;
const SERIAL = 300;
const ROUNDS = 3;
const START_TRIES = 200;

interface Peer {
  readonly name: string;
  readonly pid: number;
  readonly short: Way;
  readonly bulk: Way;
}

interface Sample {
  readonly tunnelsPerSecond: number;
  readonly tunnelsPerCpuSecond: number;
  readonly mibPerSecond: number;
  readonly mibPerCpuSecond: number;
  readonly firstByteMs: readonly number[];
}

const cpuMs = ({ pid }: Peer): number => totalMs(readTrees({ it: pid }).it);

/** The proxy as it is shipped, with the two loopback ports of the origin as what netguard counts as public. */
async function startProxy(ports: readonly number[], dnsServer: string): Promise<{ readonly port: number; readonly pid: number }> {
  const [port, opsPort] = [await freePort('127.0.0.1'), await freePort('127.0.0.1')];
  const child = spawn(process.execPath, ['services/egress-proxy/src/main.ts'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env['PATH'], SEKISHO_LISTEN_HOST: '127.0.0.1', SEKISHO_EGRESS_PORT: String(port), SEKISHO_OPS_HOST: '127.0.0.1', SEKISHO_OPS_PORT: String(opsPort),
      SEKISHO_PUBLIC_URL: 'https://misskey.example', SEKISHO_DNS_SERVERS: dnsServer, SEKISHO_UNSAFE_ALLOW_TARGETS: ports.map((allowed) => `127.0.0.1:${allowed}`).join(','),
      SEKISHO_EGRESS_HOST_TUNNELS_MAX: '1024',
    },
  });
  atEnd(async () => await endProgram(child, 'SIGKILL'));
  for (let attempt = 0; attempt < START_TRIES; attempt += 1) {
    if (await fetch(`http://127.0.0.1:${opsPort}/readyz`).then(({ ok }) => ok, () => false)) return { port, pid: child.pid ?? 0 };
    await delay(50);
  }
  throw new Error('the egress-proxy does not start');
}

async function measure(peer: Peer, hello: Buffer): Promise<Sample> {
  await openTunnel(peer.short, hello);
  const shortCpu = cpuMs(peer);
  const startedMs = performance.now();
  let tunnels = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() - startedMs < SHORT_MS) {
      await openTunnel(peer.short, hello);
      tunnels += 1;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  const shortMs = performance.now() - startedMs;
  const shortCpuMs = cpuMs(peer) - shortCpu;
  const bulkCpu = cpuMs(peer);
  const bulkStartedMs = performance.now();
  const streams = await Promise.all(Array.from({ length: BULK_STREAMS }, async () => await openTunnel(peer.bulk, hello)));
  const bulkMs = performance.now() - bulkStartedMs;
  const bulkCpuMs = cpuMs(peer) - bulkCpu;
  const mib = streams.reduce((sum, { bytes }) => sum + bytes, 0) / MiB;
  const firstByteMs: number[] = [];
  for (let at = 0; at < SERIAL; at += 1) firstByteMs.push((await openTunnel(peer.short, hello)).firstByteMs);
  return {
    tunnelsPerSecond: tunnels / (shortMs / 1_000), tunnelsPerCpuSecond: tunnels / (shortCpuMs / 1_000),
    mibPerSecond: mib / (bulkMs / 1_000), mibPerCpuSecond: mib / (bulkCpuMs / 1_000), firstByteMs,
  };
}

const median = (numbers: readonly number[]): number => percentile(numbers, 0.5);

async function main(): Promise<void> {
  ensurePrograms(['tinyproxy']);
  const { client, server } = await playHandshake();
  // Of the client only the hello: its first record.
  const hello = client.subarray(0, 5 + client.readUInt16BE(3));
  const origin = await startHelper('tunnel-origin.ts', { clientBytes: hello.length, flight: server.toString('base64'), bulkBytes: BULK_BYTES / BULK_STREAMS });
  const to = z.object({ short: z.number(), bulk: z.number() }).parse(origin.ready);
  const dns = await startHelper('dns-server.ts');
  const { address: dnsServer } = z.object({ address: z.string() }).parse(dns.ready);
  const pipe = await startHelper('bare-pipe.ts', { ports: [to.short, to.bulk] });
  const [pipeShort = 0, pipeBulk = 0] = z.object({ ports: z.array(z.number()) }).parse(pipe.ready).ports;
  const tinyproxy = await startTinyproxy([to.short, to.bulk]);
  const proxy = await startProxy([to.short, to.bulk], dnsServer);
  const through = (port: number, host: string, target: number): Way => ({ port, authority: `${host}:${target}` });
  const peers: readonly Peer[] = [
    { name: 'bare pipe', pid: pipe.pid, short: { port: pipeShort }, bulk: { port: pipeBulk } },
    { name: 'tinyproxy', pid: tinyproxy.pid, short: through(tinyproxy.port, '127.0.0.1', to.short), bulk: through(tinyproxy.port, '127.0.0.1', to.bulk) },
    { name: 'egress-proxy', pid: proxy.pid, short: through(proxy.port, HOST, to.short), bulk: through(proxy.port, HOST, to.bulk) },
  ];
  const samples = new Map<string, Sample[]>(peers.map(({ name }) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) for (const peer of peers) samples.get(peer.name)?.push(await measure(peer, hello));
  const of = (name: string, what: Exclude<keyof Sample, 'firstByteMs'>): number => median((samples.get(name) ?? []).map((sample) => sample[what]));
  const firstP99 = (name: string): number => percentile((samples.get(name) ?? []).flatMap(({ firstByteMs }) => firstByteMs), 0.99);
  const firstP50 = (name: string): number => median((samples.get(name) ?? []).flatMap(({ firstByteMs }) => firstByteMs));
  say(`egress: ${ROUNDS} rounds; ${IN_FLIGHT} short tunnels in flight, ${BULK_STREAMS} streams of ${BULK_BYTES / BULK_STREAMS / MiB} MiB, hellos replayed`);
  printTable(['', 'tunnels/s', 'per CPU s', 'MiB/s', 'per CPU s', 'first byte p50 ms', 'p99 ms'], peers.map(({ name }) => [
    name, fixed(of(name, 'tunnelsPerSecond'), 0), fixed(of(name, 'tunnelsPerCpuSecond'), 0), fixed(of(name, 'mibPerSecond'), 0), fixed(of(name, 'mibPerCpuSecond'), 0),
    fixed(firstP50(name), 2), fixed(firstP99(name), 2),
  ]));
  const ratio = (what: 'mibPerSecond' | 'tunnelsPerCpuSecond', other: string): number => of('egress-proxy', what) / of(other, what);
  printTarget({ name: 'egress: MiB/s against a bare pipe', value: ratio('mibPerSecond', 'bare pipe'), atLeast: 0.7 });
  printTarget({ name: 'egress: MiB/s against tinyproxy', value: ratio('mibPerSecond', 'tinyproxy') });
  printTarget({ name: 'egress: new tunnels per CPU second', value: of('egress-proxy', 'tunnelsPerCpuSecond'), atLeast: 1_000, digits: 0 });
  printTarget({ name: 'egress: new tunnels per CPU second against tinyproxy', value: ratio('tunnelsPerCpuSecond', 'tinyproxy') });
  printTarget({ name: 'egress: ms added to the first byte at p99', value: firstP99('egress-proxy') - firstP99('bare pipe'), atMost: 3 });
}

await runBench(main);
