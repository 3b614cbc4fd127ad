import { createShutdown, runMain } from '@sekisho/runtime';
import { createApp } from './app.ts';
import { type Config, readConfig } from './config.ts';

const GRACE_MS = 10_000;
const STOP_MS = 5_000;

async function start(config: Config): Promise<void> {
  const app = await createApp(config);
  app.log.warn({ isolation: config.isolation, slots: config.slots }, 'decoders run with rlimits, without a kernel sandbox');
  app.log.info({ ops_port: app.opsPort }, 'ready');
  const shutdown = createShutdown({ log: app.log, graceMs: GRACE_MS });
  shutdown.add('worker', STOP_MS, () => app.stop());
  shutdown.install();
}

await runMain(() => readConfig(process.env), start);
