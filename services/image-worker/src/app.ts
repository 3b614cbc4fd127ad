// Composition root: queue -> decoders -> replies, with the ops port beside them.

import { systemClock, createLogger, createMetrics, inTime, startOps, type Clock, type Logger } from '@sekisho/runtime';
import type { Config } from './config.ts';
import { createConnections } from './job/connections.ts';
import { createExchange } from './job/exchange.ts';
import { type JobEnd, processJob } from './job/process-job.ts';
import { type Consumer, startConsumer } from './job/queue.ts';
import { type WorkerMetrics, createWorkerMetrics } from './metrics.ts';
import { DecoderPool } from './pool/pool.ts';
import { decideSandbox } from './sandbox/decide.ts';
import type { Facts } from './sandbox/facts.ts';
import { SANDBOX_LAYERS } from './sandbox/layers.ts';
import type { Lack, Sandbox } from './sandbox/plan.ts';
import { type SpawnDecoder, createSpawn } from './sandbox/spawn.ts';

const SERVICE = 'image-worker';
const CLOSE_MS = 500;

export interface AppDeps {
  readonly log?: Logger;
  readonly spawn?: (sandbox: Sandbox) => SpawnDecoder;
  readonly clock?: Clock;
  /** Of another machine. */
  readonly facts?: Facts;
}

export interface App {
  readonly log: Logger;
  readonly opsPort: number;
  readonly pool: DecoderPool;
  /** Configuration valid, ops port open, decoders loaded, not stopping. */
  readonly ready: boolean;
  /** Takes no further job; resolves soon after `shutdownDrainMs` at the latest, with every decoder gone. */
  stop(): Promise<void>;
}

/** Starts the worker; resolves when its decoders are loaded. Redis may be away: jobs begin when it is there. */
export async function createApp(config: Config, deps: AppDeps = {}): Promise<App> {
  const { log = createLogger({ service: SERVICE, level: config.logLevel }), clock = systemClock } = deps;
  // First of all: a worker without the sandbox that was asked for must not even connect.
  const { sandbox, lacks } = decideSandbox(config.sandbox, deps.facts);
  tellSandbox(log, sandbox, lacks);
  const registry = createMetrics(SERVICE);
  const metrics = createWorkerMetrics(registry);
  let state: 'starting' | 'ready' | 'stopping' = 'starting';
  const connections = createConnections(config.redisUrl, (error) => log.debug({ err: error }, 'connection error'));
  const pool = createPool(config, (deps.spawn ?? fromSandbox)(sandbox), { log, metrics });
  for (const layer of SANDBOX_LAYERS) metrics.sandboxLayer.set(sandbox.layers[layer] ? 1 : 0, { layer });
  registry.beforeScrape(() => scrape(metrics, pool, connections.up));
  const ops = await startOps({
    ...config.ops,
    metrics: registry,
    readiness: () => ({ ready: state === 'ready' && pool.healthy, details: { state, work_redis: connections.up ? 'up' : 'down', decoders: pool.stats, sandbox: sandbox.layers } }),
  }).catch(async (error: unknown) => {
    connections.close();
    await pool.close();
    throw error;
  });
  if (!(await pool.warm())) log.error({}, 'decoders do not start');
  const exchange = createExchange(connections);
  const consumer = startConsumer({
    connection: connections.queue,
    slots: config.slots,
    onError: (error) => log.warn({ err: error }, 'queue error'),
    process: async (data, orderedAtMs) => {
      const startedAtMs = clock.monotonicMs();
      const end = await processJob({ exchange, decoders: pool }, data, orderedAtMs).catch((error: unknown) => away(log, error));
      report(end, clock.monotonicMs() - startedAtMs, { log, metrics });
    },
  });
  state = 'ready';
  return {
    log,
    opsPort: ops.port,
    pool,
    get ready() {
      return state === 'ready' && pool.healthy;
    },
    stop: async () => {
      state = 'stopping';
      await drain(consumer, pool, config.shutdownDrainMs);
      connections.close();
      await ops.close();
    },
  };
}

const fromSandbox = (sandbox: Sandbox): SpawnDecoder => createSpawn({ sandbox });

function tellSandbox(log: Logger, { mode, layers }: Sandbox, lacks: readonly Lack[]): void {
  const serious = lacks.some(({ required }) => required);
  const facts = { mode, layers, missing: lacks.flatMap((lack) => lack.layers), why: lacks.map(({ why }) => why) };
  if (serious) log.warn(facts, 'decoders run without layers of the sandbox: a decoder that is taken over reaches more than it should');
  else log.info(facts, 'sandbox');
}

interface Reporting {
  readonly log: Logger;
  readonly metrics: WorkerMetrics;
}

function createPool(config: Config, spawn: SpawnDecoder, { log, metrics }: Reporting): DecoderPool {
  return new DecoderPool({
    slots: config.slots,
    isolation: config.isolation,
    spawn,
    hooks: {
      spawned: (of) => metrics.spawns.inc({ class: of }),
      killed: (reason) => metrics.kills.inc({ reason }),
      rejected: (violation) => {
        metrics.rejectedReplies.inc({ violation });
        log.error({ violation }, 'decoder broke its protocol');
      },
      exposed: (missing) => log.error({ missing }, 'decoder runs without layers of the sandbox'),
      died: (stderr) => log.warn({ stderr: stderr.slice(0, 1_000) }, 'decoder died'),
    },
  });
}

function scrape(metrics: WorkerMetrics, pool: DecoderPool, up: boolean): void {
  const { blank, bound, busy } = pool.stats;
  metrics.children.set(blank, { state: 'blank' });
  metrics.children.set(bound, { state: 'bound' });
  metrics.children.set(busy, { state: 'busy' });
  metrics.dependencyUp.set(up ? 1 : 0, { dependency: 'work_redis' });
}

/** Redis did not take or give something. Nobody can be told; the gateway meets its deadline or finds the reply missing. */
function away(log: Logger, error: unknown): JobEnd {
  log.warn({ err: error }, 'job lost its redis');
  return { code: 'SEKISHO_REDIS_AWAY', cpuMs: 0, waitMs: 0, sourceBytes: 0, resultBytes: 0 };
}

/** The canonical line of a job. */
function report(end: JobEnd, durationMs: number, { log, metrics }: Reporting): void {
  metrics.jobs.inc({ code: end.code });
  if (end.job !== undefined) {
    metrics.queueWait.observe(end.waitMs / 1_000);
    metrics.decodeCpu.observe(end.cpuMs / 1_000, { class: end.job.class });
  }
  log.info(
    {
      job_id: end.job?.jobId,
      code: end.code,
      class: end.job?.class,
      mode: end.job?.mode,
      detail: end.detail,
      source_bytes: end.sourceBytes,
      result_bytes: end.resultBytes,
      cpu_ms: end.cpuMs,
      wait_ms: end.waitMs,
      duration_ms: Math.round(durationMs),
    },
    'job',
  );
}

/** Running pictures may end by themselves for this long, then their decoders are killed. */
async function drain(consumer: Consumer, pool: DecoderPool, drainMs: number): Promise<void> {
  const closed = consumer.close().catch(() => undefined);
  await inTime(closed, drainMs, () => undefined);
  await pool.close();
  await inTime(closed, CLOSE_MS, () => undefined);
}
