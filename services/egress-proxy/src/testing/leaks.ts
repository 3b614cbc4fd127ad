// The egress-proxy alone in its process, so that its memory and sockets can be read from outside: run by leaks.int.test.ts.
// Reads a line of JSON with the allowed targets and the resolver, prints its port; each further line gets its figures.

import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { createLogger } from '@sekisho/runtime';
import { createApp } from '../app.ts';
import type { TunnelLimits } from '../tunnel/limits.ts';
import { BASE_CONFIG, FAST } from './config.ts';

const log = createLogger({ service: 'egress-proxy', level: 'error', destination: new Writable({ write: (_chunk, _encoding, done) => done() }) });
const lines = createInterface({ input: process.stdin });

for await (const line of lines) {
  const settings = JSON.parse(line) as { readonly dnsServers: string[]; readonly unsafeAllowTargets: string[]; readonly limits: Partial<TunnelLimits> };
  const { limits, ...config } = settings;
  const app = await createApp({ ...BASE_CONFIG, ...config }, { log, limits: { ...FAST, hostTunnelsMax: 1_024, ...limits } });
  process.stdout.write(`${JSON.stringify({ port: app.port })}\n`);
  for await (const question of lines) {
    if (question === 'stop') {
      await app.close();
      // Sockets that were ending by themselves have a second for their last bytes.
      await new Promise((resolve) => setTimeout(resolve, 1_200));
    }
    globalThis.gc?.();
    const handles = process.getActiveResourcesInfo().filter((name) => /TCP|Timeout/.test(name));
    process.stdout.write(`${JSON.stringify({ rss: process.memoryUsage.rss(), heap: process.memoryUsage().heapUsed, tunnels: app.tunnels, sockets: handles.filter((name) => name !== 'Timeout').length, timers: handles.filter((name) => name === 'Timeout').length })}\n`);
  }
}
