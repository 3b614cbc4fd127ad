// Composition root of the gateway: connections, limits, media path and the way to Misskey, and their end in order.

import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { loopIdentity } from '@sekisho/netguard';
import { type CounterMetric, type Logger, type Metrics, type Readiness, type Reloaded, systemClock } from '@sekisho/runtime';
import { ResultCache } from './cache/result-cache.ts';
import { type BlockedHosts, NO_BLOCKED_HOSTS, blockedHostsFile, openBlockedHosts } from './client/blocked-hosts.ts';
import type { Identify } from './client/identity.ts';
import { type TrustedProxies, followIdentify, openTrustedProxies, trustedProxiesFile } from './client/trusted-proxies.ts';
import type { GatewayConfig } from './config.ts';
import { type FetchClient, createFetchClient } from './fetching/client.ts';
import { createFetchDocument } from './fetching/document.ts';
import { createHostShares } from './fetching/host-shares.ts';
import { createFlights } from './flight/flights.ts';
import { createWorkConnections } from './jobs/connections.ts';
import { type ImageJobsHooks, createImageJobs } from './jobs/image-jobs.ts';
import { createImageQueue } from './jobs/queue.ts';
import { type Inbox, openInbox } from './inbox/create-inbox.ts';
import { type FollowedLimits, openLimits } from './limits-file/limits-file.ts';
import type { BudgetHooks } from './limits/budget.ts';
import { type Limits, createLimits } from './limits/create-limits.ts';
import { createLines } from './line/lines.ts';
import { createMediaHandler } from './media/handler.ts';
import { cacheKey } from './media/key.ts';
import { createKeyMemo } from './media/key-memo.ts';
import { createOwnFileCheck, createRequestRules } from './media/request-own.ts';
import { createMediaPolicy } from './media/policy.ts';
import { createStorageCheck } from './media/origin-mode.ts';
import { createStreamMedia } from './media/stream-media.ts';
import { createMediaSource, createRemoteSource } from './media/source.ts';
import type { MediaOutcome } from './media/types.ts';
import { type GatewayMetrics, createGatewayMetrics } from './metrics.ts';
import { createExpressApp } from './server/express-app.ts';
import { type GatewayServer, createGatewayServer } from './server/server.ts';
import { type Health, createHealth } from './health.ts';
import { createPages } from './pages/pages.ts';
import { createPassthrough } from './passthrough/passthrough.ts';
import { createSelfFiles } from './self-files/self-files.ts';
import { listenForPurges } from './purge/listener.ts';
import { type StateConnections, createStateConnections } from './redis/state-connections.ts';
import { createDescriptions } from './stream/descriptions.ts';
import { createStreams } from './stream/streams.ts';

export interface GatewayApp {
  readonly port: number;
  readiness(): Readiness;
  /** Called before each scrape. */
  collect(): void;
  /** Unready; load balancers take us out, kept connections end with their next answer. */
  leave(): void;
  /** Closes in order: listener and answers, then limits, then connections. */
  close(): Promise<void>;
}

export interface GatewayDeps {
  readonly log: Logger;
  /** For canonical lines. */
  readonly journal: Logger;
  readonly metrics: Metrics;
}

export async function startGateway(config: GatewayConfig, deps: GatewayDeps): Promise<GatewayApp> {
  const metrics = createGatewayMetrics(deps.metrics);
  const { log, journal } = deps;
  const instruments = { log, journal, metrics };
  const parts = await createParts(config, instruments);
  const server = createListener(config, parts, instruments);
  const port = await server.listen(config.port, config.host).catch(async (error: unknown) => {
    await closeParts(parts);
    throw error;
  });
  return {
    port,
    readiness: () => ({
      ready: !server.leaving,
      details: {
        state_redis: upOrDown(parts.state.ready), work_redis: upOrDown(parts.work.ready), fetcher: upOrDown(parts.health.isUp('fetcher')),
        misskey: upOrDown(parts.health.isUp('misskey')), connections: server.connections,
        ...(parts.inbox.queueReady === undefined ? {} : { misskey_queue: upOrDown(parts.inbox.queueReady) }),
      },
    }),
    collect: () => collect(parts, metrics),
    leave: () => server.leave(),
    close: async () => {
      parts.lines.close();
      await server.close();
      await closeParts(parts);
    },
  };
}

type Parts = Awaited<ReturnType<typeof createParts>>;
interface Instruments {
  readonly log: Logger;
  readonly journal: Logger;
  readonly metrics: GatewayMetrics;
}

