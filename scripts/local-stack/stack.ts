// Redis, fetcher, image-worker and gateways as processes of this machine: for `npm run up`, the tests of the whole stack
// and the benches. Each service gets only the variables it knows.

import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ENVIRONMENT, ENVIRONMENT_NAMES, type EnvironmentName, type ServiceName } from '@sekisho/contracts';
import { freePort } from './ports.ts';
import { type Processes, createProcesses } from './processes.ts';
import { type StackRedis, startStackRedis } from './redis.ts';
import { ensureSecrets } from './secrets.ts';

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
  readonly children: { readonly gateways: ChildProcess[]; fetcher: ChildProcess; worker: ChildProcess; redis: ChildProcess | undefined };
  /** Starts a service anew, after a test has killed it. */
  restart(service: 'fetcher' | 'worker'): Promise<void>;
  stop(): Promise<void>;
}

/** Ports that were free a moment ago, for tests. */
export async function randomPorts(gateways: number): Promise<StackPorts> {
  const many = async (count: number): Promise<number[]> => await Promise.all(Array.from({ length: count }, async () => await freePort(HOST)));
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
  const secrets = ensureSecrets(spec.redisUrl === undefined ? folder : join(root, '.run', 'secrets'));
  const redis = spec.redisUrl === undefined
    ? await startStackRedis({ processes, folder, port: await freePort(HOST), maxmemoryMb: spec.maxmemoryMb ?? 1_024, adminPassword: spec.redisAdminPassword })
    : undefined;
  const redisUrl = (user: Parameters<StackRedis['url']>[0]): string => redis?.url(user) ?? spec.redisUrl ?? '';
  const shared: Record<string, string> = {
    SEKISHO_PUBLIC_URL: spec.publicUrl, SEKISHO_MISSKEY_URL: spec.misskeyUrl, SEKISHO_LISTEN_HOST: spec.listenHost ?? HOST,
    SEKISHO_OPS_HOST: HOST, SEKISHO_FETCHER_URL: `http://${HOST}:${ports.fetcher}`, SEKISHO_INTERNAL_TOKEN_FILE: secrets.internalToken,
    SEKISHO_CACHE_KEY_FILE: secrets.cacheKey, SEKISHO_ISOLATION_KEY_FILE: secrets.isolationKey, SEKISHO_SHUTDOWN_DELAY_MS: '0',
    SEKISHO_SHUTDOWN_DRAIN_MS: '1000', SEKISHO_SANDBOX: 'best-effort', ...spec.env,
  };
  const start = (service: ServiceName, name: string, own: Record<string, string>): ChildProcess => {
    const env = { ...environmentOf(service, { ...shared, ...own }), ...processBasics() };
    return processes.start({ name, command: [process.execPath, ...(spec.nodeArgs ?? []), join(root, 'services', service, 'src/main.ts')], env, cwd: root, yields: service === 'image-worker' });
  };
  const startFetcher = (): ChildProcess => start('fetcher', 'fetcher', {
    SEKISHO_WORK_REDIS_URL: redisUrl('sekisho-fetcher'), SEKISHO_FETCHER_PORT: String(ports.fetcher), SEKISHO_OPS_PORT: String(ports.fetcherOps), SEKISHO_LISTEN_HOST: HOST,
  });
  const startWorker = (): ChildProcess => start('image-worker', 'image-worker', {
    SEKISHO_WORK_REDIS_URL: redisUrl('sekisho-worker'), SEKISHO_OPS_PORT: String(ports.workerOps),
  });
  const startGateway = (at: number): ChildProcess => start('gateway', ports.gateways.length > 1 ? `gateway-${at}` : 'gateway', {
    SEKISHO_REDIS_URL: redisUrl('sekisho-gateway-state'), SEKISHO_WORK_REDIS_URL: redisUrl('sekisho-gateway-work'),
    SEKISHO_GATEWAY_PORT: String(ports.gateways[at]), SEKISHO_OPS_PORT: String(ports.gatewayOps[at]),
  });
  const children = { gateways: ports.gateways.map((_, at) => startGateway(at)), fetcher: startFetcher(), worker: startWorker(), redis: redis?.child };
  await Promise.all([
    ...children.gateways.map(async (child, at) => await processes.waitReady(child, 'gateway', ports.gatewayOps[at] ?? 0)),
    processes.waitReady(children.fetcher, 'fetcher', ports.fetcherOps),
    processes.waitReady(children.worker, 'image-worker', ports.workerOps),
  ]);
  const restart = async (service: 'fetcher' | 'worker'): Promise<void> => {
    children[service] = service === 'fetcher' ? startFetcher() : startWorker();
    await processes.waitReady(children[service], service, service === 'fetcher' ? ports.fetcherOps : ports.workerOps);
  };
  return { ports, urls: ports.gateways.map((port) => `http://${HOST}:${port}`), redis, processes, children, restart, stop: ground.stop };
}

/** A service is given only names it knows, so that the whole environment of a test reaches nobody by accident. */
function environmentOf(service: ServiceName, values: Readonly<Record<string, string>>): Record<string, string> {
  const known = new Set<string>(ENVIRONMENT_NAMES.filter((name) => servicesOf(name).includes(service)));
  return Object.fromEntries(Object.entries(values).filter(([name]) => known.has(name)));
}

const servicesOf = (name: EnvironmentName): readonly ServiceName[] => ENVIRONMENT[name].services;

const processBasics = (): Record<string, string> => ({ PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/' });
