import { createShutdown, runMain } from '@sekisho/runtime';
import { createApp } from './app.ts';
import { readConfig } from './config.ts';

/** SIGTERM and SIGKILL to Unbound, and the ops port. */
const CLOSE_MS = 4_000;
const SLACK_MS = 1_000;

await runMain(
  readConfig,
  async (config) => {
    const fallen = Promise.withResolvers<void>();
    const app = await createApp(config, { onGiveUp: fallen.resolve });
    const shutdown = createShutdown({ log: app.log, graceMs: CLOSE_MS + SLACK_MS });
    shutdown.add('close', CLOSE_MS, () => app.close());
    shutdown.install();
    // Whoever started this one decides whether it is worth another try.
    void fallen.promise.then(() => shutdown.run('unbound fell too often')).then(() => process.exit(1));
    app.log.info({ host: config.listen.address, port: config.listen.port, ops_port: app.opsPort }, 'dns-filter is listening');
  },
);
