// `npm run up` as a user starts it, as a child process.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { randomPorts, randomServicePorts } from '../scripts/local-stack/stack.ts';
import { descendantsOf } from './processes.ts';

const UP_MS = 60_000;
const root = dirname(import.meta.dirname);

export interface UpProcess {
  readonly child: ChildProcess;
  readonly lines: readonly string[];
  /** Resolves with the first line that matches; rejects when the process ends without it. */
  line(pattern: RegExp): Promise<string>;
  /** Resolves with the exit status. */
  readonly ended: Promise<number | null>;
}

/** Variables with ports nobody listens on. */
export async function upEnvironment(): Promise<Record<string, string>> {
  const [ports, egress, filter] = await Promise.all([randomPorts(1), randomServicePorts(), randomServicePorts()]);
  return {
    SEKISHO_GATEWAY_PORT: String(ports.gateways[0]), SEKISHO_GATEWAY_OPS_PORT: String(ports.gatewayOps[0]), SEKISHO_FETCHER_PORT: String(ports.fetcher),
    SEKISHO_FETCHER_OPS_PORT: String(ports.fetcherOps), SEKISHO_IMAGE_WORKER_OPS_PORT: String(ports.workerOps),
    SEKISHO_EGRESS_PORT: String(egress.port), SEKISHO_EGRESS_PROXY_OPS_PORT: String(egress.opsPort),
    SEKISHO_DNS_FILTER_PORT: String(filter.port), SEKISHO_DNS_FILTER_OPS_PORT: String(filter.opsPort),
  };
}

export function startUp(env: Readonly<Record<string, string>>, args: readonly string[] = []): UpProcess {
  const child = spawn('/bin/sh', ['scripts/run.sh', 'scripts/up.ts', ...args], {
    cwd: root, stdio: ['ignore', 'pipe', 'pipe'], detached: true,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', ...env },
  });
  const lines: string[] = [];
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', (line) => void lines.push(line));
  const line = async (pattern: RegExp): Promise<string> => {
    const until = performance.now() + UP_MS;
    while (performance.now() < until) {
      const found = lines.find((each) => pattern.test(each));
      if (found !== undefined) return found;
      if (child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`no line like ${pattern}:\n${lines.slice(-30).join('\n')}`);
  };
  return { child, lines, line, ended };
}

/** For the end of a test that did not get as far as a clean end. */
export function killUp({ child }: UpProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  for (const pid of [child.pid, ...descendantsOf(child.pid)]) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // gone
    }
  }
}

export interface Complaint {
  readonly status: number | null;
  readonly lines: readonly string[];
}

/** What a user reads when it does not start: all lines but those of the set-up. */
export async function complaint(up: UpProcess): Promise<Complaint> {
  const status = await up.ended;
  await delay(100);
  return { status, lines: up.lines.filter((line) => !line.startsWith('sekisho set-up:')) };
}
