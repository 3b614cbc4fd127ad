import { setTimeout as delay } from 'node:timers/promises';
import { createShutdown, runMain } from '@sekisho/runtime';
import { createApp } from './app.ts';
import { readConfig } from './config.ts';

const CLOSE_MS = 2_000;
/** What the steps may take beyond their own time. */
const SLACK_MS = 3_000;

await runMain(
  readConfig,
  async (config) => {
    const app = await createApp(config);
    const { shutdownDelayMs, shutdownDrainMs } = config;
    const graceMs = shutdownDelayMs + shutdownDrainMs + CLOSE_MS + SLACK_MS;
    const shutdown = createShutdown({ log: app.log, graceMs });
    shutdown.add('unready', shutdownDelayMs + 1_000, async () => {
      app.setUnready();
      await delay(shutdownDelayMs);
    });
    shutdown.add('drain', shutdownDrainMs, () => app.drain());
    shutdown.add('close', CLOSE_MS, () => app.close());
    shutdown.install();
    app.log.info({ port: app.port, smtp_port: app.smtpPort, ops_port: app.opsPort, mode: config.mode }, 'egress-proxy is listening');
  },
);
