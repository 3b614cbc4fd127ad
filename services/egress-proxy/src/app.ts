// Composition root: everything the egress-proxy is made of, from a finished configuration.

import { networkInterfaces } from 'node:os';
import { type AddressPolicy, createAddressPolicy, createResolver, type NameResolver, ownHostSet } from '@sekisho/netguard';
import { type Clock, createLogger, type Logger, type OpsServer, startOps, systemClock } from '@sekisho/runtime';
import type { EgressConfig } from './config.ts';
import { type ConnectServer, startConnectServer } from './http/server.ts';
import { createTunnelSlots, type TunnelSlots } from './limits/tunnel-slots.ts';
import { followLists, type Lists } from './lists/lists.ts';
import { createEgressMetrics, type EgressMetrics } from './metrics.ts';
import { anyPort, withoutSelf } from './policy/address.ts';
import { decideMail, decideTunnel, TLS_PORT } from './policy/decide.ts';
import { report } from './report.ts';
import { type Acceptor, createAcceptor, type Listener } from './tunnel/accept.ts';
import { DEFAULT_TUNNEL_LIMITS, type TunnelLimits } from './tunnel/limits.ts';
import { refusedEnd } from './tunnel/tunnel.ts';

/** Sockets of clients beyond the tunnels: those that still send their headers or read their refusal. */
const WAITING_SOCKETS_MAX = 512;

export interface AppDeps {
  readonly clock?: Clock;
  readonly log?: Logger;
  readonly metrics?: EgressMetrics;
  readonly resolver?: NameResolver;
  /** Tests of the other walls put one here that allows everything. */
  readonly policy?: AddressPolicy;
  /** Tests shorten the deadlines. */
  readonly limits?: Partial<TunnelLimits>;
  /** Tests look at changed files sooner. */
  readonly pollMs?: number;
}

export interface App {
  readonly port: number;
  readonly smtpPort: number | undefined;
  readonly opsPort: number;
  readonly log: Logger;
  readonly metrics: EgressMetrics;
  /** Tunnels open now. */
  readonly tunnels: number;
  /** /readyz turns 503; requests are still taken, because clients learn of it later. */
  setUnready(): void;
  /** No new connections, 503 on those that are there; resolves when the last tunnel has ended. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

interface Parts {
  readonly config: EgressConfig;
  readonly log: Logger;
  readonly metrics: EgressMetrics;
  readonly clock: Clock;
  readonly policy: AddressPolicy;
  readonly resolver: NameResolver;
  readonly limits: TunnelLimits;
  readonly slots: TunnelSlots;
  readonly lists: Lists;
  /** Filled as the ports open. */
  readonly ownPorts: Set<number>;
}

interface OpenListener {
  readonly acceptor: Acceptor;
  readonly server: ConnectServer;
}

/** Starts all ports. Rejects when one is taken or a file is bad. */
export async function createApp(config: EgressConfig, deps: AppDeps = {}): Promise<App> {
  const log = deps.log ?? createLogger({ service: 'egress-proxy', level: config.logLevel });
  const metrics = deps.metrics ?? createEgressMetrics();
  warnUnsafe(config, log);
  const policy = deps.policy ?? createPolicy(config);
  const lists = await followLists(config, {
    policy, fixedCidrs: config.denyCidrs, log, onReload: metrics.reload, pollMs: deps.pollMs,
  });
  const limits: TunnelLimits = {
    ...DEFAULT_TUNNEL_LIMITS, tunnelsMax: config.tunnelsMax, hostTunnelsMax: config.hostTunnelsMax, bytesMax: config.tunnelBytesMax, ...deps.limits,
  };
  const slots = createTunnelSlots(limits);
  metrics.watch(() => ({ tunnels: slots.open, hosts: slots.hosts }));
  const parts: Parts = {
    config, log, metrics, policy, limits, slots, lists, ownPorts: new Set(), clock: deps.clock ?? systemClock,
    resolver: deps.resolver ?? createResolver({ servers: config.dnsServers, timeoutMs: limits.dnsMs }),
  };
  return await startApp(parts);
}

