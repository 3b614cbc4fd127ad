// The whole stack as child processes, with a hostile internet around it: one per test file.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type DnsZone, type MisskeyStub, type OriginRoute, PICTURES, type PictureName, type StubFile, type TestDns, type TestOrigin, startDnsServer, startMisskeyStub, startOrigin } from '@sekisho/testkit';
import type { ServicePorts } from '../scripts/local-stack/ports.ts';
import { type Stack, type StackPorts, type StackSpec, randomPorts, randomServicePorts, startStack } from '../scripts/local-stack/stack.ts';
import { type Answer, type Asking, ask } from './client.ts';

/** Starting takes about two seconds on a quiet machine. */
export const START_MS = 60_000;
const LOG_LINES_MAX = 20_000;

type Environment = Readonly<Record<string, string>>;

export interface FixtureOptions {
  readonly gateways?: number;
  /** Where a test must know them before the start. */
  readonly ports?: StackPorts;
  readonly env?: Environment | ((origin: TestOrigin) => Environment);
  readonly zone?: DnsZone;
  readonly files?: Readonly<Record<string, StubFile>>;
  readonly redirects?: Readonly<Record<string, string>>;
  /** Further `ip:port` treated as public. */
  readonly allowTargets?: readonly string[];
  readonly publicUrl?: string;
  readonly redisAdminPassword?: string;
  readonly maxmemoryMb?: number;
  readonly egressProxy?: boolean;
  /** Its upstream is the fixture's DNS server; addresses of allow targets pass it. */
  readonly dnsFilter?: boolean;
}

export interface MediaAsking extends Asking {
  /** Which gateway. */
  readonly gateway?: number;
}

export interface Fixture {
  readonly stack: Stack;
  readonly publicUrl: string;
  /** Ports of the egress-proxy and of the DNS filter; 0 where they were not asked for. */
  readonly egress: ServicePorts;
  readonly filter: ServicePorts;
  readonly origin: TestOrigin;
  readonly tls: TestOrigin;
  readonly dns: TestDns;
  readonly misskey: MisskeyStub;
  /** Output of all services. */
  readonly log: readonly string[];
  get(path: string, asking?: MediaAsking): Promise<Answer>;
  /** `/media/x?url=<url>&<query>` */
  media(url: string, query?: string, asking?: MediaAsking): Promise<Answer>;
  /** Serves bytes under a fresh path and gives the URL. */
  publish(bytes: Uint8Array, route?: Omit<OriginRoute, 'bytes'>): string;
  publishPicture(name: PictureName): Promise<string>;
  /** Sum of a metric's samples whose labels hold the given ones; 0 when there is none. */
  metric(service: MetricService, name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
  stop(): Promise<void>;
}

type MetricService = 'gateway' | 'fetcher' | 'worker' | 'egress-proxy' | 'dns-filter';
const ABSENT: ServicePorts = { port: 0, opsPort: 0 };

export async function startFixture(options: FixtureOptions = {}): Promise<Fixture> {
  const undo: (() => Promise<void> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.toReversed()) await step();
  };
  try {
    return await assemble(options, undo, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function assemble(options: FixtureOptions, undo: (() => Promise<void> | void)[], stop: () => Promise<void>): Promise<Fixture> {
  const publicUrl = options.publicUrl ?? 'https://instance.peer.example';
  const origin = await startOrigin();
  undo.push(origin.stop);
  const tls = await startOrigin({ tls: true });
  undo.push(tls.stop);
  const dns = await startDnsServer({ '*.origin.example': { a: ['127.0.0.1'] }, '*.peer.example': { a: ['127.0.0.1'] }, ...options.zone });
  undo.push(dns.stop);
  const { files, redirects } = options;
  const misskey = await startMisskeyStub({ publicUrl, ...(files === undefined ? {} : { files }), ...(redirects === undefined ? {} : { redirects }) });
  undo.push(misskey.close);
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-fixture-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, tls.ca ?? '');
  const log: string[] = [];
  const ports = options.ports ?? await randomPorts(options.gateways ?? 1);
  const egress = options.egressProxy === true ? await randomServicePorts() : ABSENT;
  const filter = options.dnsFilter === true ? await randomServicePorts() : ABSENT;
  const spec: StackSpec = {
    ports, publicUrl, misskeyUrl: misskey.url,
    egressProxy: egress === ABSENT ? undefined : egress,
    dnsFilter: filter === ABSENT ? undefined : filter,
    env: {
      SEKISHO_DNS_SERVERS: dns.address,
      SEKISHO_UNSAFE_ALLOW_TARGETS: [origin.address, tls.address, ...(options.allowTargets ?? [])].join(','),
      SEKISHO_UNSAFE_CA_FILE: caFile,
      SEKISHO_TRUSTED_PROXIES: '127.0.0.0/8',
      SEKISHO_SHUTDOWN_DRAIN_MS: '500',
      ...(typeof options.env === 'function' ? options.env(origin) : options.env),
    },
    print: (line) => {
      if (log.length < LOG_LINES_MAX) log.push(line);
    },
    ...(options.maxmemoryMb === undefined ? {} : { maxmemoryMb: options.maxmemoryMb }),
    ...(options.redisAdminPassword === undefined ? {} : { redisAdminPassword: options.redisAdminPassword }),
  };
  const stack = await startStack(spec).catch((error: unknown) => {
    throw new Error(`the stack did not start:\n${log.slice(-40).join('\n')}`, { cause: error });
  });
  undo.push(stack.stop);
  let published = 0;
  const get: Fixture['get'] = async (path, asking = {}) => await ask(`${stack.urls[asking.gateway ?? 0] ?? ''}${path}`, asking);
  const publish: Fixture['publish'] = (bytes, route = {}) => {
    published += 1;
    const path = `/published/${published}`;
    origin.serve(path, { bytes, ...route });
    return origin.url(path);
  };
  return {
    stack, publicUrl, egress, filter, origin, tls, dns, misskey, log, get, publish, stop,
    media: async (url, query = '', asking = {}) => await get(`/media/x.webp?url=${encodeURIComponent(url)}${query === '' ? '' : `&${query}`}`, asking),
    publishPicture: async (name) => publish(await PICTURES[name].bytes(), { type: PICTURES[name].type }),
    metric: async (service, name, labels = {}) => {
      const opsPorts = {
        gateway: ports.gatewayOps, fetcher: [ports.fetcherOps], worker: [ports.workerOps], 'egress-proxy': [egress.opsPort], 'dns-filter': [filter.opsPort],
      }[service];
      const texts = await Promise.all(opsPorts.map(async (port) => (await ask(`http://127.0.0.1:${port}/metrics`)).body.toString()));
      return texts.reduce((sum, text) => sum + sumOf(text, name, labels), 0);
    },
  };
}

function sumOf(text: string, name: string, labels: Readonly<Record<string, string>>): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return text.split('\n').reduce((sum, line) => {
    const [, found = '', inside = '', value = '0'] = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    return found === name && wanted.every((part) => inside.includes(part)) ? sum + Number(value) : sum;
  }, 0);
}

/** Polls until the check holds; false after the time. */
export async function eventually(check: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<boolean> {
  const until = performance.now() + timeoutMs;
  while (performance.now() < until) {
    if (await check()) return true;
    await delay(50);
  }
  return await check();
}

