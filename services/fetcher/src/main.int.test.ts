// The process itself: starts, serves, stops in order.

import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { freePort, startProgram } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-main-'));
writeFileSync(join(folder, 'token'), 'a'.repeat(32));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const env = (port: number, opsPort: number): Record<string, string> => ({
  PATH: '', SEKISHO_PUBLIC_URL: 'https://misskey.origin.example', SEKISHO_REDIS_URL: 'redis://127.0.0.1:1', SEKISHO_INTERNAL_TOKEN_FILE: join(folder, 'token'),
  SEKISHO_LISTEN_HOST: '127.0.0.1', SEKISHO_OPS_HOST: '127.0.0.1', SEKISHO_FETCHER_PORT: String(port), SEKISHO_OPS_PORT: String(opsPort),
  SEKISHO_SHUTDOWN_DELAY_MS: '0', SEKISHO_SHUTDOWN_DRAIN_MS: '1000', SEKISHO_UNSAFE_ALLOW_TARGETS: '127.0.0.1:1234',
});
const start = (variables: Record<string, string>, ...args: string[]) => startProgram(join(import.meta.dirname, 'main.ts'), variables, args);

describe('main', () => {
  it('is ready without Redis, warns of what is unsafe, and stops on SIGTERM', async () => {
    const [port, opsPort] = [await freePort(), await freePort()];
    const program = start(env(port, opsPort));
    let ready: unknown;
    await until(async () => {
      ready = await fetch(`http://127.0.0.1:${opsPort}/readyz`).then(async (answer) => await answer.json(), () => undefined);
      return ready !== undefined;
    }, 15_000);
    expect(ready).toMatchObject({ ready: true, workRedis: 'down' });
    expect((await fetch(`http://127.0.0.1:${port}/v1/fetch`)).status).toBe(403);
    program.child.kill('SIGTERM');
    expect(await program.ended).toEqual([0, null]);
    expect(program.text).toContain('SEKISHO_UNSAFE_ALLOW_TARGETS is set');
    expect(program.text).toContain('shutdown done');
  }, 30_000);

  it('tells a taken port in one sentence', async () => {
    const port = await freePort();
    const holder = createServer().listen(port, '127.0.0.1');
    await once(holder, 'listening');
    const program = start(env(port, await freePort()));
    expect(await program.ended).toEqual([1, null]);
    expect(program.text).toContain(`port ${port} is already in use`);
    holder.close();
  }, 30_000);

  it('checks the configuration', async () => {
    const good = start(env(0, 0), '--check-config');
    expect(await good.ended).toEqual([0, null]);
    const bad = start({ ...env(0, 0), SEKISHO_FETCH_PLAIN_HTTP: 'x' }, '--check-config');
    expect(await bad.ended).toEqual([1, null]);
    expect(bad.text).toContain('SEKISHO_FETCH_PLAIN_HTTP');
  }, 30_000);
});
