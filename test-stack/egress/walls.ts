// Fetcher and egress-proxy in a network where every non-public address listens, with their own check and the DNS filter
// switched on and off: run by tc-egress-walls.int.test.ts in a namespace of its own. Prints one line of JSON.

import { mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { AddressPolicy } from '@sekisho/netguard';
import { createLogger } from '@sekisho/runtime';
import { NON_PUBLIC, PROBE_ZONE, PUBLIC, type Targets, type TestDns, addAddresses, isReachable, listenEverywhere, makeStream, startDnsServer } from '@sekisho/testkit';
import { filterEnvironment } from '../../scripts/local-stack/dns-filter.ts';
import { type Processes, createProcesses } from '../../scripts/local-stack/processes.ts';
import { processBasics } from '../../scripts/local-stack/service-env.ts';
import { type App as EgressProxy, createApp as createEgressProxy } from '../../services/egress-proxy/src/app.ts';
import { readConfig } from '../../services/egress-proxy/src/config.ts';
import { type Rig, startRig } from '../../services/fetcher/src/testing/rig.ts';
import { connectRaw } from './misskey-client.ts';

const root = dirname(dirname(import.meta.dirname));
const FILTER = { port: 5_354, opsPort: 9_094 };
const LATE_MS = 200;
const VIDEO = makeStream('video/webm', 1_024);

export interface WallsReport {
  /** By setting, `netguard filter` with + and -. */
  readonly settings: Readonly<Record<string, SettingReport>>;
  /** Targets that a plain connection reaches. */
  readonly reachable: readonly string[];
}

export interface SettingReport {
  readonly requests: number;
  /** Addresses at which connections of the fetcher and of the egress-proxy arrived, the two public ones aside. */
  readonly fetcher: readonly string[];
  readonly egressProxy: readonly string[];
  /** What came of a public name. */
  readonly control: readonly string[];
  /** A literal, which no resolver sees. */
  readonly literal: { readonly fetcher: readonly string[]; readonly egressProxy: readonly string[] };
}

/** What netguard would be without its address policy. */
const NO_POLICY: AddressPolicy = { allowTargetPorts: new Set(), setDenyCidrs: () => undefined, check: () => ({ allowed: true, unsafeTarget: false }) };

const WAYS = ['name', 'chain', 'before'] as const;

const serve = (socket: Socket): void => {
  socket.once('data', () => socket.end(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${VIDEO.length}\r\nconnection: close\r\n\r\n`), VIDEO])));
};

async function startFilter(processes: Processes, dns: TestDns, folder: string): Promise<void> {
  const env = { ...processBasics(), SEKISHO_OPS_HOST: '127.0.0.1', ...filterEnvironment(FILTER, { SEKISHO_DNS_SERVERS: dns.address }, folder) };
  const child = processes.start({ name: 'dns-filter', command: [process.execPath, join(root, 'services/dns-filter/src/main.ts')], env, cwd: root });
  await processes.waitReady(child, 'dns-filter', FILTER.opsPort);
}

async function startProxy(dnsServer: string, policy: AddressPolicy | undefined): Promise<EgressProxy> {
  const config = readConfig({ SEKISHO_PUBLIC_URL: 'https://instance.peer.example', SEKISHO_DNS_SERVERS: dnsServer });
  const log = createLogger({ service: 'egress-proxy', level: 'error' });
  return await createEgressProxy(
    { ...config, listenHost: '127.0.0.1', port: 0, smtpPort: undefined, opsHost: '127.0.0.1', opsPort: 0 },
    { log, limits: { connectMs: 2_000, helloMs: 300 }, ...(policy === undefined ? {} : { policy }) },
  );
}

interface Parts {
  readonly rig: Rig;
  readonly proxy: EgressProxy;
  readonly targets: Targets;
}

async function trySetting({ rig, proxy, targets }: Parts): Promise<SettingReport> {
  const arrived = async (asking: Promise<unknown>): Promise<readonly string[]> => {
    await asking;
    return targets.taken().filter((address) => address !== PUBLIC.v4 && address !== PUBLIC.v6);
  };
  const hosts = NON_PUBLIC.flatMap((_, at) => WAYS.map((way) => `${way}${at}.peer.example`));
  const fetcher: string[] = [];
  const egressProxy: string[] = [];
  for (const host of hosts) {
    fetcher.push(...(await arrived(rig.sum(`http://${host}/`))));
    egressProxy.push(...(await arrived(connectRaw(proxy.port, `${host}:443`))));
  }
  // A connection that comes after the answer counts too.
  const late = await arrived(delay(LATE_MS));
  const control = [await rig.sum('http://good.peer.example/'), String((await connectRaw(proxy.port, 'good6.peer.example:443')).status), ...targets.taken()];
  const literal = {
    fetcher: await arrived(rig.sum('http://10.0.0.1/')),
    egressProxy: await arrived(connectRaw(proxy.port, '10.0.0.1:443')),
  };
  return { requests: hosts.length * 2, fetcher: unique([...fetcher, ...late]), egressProxy: unique([...egressProxy, ...late]), control, literal };
}

const unique = (list: readonly string[]): readonly string[] => [...new Set(list)];

async function run(): Promise<WallsReport> {
  addAddresses([...NON_PUBLIC, PUBLIC.v4, PUBLIC.v6]);
  const targets = await listenEverywhere([80, 443], serve);
  const reachable: string[] = [];
  for (const ip of NON_PUBLIC) if (await isReachable(ip, 80)) reachable.push(ip);
  const dns = await startDnsServer(PROBE_ZONE);
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-walls-'));
  const processes = createProcesses((line) => void process.stderr.write(`${line}\n`));
  const settings: Record<string, SettingReport> = {};
  try {
    await startFilter(processes, dns, folder);
    for (const [name, hasPolicy, hasFilter] of [['+netguard +filter', true, true], ['-netguard +filter', false, true], ['+netguard -filter', true, false], ['-netguard -filter', false, false]] as const) {
      const server = hasFilter ? `127.0.0.1:${FILTER.port}` : dns.address;
      const policy = hasPolicy ? undefined : NO_POLICY;
      const rig = await startRig({ config: { dnsServers: [server] }, ...(policy === undefined ? {} : { policy }) });
      const proxy = await startProxy(server, policy);
      targets.taken();
      settings[name] = await trySetting({ rig, proxy, targets });
      await proxy.close();
      await rig.stop();
    }
  } finally {
    await processes.stop();
    await dns.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  await targets.stop();
  return { settings, reachable };
}

if (import.meta.main) {
  process.stdout.write(`${JSON.stringify(await run())}\n`);
  process.exit(0);
}
