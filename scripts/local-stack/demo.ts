// The demo beside the stack: a page that stands for Misskey, a stranger's server and a DNS server that knows its names.

import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

const root = dirname(dirname(import.meta.dirname));
const START_MS = 20_000;

export interface Demo {
  readonly child: ChildProcess;
  readonly upstreamPort: number;
  readonly originPort: number;
  readonly dns: string;
}

/** Needs Redis only for the budget it shows, so it starts before the stack and is told the URL over its standard input. */
export async function startDemo(publicUrl: string): Promise<Demo> {
  const child = spawn(process.execPath, [join(root, 'scripts/demo/upstream.ts')], {
    cwd: root, env: { PATH: process.env['PATH'] ?? '', SEKISHO_PUBLIC_URL: publicUrl }, stdio: ['pipe', 'pipe', 'inherit'], detached: true,
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const late = new Promise<never>((_resolve, reject) => {
    setTimeout(() => reject(new Error('the demo did not start in time')), START_MS).unref();
    child.once('exit', () => reject(new Error('the demo ended while starting')));
  });
  late.catch(() => undefined);
  const { value } = await Promise.race([lines.next(), late]);
  const ports = JSON.parse(String(value)) as { originPort: number; upstreamPort: number; dns: string };
  return { child, ...ports };
}

/** What the demo's strangers need: their names, and their ports on loopback treated as public. */
export const demoEnvironment = (demo: Demo): Record<string, string> => ({
  SEKISHO_DNS_SERVERS: demo.dns,
  SEKISHO_UNSAFE_ALLOW_TARGETS: `127.0.0.1:${demo.originPort}`,
});