async function createParts(config: GatewayConfig, instruments: Instruments) {
  const { log, metrics } = instruments;
  const onError = (error: Error): void => log.debug({ err: error }, 'redis connection');
  const blocked = await openBlocked(config, instruments);
  const settings = await openSettings(config, instruments);
  const proxies = await openProxies(config, instruments);
  const state = createStateConnections(config.redisUrl, onError);
  const work = createWorkConnections(config.workRedisUrl, onError);
  const limits = createLimits({ redis: state.limiter, shape: () => settings.value.budget, hooks: costHooks(metrics) });
  const cache = new ResultCache({
    redis: state.cache,
    secret: config.cacheKey,
    memoryBytes: config.cacheMemoryBytes,
    redisBytes: config.cacheRedisBytes,
    count: (event, by) => metrics.cacheEvents.inc({ event }, by ?? 1),
  });
  const fetcher = createFetchClient({ url: config.fetcherUrl.origin, token: config.internalToken });
  const lines = createLines({
    slots: config.imageSlots,
    settings: () => settings.value.line,
    hooks: {
      waiting: (entries) => metrics.linesWaiting.set(entries),
      running: (entries) => metrics.linesRunning.set(entries),
      waited: (seconds) => metrics.lineWait.observe(seconds),
    },
  });
  const jobs = createImageJobs({
    ...work,
    queue: createImageQueue(work.queue),
    gatewayId: randomBytes(16).toString('base64url'),
    slots: config.imageSlots,
    bytesMax: config.workBytesMax,
    hooks: jobHooks(instruments),
  });
  const flights = createFlights<MediaOutcome>({ redis: state.flights, subscriber: state.flightSubscriber });
  const passthrough = createPassthrough({ url: config.misskeyUrl.origin, publicUrl: config.publicUrl.href });
  const descriptions = createDescriptions({ clock: systemClock, store: state.cache });
  const streams = createStreams({ descriptions });
  // Descriptions are few and cheap to learn again: any purge empties them.
  const forget = { dropListed: () => descriptions.clear(), flushLocal: () => descriptions.clear() };
  const purges = listenForPurges(state.purgeSubscriber, [cache, forget]);
  const identity = loopIdentity(config.publicUrl.hostname, config.ownHosts);
  const rules = createRequestRules({
    publicUrl: config.publicUrl, ownHosts: config.ownHosts, fileOrigins: config.selfOrigins.keys(), plainHttp: config.plainHttp, identity,
  });
  const selfFiles = createSelfFiles({ origins: config.selfOrigins, rules, storeSource: async (id, bytes) => await jobs.storeSource(id, bytes) });
  const health = createHealth();
  const identify = createIdentifier(proxies, instruments);
  const inbox = await openInboxOf(config, instruments, { state, fetcher, limits, health, identify });
  return {
    blocked, settings, proxies, health, state, work, limits, cache, fetcher, lines, jobs, flights, passthrough, purges, streams, identity, rules, selfFiles,
    identify, inbox,
  };
}

const createIdentifier = (proxies: TrustedProxies, { log, metrics }: Instruments): Identify =>
  followIdentify(proxies, {
    onUntrusted: () => metrics.forwardedUntrusted.inc(),
    warn: (peer) => log.warn({ peer }, 'X-Forwarded-For from a peer outside SEKISHO_TRUSTED_PROXIES'),
  });

interface InboxNeeds {
  readonly state: StateConnections;
  readonly fetcher: FetchClient;
  readonly limits: Limits;
  readonly health: Health;
  readonly identify: Identify;
}

const openInboxOf = async (config: GatewayConfig, { log, journal, metrics }: Instruments, { state, fetcher, limits, health, identify }: InboxNeeds): Promise<Inbox> =>
  await openInbox({
    config: config.inbox, publicUrl: config.publicUrl, ownHosts: config.ownHosts, misskeyOrigin: config.misskeyUrl.origin,
    redis: { marks: state.marks, small: state.limiter, large: state.cache }, budget: limits.budget, identify, fetchDocument: createFetchDocument(fetcher),
    metrics: metrics.inbox, log, journal, clock: systemClock, onMisskey: (up) => health.note('misskey', up),
  });

const jobHooks = ({ log, metrics }: Instruments): ImageJobsHooks => ({
  ended: (seconds, code) => {
    metrics.jobs.inc({ code });
    metrics.jobSeconds.observe(seconds);
  },
  lie: (detail) => {
    metrics.workerLies.inc();
    log.error({ detail }, 'worker lied');
  },
});

const costHooks = (metrics: GatewayMetrics): BudgetHooks => ({
  charged: (area, ms) => metrics.costCharged.inc({ area }, ms),
  refunded: (area, ms) => metrics.costRefunded.inc({ area }, ms),
  debited: (area, ms) => metrics.costDebited.inc({ area }, ms),
  denied: () => undefined,
});

/** A followed file's reload is counted, and said aloud when the old content stays. */
const hearReload = (counter: CounterMetric<{ readonly result: readonly ['ok', 'failed'] }>, log: Logger, refused: string) => <Value>(reload: Reloaded<Value>): void => {
  counter.inc({ result: reload.ok ? 'ok' : 'failed' });
  if (!reload.ok) log.error({ detail: reload.detail }, refused);
};

async function openBlocked(config: GatewayConfig, { log, metrics }: Instruments): Promise<BlockedHosts> {
  if (config.blockedHostsFile === undefined) return NO_BLOCKED_HOSTS;
  return await openBlockedHosts({
    source: blockedHostsFile(config.blockedHostsFile),
    onReload: hearReload(metrics.blockedHostsReloads, log, 'blocked hosts file refused, the old list stays'),
  });
}

