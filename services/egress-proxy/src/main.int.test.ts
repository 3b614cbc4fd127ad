// The process itself: starts, serves, stops in order.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { freePort, startProgram } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';

const env = (port: number, opsPort: number): Record<string, string> => ({
  PATH: '', SEKISHO_PUBLIC_URL: 'https://misskey.origin.example', SEKISHO_LISTEN_HOST: '127.0.0.1', SEKISHO_OPS_HOST: '127.0.0.1', SEKISHO_EGRESS_PORT: String(port), SEKISHO_OPS_PORT: String(opsPort),
  SEKISHO_SHUTDOWN_DELAY_MS: '0', SEKISHO_SHUTDOWN_DRAIN_MS: '500', SEKISHO_UNSAFE_ALLOW_TARGETS: '127.0.0.1:1234', SEKISHO_EGRESS_MODE: 'report',
});
const start = (variables: Record<string, string>, ...args: string[]) => startProgram(join(import.meta.dirname, 'main.ts'), variables, args);

describe('main', () => {
  it('is ready, warns of what is unsafe, answers, and stops on SIGTERM with a client waiting', async () => {
    const [port, opsPort] = [await freePort(), await freePort()];
    const program = start(env(port, opsPort));
    const ready = async (): Promise<unknown> => await fetch(`http://127.0.0.1:${opsPort}/readyz`).then(async (answer) => await answer.json(), () => undefined);
    await until(async () => (await ready()) !== undefined, 20_000);
    expect(await ready()).toMatchObject({ ready: true, tunnels: 0, mode: 'report' });
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(405);
    const waiting = connect({ port, host: '127.0.0.1' }).on('error', () => undefined);
    await once(waiting, 'connect');
    const startMs = performance.now();
    program.child.kill('SIGTERM');
    expect(await program.ended).toEqual([0, null]);
    expect(performance.now() - startMs).toBeLessThan(3_000);
    for (const text of ['SEKISHO_UNSAFE_ALLOW_TARGETS is set', 'SEKISHO_EGRESS_MODE is report', 'SEKISHO_EGRESS_METHOD', 'shutdown done']) expect(program.text).toContain(text);
    waiting.destroy();
  }, 40_000);

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
    const bad = start({ ...env(0, 0), SEKISHO_EGRESS_MODE: 'x' }, '--check-config');
    expect(await bad.ended).toEqual([1, null]);
    expect(bad.text).toContain('SEKISHO_EGRESS_MODE');
  }, 30_000);
});
