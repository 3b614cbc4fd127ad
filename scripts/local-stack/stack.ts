// Redis, fetcher, image-worker, gateways and, where asked for, egress-proxy and DNS filter as processes of this machine:
// for `npm run up`, the tests of the whole stack and the benches. Each service gets only the variables it knows.

import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ServiceName } from '@sekisho/contracts';
import { freePort } from '@sekisho/testkit/ports';
import { filterEnvironment, filterPath } from './dns-filter.ts';
import type { ServicePorts } from './ports.ts';
import { type Processes, createProcesses } from './processes.ts';
import { type StackRedis, startStackRedis } from './redis.ts';
import { ensureActorKey, ensureSecrets } from './secrets.ts';
import { environmentOf, processBasics } from './service-env.ts';

const root = dirname(dirname(import.meta.dirname));
const HOST = '127.0.0.1';

export interface StackPorts {
  readonly gateways: readonly number[];
  readonly gatewayOps: readonly number[];
  readonly fetcher: number;
  readonly fetcherOps: number;
  readonly workerOps: number;
}

export interface StackSpec {
  readonly ports: StackPorts;
  /** Started when given. */
  readonly egressProxy?: ServicePorts | undefined;
  /** Started when given; fetcher and egress-proxy then ask it. */
  readonly dnsFilter?: ServicePorts | undefined;
  readonly publicUrl: string;
  readonly misskeyUrl: string;
  /** Variables on top; each service is given those it knows. */
  readonly env?: Readonly<Record<string, string>>;
  /** A Redis of the user's own for both roles; else one is started. */
  readonly redisUrl?: string | undefined;
  readonly listenHost?: string;
  readonly maxmemoryMb?: number;
  /** Arguments of Node for the services, for profiles. */
  readonly nodeArgs?: readonly string[];
  /** Tests only, see startStackRedis. */
  readonly redisAdminPassword?: string;
  readonly print?: (line: string) => void;
  /** Aborted while the stack starts: everything is stopped and the start rejects. */
  readonly leaving?: AbortSignal;
}

export interface Stack {
  readonly ports: StackPorts;
  readonly urls: readonly string[];
  readonly redis: StackRedis | undefined;
  readonly processes: Processes;
  readonly children: Children;
  /** Starts a service anew, after a test has killed it. */
  restart(service: 'fetcher' | 'worker'): Promise<void>;
  stop(): Promise<void>;
}

interface Children {
  readonly gateways: ChildProcess[];
  fetcher: ChildProcess;
  worker: ChildProcess;
  readonly egressProxy: ChildProcess | undefined;
  readonly dnsFilter: ChildProcess | undefined;
  redis: ChildProcess | undefined;
}

const many = async (count: number): Promise<number[]> => await Promise.all(Array.from({ length: count }, async () => await freePort(HOST)));

/** Ports that were free a moment ago, for tests. */
export async function randomServicePorts(): Promise<ServicePorts> {
  const [port = 0, opsPort = 0] = await many(2);
  return { port, opsPort };
}

/** The same for the services that are always there. */
export async function randomPorts(gateways: number): Promise<StackPorts> {
  const [gatewayPorts, gatewayOps, others] = await Promise.all([many(gateways), many(gateways), many(3)]);
  const [fetcher = 0, fetcherOps = 0, workerOps = 0] = others;
  return { gateways: gatewayPorts, gatewayOps, fetcher, fetcherOps, workerOps };
}