async function openSettings(config: GatewayConfig, { log, metrics }: Instruments): Promise<FollowedLimits> {
  const hear = hearReload(metrics.limitsFileReloads, log, 'limits file refused, the old limits stay');
  return await openLimits(config.limitsFile, (reload) => {
    hear(reload);
    if (reload.ok) log.info({ limits: reload.value }, 'limits file applied');
  });
}

async function openProxies(config: GatewayConfig, { log, metrics }: Instruments): Promise<TrustedProxies> {
  const file = config.trustedProxiesFile;
  return await openTrustedProxies({
    fixed: config.trustedProxies,
    source: file === undefined ? undefined : trustedProxiesFile(file),
    onReload: hearReload(metrics.trustedProxiesReloads, log, 'trusted proxies file refused, the old list stays'),
  });
}

async function closeParts(parts: Parts): Promise<void> {
  parts.blocked.close();
  parts.settings.close();
  parts.proxies.close();
  parts.purges.close();
  parts.flights.close();
  await parts.inbox.close();
  await parts.passthrough.close();
  await parts.fetcher.close();
  await parts.selfFiles.close();
  await parts.jobs.close();
  await parts.limits.close();
  parts.state.close();
  parts.work.close();
}

function collect(parts: Parts, metrics: GatewayMetrics): void {
  metrics.cacheBytes.set(parts.cache.stats.bytes);
  metrics.cacheEntries.set(parts.cache.stats.entries);
  metrics.websockets.set(parts.passthrough.tunnels);
  metrics.inbox.active.set(parts.inbox.active);
  metrics.dependencyUp.set(parts.state.ready ? 1 : 0, { dependency: 'state_redis' });
  metrics.dependencyUp.set(parts.work.ready ? 1 : 0, { dependency: 'work_redis' });
  metrics.dependencyUp.set(parts.health.isUp('fetcher') ? 1 : 0, { dependency: 'fetcher' });
  metrics.dependencyUp.set(parts.health.isUp('misskey') ? 1 : 0, { dependency: 'misskey' });
  const { queueReady } = parts.inbox;
  if (queueReady !== undefined) metrics.dependencyUp.set(queueReady ? 1 : 0, { dependency: 'misskey_queue' });
}

const upOrDown = (up: boolean): 'up' | 'down' => (up ? 'up' : 'down');

function createListener(config: GatewayConfig, parts: Parts, instruments: Instruments): GatewayServer {
  const { journal, metrics } = instruments;
  const { identify, inbox } = parts;
  const media = createMedia(config, parts, { ...instruments, identify });
  const pages = createPages({
    passthrough: parts.passthrough,
    budget: parts.limits.budget,
    identify,
    metrics,
    journal,
    clock: systemClock,
    onMisskey: (up) => parts.health.note('misskey', up),
  });
  const app = createExpressApp(pages.handle);
  return createGatewayServer({
    hot: (req, res) => media(req, res) || inbox.handle(req, res),
    app,
    upgrade: pages.upgrade,
    closeTunnels: async (spreadMs) => await parts.passthrough.closeTunnels(spreadMs),
    limits: { drainMs: config.shutdownDrainMs },
  });
}

interface MediaInstruments extends Instruments {
  readonly identify: Identify;
}

function createMedia(config: GatewayConfig, parts: Parts, { log, journal, metrics, identify }: MediaInstruments): (req: IncomingMessage, res: ServerResponse) => boolean {
  const { identity, rules } = parts;
  const ownFile = createOwnFileCheck(config.selfOrigins.keys());
  const source = createMediaSource(createRemoteSource(parts.health.watch(parts.fetcher), createHostShares()), parts.selfFiles);
  const isBlocked = (host: string): boolean => parts.blocked.value.matches(host);
  const policyOf = createMediaPolicy();
  const isStorage = createStorageCheck(config.storageBases);
  return createMediaHandler({
    source,
    jobs: parts.jobs,
    lines: parts.lines,
    budget: parts.limits.budget,
    isolationKey: config.isolationKey,
    isBlocked,
    clock: systemClock,
    cache: parts.cache,
    flights: parts.flights,
    rules,
    identify,
    access: config.mediaAccess,
    pseudonym: identity.pseudonym,
    limits: () => parts.settings.value,
    keyOf: createKeyMemo(({ mode, url }, { media }) => cacheKey({ policy: policyOf(media), epoch: config.cacheEpoch, mode, url })),
    servesOrigin: (url) => ownFile(new URL(url)) !== undefined || isStorage(url),
    isKnownStream: (key) => parts.streams.isKnown(key),
    stream: createStreamMedia({
      source,
      streams: parts.streams,
      budget: parts.limits.budget,
      isBlocked,
      list: async (key, url) => await parts.cache.list(key, url),
    }),
    metrics,
    log,
    journal,
  });
}
