import { installDraining, runMain } from '@sekisho/runtime';
import { createApp } from './app.ts';
import { readConfig } from './config.ts';

await runMain(
  readConfig,
  async (config) => {
    const app = await createApp(config);
    installDraining(app, config);
    app.log.info({ port: app.port, ops_port: app.opsPort }, 'fetcher is listening');
  },
);