async function startApp(parts: Parts): Promise<App> {
  const { config, log, metrics, slots, lists } = parts;
  const listeners: OpenListener[] = [];
  let isReady = true;
  const closeAll = async (ops?: OpsServer): Promise<void> => {
    lists.close();
    const closed = listeners.map(async ({ server }) => await server.stopAccepting());
    const stopped = listeners.map(async ({ acceptor }) => await acceptor.stopAll());
    for (const { server } of listeners) server.dropAll();
    await Promise.all([...closed, ...stopped]);
    await ops?.close();
  };
  try {
    listeners.push(await startListener('tls', parts));
    if (config.smtpPort !== undefined) listeners.push(await startListener('smtp', parts));
    const readiness = () => ({ ready: isReady, details: { tunnels: slots.open, mode: config.mode } });
    const ops = await startOps({ host: config.opsHost, port: config.opsPort, metrics: metrics.registry, readiness });
    parts.ownPorts.add(ops.port);
    return {
      port: listeners[0]?.server.port ?? config.port,
      smtpPort: listeners[1]?.server.port,
      opsPort: ops.port,
      log,
      metrics,
      get tunnels() {
        return slots.open;
      },
      setUnready: () => {
        isReady = false;
      },
      drain: async () => {
        for (const { acceptor } of listeners) acceptor.leave();
        await Promise.all(listeners.map(async ({ server }) => await server.stopAccepting()));
      },
      close: async () => await closeAll(ops),
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function startListener(listener: Listener, parts: Parts): Promise<OpenListener> {
  const { config, lists, limits, slots } = parts;
  const ownHosts = ownHostSet([config.publicUrl.hostname, ...config.ownHosts]);
  const targets = new Set(config.smtpTargets);
  const guarded = withoutSelf(parts.policy, { addresses: ownAddresses(), ports: parts.ownPorts });
  const anyPortMode = listener === 'smtp' || config.mode === 'report';
  const acceptor = createAcceptor({
    listener,
    mode: config.mode,
    slots,
    credentials: () => lists.credentials,
    decide: (authority) =>
      listener === 'smtp'
        ? decideMail(authority, { ownHosts, targets })
        : decideTunnel(authority, {
            mode: config.mode, ownHosts, extraPorts: parts.policy.allowTargetPorts, allowedHosts: lists.allowedHosts, deniedHosts: lists.deniedHosts,
          }),
    deps: { policy: anyPortMode ? anyPort(guarded) : guarded, resolver: parts.resolver, limits, clock: parts.clock },
    onReport: (finished) => report(finished, parts.log, parts.metrics),
  });
  const server = await startConnectServer({
    host: config.listenHost,
    port: listener === 'smtp' ? (config.smtpPort ?? 0) : config.port,
    headersMs: limits.headersMs,
    headerBytesMax: limits.headerBytesMax,
    connectionsMax: limits.tunnelsMax + WAITING_SOCKETS_MAX,
    onConnect: acceptor.accept,
    onRefused: (code, socket) =>
      report({ listener, mode: config.mode, peer: socket.remoteAddress ?? '', host: undefined, port: undefined, durationMs: 0, end: refusedEnd(code, '') }, parts.log, parts.metrics),
  });
  parts.ownPorts.add(server.port);
  return { acceptor, server };
}

const ownAddresses = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));

/** One port: whatever else a tunnel may reach has to be an unsafe allow target. */
const createPolicy = (config: EgressConfig): AddressPolicy =>
  createAddressPolicy({
    denyCidrs: config.denyCidrs,
    nat64Prefixes: config.nat64Prefixes,
    unsafePublicCidrs: config.unsafePublicCidrs,
    unsafeAllowTargets: config.unsafeAllowTargets,
    ports: [TLS_PORT],
  });

function warnUnsafe(config: EgressConfig, log: Logger): void {
  if (config.unsafeAllowTargets.length > 0) log.warn({ targets: config.unsafeAllowTargets }, 'SEKISHO_UNSAFE_ALLOW_TARGETS is set: never do this in production');
  if (config.unsafePublicCidrs.length > 0) log.warn({ prefixes: config.unsafePublicCidrs }, 'SEKISHO_UNSAFE_PUBLIC_CIDRS is set: never do this in production');
  if (config.mode === 'report') log.warn('SEKISHO_EGRESS_MODE is report: ports, host lists and TLS are logged, not enforced');
}
