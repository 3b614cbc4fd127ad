// Start and end of the gateway process.

import { createLoggers, createMetrics, createShutdown, runMain, startOps } from '@sekisho/runtime';
import { setTimeout as delay } from 'node:timers/promises';
import { startGateway } from './app.ts';
import { type GatewayConfig, readGatewayConfig } from './config.ts';

/** Behind all steps; shorter than the pod's grace of 75 s. */
const GRACE_MARGIN_MS = 8_000;

await runMain(readGatewayConfig, start);

async function start(config: GatewayConfig): Promise<void> {
  const { log, journal } = createLoggers({ service: 'gateway', level: config.logLevel });
  const metrics = createMetrics('gateway');
  const app = await startGateway(config, { log, journal, metrics });
  metrics.beforeScrape(() => app.collect());
  const ops = await startOps({ host: config.opsHost, port: config.opsPort, metrics, readiness: () => app.readiness() });
  const graceMs = config.shutdownDelayMs + config.shutdownDrainMs + GRACE_MARGIN_MS;
  const shutdown = createShutdown({ log, graceMs });
  shutdown.add('unready', config.shutdownDelayMs + 1_000, async () => {
    app.leave();
    await delay(config.shutdownDelayMs);
  });
  shutdown.add('app', config.shutdownDrainMs + 5_000, async () => await app.close());
  shutdown.add('ops', 1_000, async () => await ops.close());
  shutdown.install();
  log.info({ port: app.port, ops_port: ops.port, public_url: config.publicUrl.origin }, 'gateway started');
}