/** Resolves when all services are ready; on a failure everything is stopped first. */
export async function startStack(spec: StackSpec): Promise<Stack> {
  const processes = createProcesses(spec.print ?? (() => undefined));
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-stack-'));
  const stop = async (): Promise<void> => {
    await processes.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const onLeave = (): void => void stop();
  spec.leaving?.addEventListener('abort', onLeave, { once: true });
  try {
    spec.leaving?.throwIfAborted();
    return await assemble(spec, { processes, folder, stop });
  } catch (error) {
    await stop();
    throw error;
  } finally {
    spec.leaving?.removeEventListener('abort', onLeave);
  }
}

interface Ground {
  readonly processes: Processes;
  readonly folder: string;
  readonly stop: () => Promise<void>;
}

async function assemble(spec: StackSpec, ground: Ground): Promise<Stack> {
  const { processes, folder } = ground;
  const { ports } = spec;
  const secretsFolder = spec.redisUrl === undefined ? folder : join(root, '.run', 'secrets');
  const secrets = ensureSecrets(secretsFolder);
  const redis = spec.redisUrl === undefined
    ? await startStackRedis({ processes, folder, port: await freePort(HOST), maxmemoryMb: spec.maxmemoryMb ?? 1_024, adminPassword: spec.redisAdminPassword })
    : undefined;
  const redisUrl = (user: Parameters<StackRedis['url']>[0]): string => redis?.url(user) ?? spec.redisUrl ?? '';
  const shared: Record<string, string> = {
    SEKISHO_PUBLIC_URL: spec.publicUrl, SEKISHO_MISSKEY_URL: spec.misskeyUrl, SEKISHO_LISTEN_HOST: spec.listenHost ?? HOST,
    SEKISHO_OPS_HOST: HOST, SEKISHO_FETCHER_URL: `http://${HOST}:${ports.fetcher}`, SEKISHO_INTERNAL_TOKEN_FILE: secrets.internalToken,
    SEKISHO_CACHE_KEY_FILE: secrets.cacheKey, SEKISHO_ISOLATION_KEY_FILE: secrets.isolationKey, SEKISHO_SHUTDOWN_DELAY_MS: '0',
    SEKISHO_SHUTDOWN_DRAIN_MS: '1000', SEKISHO_SANDBOX: 'best-effort',
    ...(spec.env?.['SEKISHO_INBOX_VERIFY'] === 'on' ? { SEKISHO_INBOX_ACTOR_KEY_FILE: ensureActorKey(secretsFolder) } : {}), ...spec.env,
  };
  const start = (service: ServiceName, name: string, own: Record<string, string>, basics = processBasics()): ChildProcess => {
    const env = { ...environmentOf(service, { ...shared, ...own }), ...basics };
    return processes.start({ name, command: [process.execPath, ...(spec.nodeArgs ?? []), join(root, 'services', service, 'src/main.ts')], env, cwd: root, yields: service === 'image-worker' });
  };
  const names: Record<string, string> = spec.dnsFilter === undefined ? {} : { SEKISHO_DNS_SERVERS: `${HOST}:${spec.dnsFilter.port}` };
  const startFetcher = (): ChildProcess => start('fetcher', 'fetcher', {
    ...names, SEKISHO_WORK_REDIS_URL: redisUrl('sekisho-fetcher'), SEKISHO_FETCHER_PORT: String(ports.fetcher), SEKISHO_OPS_PORT: String(ports.fetcherOps), SEKISHO_LISTEN_HOST: HOST,
  });
  const startWorker = (): ChildProcess => start('image-worker', 'image-worker', {
    SEKISHO_WORK_REDIS_URL: redisUrl('sekisho-worker'), SEKISHO_OPS_PORT: String(ports.workerOps),
  });
  const startGateway = (at: number): ChildProcess => start('gateway', ports.gateways.length > 1 ? `gateway-${at}` : 'gateway', {
    SEKISHO_REDIS_URL: redisUrl('sekisho-gateway-state'), SEKISHO_WORK_REDIS_URL: redisUrl('sekisho-gateway-work'),
    SEKISHO_GATEWAY_PORT: String(ports.gateways[at]), SEKISHO_OPS_PORT: String(ports.gatewayOps[at]),
  });
  // Always on loopback: whoever reaches it may open tunnels under this machine's address.
  const startEgressProxy = ({ port, opsPort }: ServicePorts): ChildProcess => start('egress-proxy', 'egress-proxy', {
    ...names, SEKISHO_EGRESS_PORT: String(port), SEKISHO_OPS_PORT: String(opsPort), SEKISHO_LISTEN_HOST: HOST,
  });
  const startDnsFilter = (filter: ServicePorts): ChildProcess => {
    const basics = processBasics();
    return start('dns-filter', 'dns-filter', filterEnvironment(filter, shared, folder), { ...basics, PATH: filterPath(basics.PATH, folder) });
  };
  const children: Children = {
    gateways: ports.gateways.map((_, at) => startGateway(at)), fetcher: startFetcher(), worker: startWorker(), redis: redis?.child,
    egressProxy: spec.egressProxy === undefined ? undefined : startEgressProxy(spec.egressProxy),
    dnsFilter: spec.dnsFilter === undefined ? undefined : startDnsFilter(spec.dnsFilter),
  };
  await waitForAll(spec, processes, children);
  const restart = async (service: 'fetcher' | 'worker'): Promise<void> => {
    children[service] = service === 'fetcher' ? startFetcher() : startWorker();
    await processes.waitReady(children[service], service, service === 'fetcher' ? ports.fetcherOps : ports.workerOps);
  };
  return { ports, urls: ports.gateways.map((port) => `http://${HOST}:${port}`), redis, processes, children, restart, stop: ground.stop };
}

async function waitForAll({ ports, egressProxy, dnsFilter }: StackSpec, processes: Processes, children: Children): Promise<void> {
  const all: readonly (readonly [ChildProcess | undefined, string, number | undefined])[] = [
    ...children.gateways.map((child, at) => [child, 'gateway', ports.gatewayOps[at]] as const),
    [children.fetcher, 'fetcher', ports.fetcherOps],
    [children.worker, 'image-worker', ports.workerOps],
    [children.egressProxy, 'egress-proxy', egressProxy?.opsPort],
    [children.dnsFilter, 'dns-filter', dnsFilter?.opsPort],
  ];
  await Promise.all(all.map(async ([child, name, opsPort = 0]) => {
    if (child !== undefined) await processes.waitReady(child, name, opsPort);
  }));
}
