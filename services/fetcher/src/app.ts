// Composition root: everything the fetcher is made of, from a finished configuration.

import { LIMITS } from '@sekisho/contracts';
import {
  type AddressPolicy, createAddressPolicy, createResolver, createTlsContext, loopIdentity, type NameResolver, ownHostSet, type TargetRules,
} from '@sekisho/netguard';
import { type Clock, createLogger, fixedValue, type Followed, type Logger, type OpsServer, startOps, systemClock } from '@sekisho/runtime';
import type { FetcherConfig } from './config.ts';
import { followDenyList } from './deny-list/watch.ts';
import { createFetchService, DEFAULT_FETCH_LIMITS, type FetchLimits } from './fetching/fetch-service.ts';
import { createHostGate } from './host-gate/host-gate.ts';
import { type FetchServer, startFetchServer } from './http/server.ts';
import { createFetcherMetrics, type FetcherMetrics } from './metrics.ts';
import { report } from './report.ts';
import { createMemoryBudget } from './store/memory-budget.ts';
import { createSourceStore, type SourceStore } from './store/source-store.ts';

/** All pictures that wait in memory for their last byte. */
const MEMORY_BYTES_MAX = 256 * 1024 * 1024;

export interface AppDeps {
  readonly clock?: Clock;
  readonly log?: Logger;
  readonly metrics?: FetcherMetrics;
  readonly resolver?: NameResolver;
  /** Instead of the address policy of the configuration: tests of the other walls switch this one off. No variable does. */
  readonly policy?: AddressPolicy;
  /** Tests shorten the deadlines. */
  readonly limits?: Partial<FetchLimits>;
}

export interface App {
  readonly port: number;
  readonly opsPort: number;
  readonly log: Logger;
  readonly metrics: FetcherMetrics;
  /** Fetches running now. */
  readonly running: number;
  /** /readyz turns 503; work goes on, over connections that end with their next answer. */
  setUnready(): void;
  /** No new requests; resolves when the running ones have ended. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** Starts both ports. Rejects when one is taken. */
export async function createApp(config: FetcherConfig, deps: AppDeps = {}): Promise<App> {
  const log = deps.log ?? createLogger({ service: 'fetcher', level: config.logLevel });
  const metrics = deps.metrics ?? createFetcherMetrics();
  const clock = deps.clock ?? systemClock;
  warnUnsafe(config, log);
  const rules = createRules(config, deps.policy);
  const denyList = await openDenyList(config, rules, { log, metrics });
  const store = createSourceStore({
    url: config.redisUrl,
    bytesMax: config.workBytesMax,
    onError: (error) => log.warn({ detail: error.message }, 'work redis is away'),
  });
  const gate = createHostGate({ clock });
  const memory = createMemoryBudget(MEMORY_BYTES_MAX);
  const service = createFetchService({
    guard: {
      rules,
      identity: loopIdentity(config.publicUrl.hostname, config.ownHosts),
      resolver: deps.resolver ?? createResolver({ servers: config.dnsServers, timeoutMs: LIMITS.dnsMs }),
      tlsContext: createTlsContext({ extraCa: config.unsafeCa }),
    },
    gate,
    store,
    memory,
    clock,
    userAgent: `Sekisho/${config.version} (Misskey/; +${config.publicUrl.href})`,
    limits: { ...DEFAULT_FETCH_LIMITS, ...deps.limits },
    onPhase: metrics.phase,
  });
  metrics.watch(() => ({
    running: service.running,
    upstreamSockets: gate.counts.active,
    hostsPaused: gate.counts.paused,
    bufferedBytes: memory.used,
    redisUp: store.ready,
  }));
  const server = await startFetchServer({
    host: config.listenHost,
    port: config.port,
    token: config.token,
    hosts: config.hosts,
    service,
    onFinished: (finished) => report(finished, log, metrics),
    onUnauthorized: () => {
      metrics.refusedRequest();
      log.warn({ code: 'SEKISHO_INTERNAL_AUTH' }, 'request refused');
    },
  });
  return await startApp({ config, log, metrics, store, server, denyList, running: () => service.running });
}

interface Parts {
  readonly config: FetcherConfig;
  readonly log: Logger;
  readonly metrics: FetcherMetrics;
  readonly store: SourceStore;
  readonly server: FetchServer;
  readonly denyList: Followed<readonly string[]>;
  readonly running: () => number;
}

async function startApp(parts: Parts): Promise<App> {
  const { config, log, metrics, store, server } = parts;
  let isReady = true;
  const closeAll = async (ops?: OpsServer): Promise<void> => {
    parts.denyList.close();
    await server.close();
    store.close();
    await ops?.close();
  };
  const readiness = () => ({ ready: isReady, details: { workRedis: store.ready ? 'up' : 'down', running: parts.running() } });
  const ops = await startOps({ host: config.opsHost, port: config.opsPort, metrics: metrics.registry, readiness }).catch(async (error: unknown) => {
    await closeAll();
    throw error;
  });
  return {
    port: server.port,
    opsPort: ops.port,
    log,
    metrics,
    get running() {
      return parts.running();
    },
    setUnready: () => {
      isReady = false;
      server.leave();
    },
    drain: () => server.stopAccepting(),
    close: () => closeAll(ops),
  };
}

function createRules(config: FetcherConfig, policy: AddressPolicy | undefined): TargetRules {
  return {
    plainHttp: config.plainHttp,
    ownHosts: ownHostSet([config.publicUrl.hostname, ...config.ownHosts]),
    policy: policy ?? createAddressPolicy({
      denyCidrs: config.denyCidrs,
      nat64Prefixes: config.nat64Prefixes,
      unsafePublicCidrs: config.unsafePublicCidrs,
      unsafeAllowTargets: config.unsafeAllowTargets,
    }),
  };
}

async function openDenyList(
  config: FetcherConfig,
  { policy }: TargetRules,
  out: { readonly log: Logger; readonly metrics: FetcherMetrics },
): Promise<Followed<readonly string[]>> {
  const { denyCidrs: fixed, denyCidrsFile: path } = config;
  if (path === undefined) return fixedValue([]);
  return await followDenyList({ policy, fixed, path, log: out.log, onReload: out.metrics.reload });
}

function warnUnsafe(config: FetcherConfig, log: Logger): void {
  if (config.unsafeAllowTargets.length > 0) log.warn({ targets: config.unsafeAllowTargets }, 'SEKISHO_UNSAFE_ALLOW_TARGETS is set: never do this in production');
  if (config.unsafePublicCidrs.length > 0) log.warn({ prefixes: config.unsafePublicCidrs }, 'SEKISHO_UNSAFE_PUBLIC_CIDRS is set: never do this in production');
  if (config.unsafeCa !== undefined) log.warn('SEKISHO_UNSAFE_CA_FILE is set: never do this in production');
}
