import { createShutdown, runMain } from '@sekisho/runtime';
import { createApp } from './app.ts';
import { readConfig } from './config.ts';

const GRACE_MS = 75_000;
/** Until every gateway has seen that this one is not ready. */
const UNREADY_MS = 5_000;
const DRAIN_MS = 60_000;

await runMain(
  () => readConfig(process.env),
  async (config) => {
    const app = await createApp(config);
    const shutdown = createShutdown({ log: app.log, graceMs: GRACE_MS });
    shutdown.add('unready', UNREADY_MS + 1_000, async () => {
      app.setUnready();
      // Started by hand there is nobody to tell: Ctrl-C ends everything within 5 s.
      if (process.env['KUBERNETES_SERVICE_HOST'] !== undefined) await new Promise((resolve) => setTimeout(resolve, UNREADY_MS));
    });
    shutdown.add('drain', process.env['KUBERNETES_SERVICE_HOST'] === undefined ? 1_000 : DRAIN_MS, () => app.drain());
    shutdown.add('close', 2_000, () => app.close());
    shutdown.install();
    app.log.info({ port: app.port, ops_port: app.opsPort }, 'fetcher is listening');
  },
);
