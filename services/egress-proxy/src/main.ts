import { installDraining, runMain } from '@sekisho/runtime';
import { createApp } from './app.ts';
import { readConfig } from './config.ts';

await runMain(
  readConfig,
  async (config) => {
    const app = await createApp(config);
    installDraining(app, config);
    app.log.info({ port: app.port, smtp_port: app.smtpPort, ops_port: app.opsPort, mode: config.mode }, 'egress-proxy is listening');
  },
);
