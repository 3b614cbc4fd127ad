import { createShutdown, runMain } from '@sekisho/runtime';
import { createApp } from './app.ts';
import { type Config, readConfig } from './config.ts';

/** Behind the pictures: decoders killed, connections closed. */
const STOP_MS = 2_500;
/** Together with the drain less than 15 s, the shortest grace that the chart takes. */
const SLACK_MS = 1_500;

async function start(config: Config): Promise<void> {
  const app = await createApp(config);
  app.log.info({ ops_port: app.opsPort, isolation: config.isolation, slots: config.slots }, 'ready');
  const shutdown = createShutdown({ log: app.log, graceMs: config.shutdownDrainMs + STOP_MS + SLACK_MS });
  shutdown.add('worker', config.shutdownDrainMs + STOP_MS, () => app.stop());
  shutdown.install();
}

await runMain(readConfig, start);
