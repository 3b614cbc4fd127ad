// Composition root: Unbound with its policy, and what looks after both, from a finished configuration.

import { type Clock, createLogger, type Followed, fixedValue, type Logger, type OpsServer, startOps, systemClock } from '@sekisho/runtime';
import { childStarter, configProblem } from './child/process.ts';
import { findPrograms, type Programs } from './child/programs.ts';
import { answersItself } from './child/ready.ts';
import { createSupervisor, type Supervisor, type SupervisorTimes } from './child/supervisor.ts';
import { endPredecessor } from './child/take-over.ts';
import type { DnsFilterConfig } from './config.ts';
import { sendCommand } from './control/client.ts';
import { parseStats } from './control/stats.ts';
import { logForwarder } from './log/forward.ts';
import { createDnsFilterMetrics, type DnsFilterMetrics } from './metrics.ts';
import { followDenyFile } from './policy/deny-file.ts';
import { createPolicyKeeper, type PolicyKeeper } from './policy/keeper.ts';
import { type FileSettings, type FilterFiles, prepareFiles } from './render/files.ts';

export interface AppDeps {
  readonly clock?: Clock;
  readonly log?: Logger;
  readonly metrics?: DnsFilterMetrics;
  /** Called when Unbound fell too often. */
  readonly onGiveUp?: () => void;
  /** Tests shorten the times and the limits, and bring programs of their own. */
  readonly times?: Partial<SupervisorTimes>;
  readonly pollMs?: number;
  readonly programs?: Programs;
  readonly limits?: Pick<FileSettings, 'clientQueriesPerSecondMax'>;
}

export interface App {
  readonly opsPort: number;
  readonly log: Logger;
  readonly metrics: DnsFilterMetrics;
  readonly isUp: boolean;
  readonly files: FilterFiles;
  /** Reads Unbound's numbers now. */
  readStats(): Promise<boolean>;
  /** Ends Unbound and everything else. */
  close(): Promise<void>;
}

/** Starts Unbound, then the ops port. @throws Error with the reason when either does not get there. */
export async function createApp(config: DnsFilterConfig, deps: AppDeps = {}): Promise<App> {
  const log = deps.log ?? createLogger({ service: 'dns-filter', level: config.logLevel });
  const metrics = deps.metrics ?? createDnsFilterMetrics();
  const programs = deps.programs ?? findPrograms(config.programPath);
  if (config.unsafePublicCidrs.length > 0) log.warn({ prefixes: config.unsafePublicCidrs }, 'SEKISHO_UNSAFE_PUBLIC_CIDRS is set: never do this in production');
  const files = prepareFiles(config.folder, { listen: config.listen, upstreams: config.upstreams, ...deps.limits });
  const keeper = createPolicyKeeper({
    files,
    fixed: { nat64Prefixes: config.nat64Prefixes, unsafePublicCidrs: config.unsafePublicCidrs },
    problemOf: (confFile) => configProblem(programs, confFile),
  });
  const parts: Parts = { config, deps, log, metrics, programs, files, keeper };
  const supervisor = supervise(parts);
  metrics.watch(() => ({ up: supervisor.isUp, addressRules: keeper.addressRules }));
  const denied = await followFile(parts);
  try {
    await keeper.set([...config.denyCidrs, ...denied.value]);
    await endPredecessor(files.controlSocket);
    await supervisor.start();
    return await startApp(parts, denied, supervisor);
  } catch (error) {
    denied.close();
    throw error;
  }
}

interface Parts {
  readonly config: DnsFilterConfig;
  readonly deps: AppDeps;
  readonly log: Logger;
  readonly metrics: DnsFilterMetrics;
  readonly programs: Programs;
  readonly files: FilterFiles;
  readonly keeper: PolicyKeeper;
}

async function startApp(parts: Parts, denied: Followed<readonly string[]>, supervisor: Supervisor): Promise<App> {
  const { config, log, metrics, files } = parts;
  const closeAll = async (ops?: OpsServer): Promise<void> => {
    denied.close();
    await supervisor.stop();
    await ops?.close();
  };
  const readiness = () => ({ ready: supervisor.isUp, details: { unbound: supervisor.isUp ? 'up' : 'down' } });
  const ops = await startOps({ host: config.opsHost, port: config.opsPort, metrics: metrics.registry, readiness }).catch(async (error: unknown) => {
    await closeAll();
    throw error;
  });
  return {
    opsPort: ops.port,
    log,
    metrics,
    files,
    get isUp() {
      return supervisor.isUp;
    },
    readStats: () => readStats(parts),
    close: () => closeAll(ops),
  };
}

function supervise({ config, deps, log, metrics, programs, files, keeper }: Parts): Supervisor {
  const clock = deps.clock ?? systemClock;
  return createSupervisor({
    start: childStarter(programs, files.confFile),
    isReady: async () => {
      if (!(await answersItself(config.listen)) || !(await keeper.ensureLoaded())) return false;
      files.closeSocket();
      return await readStats({ files, metrics });
    },
    look: async () => (await keeper.ensureLoaded()) && (await readStats({ files, metrics })),
    onLine: logForwarder({ log, clock, onDropped: metrics.droppedLine }),
    onRestart: metrics.restart,
    onGiveUp: deps.onGiveUp ?? (() => undefined),
    log,
    clock,
    ...(deps.times === undefined ? {} : { times: deps.times }),
  });
}

async function readStats({ files, metrics }: Pick<Parts, 'files' | 'metrics'>): Promise<boolean> {
  const stats = parseStats(await sendCommand(files.controlSocket, 'stats_noreset').catch(() => ''));
  if (stats.size > 0) metrics.stats(stats);
  else metrics.statsFailed();
  return stats.size > 0;
}

async function followFile({ config, deps, log, metrics, keeper }: Parts): Promise<Followed<readonly string[]>> {
  if (config.denyCidrsFile === undefined) return fixedValue([]);
  return await followDenyFile({
    path: config.denyCidrsFile,
    log,
    onReload: metrics.reload,
    onChange: async (cidrs) => {
      await keeper.set([...config.denyCidrs, ...cidrs]);
      await keeper.ensureLoaded();
    },
    pollMs: deps.pollMs,
  });
}
