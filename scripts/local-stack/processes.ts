// Processes of the local stack. Each gets a group of its own, so that Ctrl-C reaches us first and nothing that a service
// starts (decoders) can outlive it.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

const STOP_MS = 3_500;
const READY_POLL_MS = 100;
const READY_MS = 60_000;

/** A start that failed, in one sentence. */
export class StackProblem extends Error {
  /** Whose lines tell more. */
  readonly service: string | undefined;

  constructor(message: string, service?: string) {
    super(message);
    this.service = service;
  }
}

export interface ProcessSpec {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Yields to the others of the stack, as CPU requests make it do in a cluster. */
  readonly yields?: boolean;
}

export interface Processes {
  start(spec: ProcessSpec): ChildProcess;
  /** Waits for /readyz of an ops port; rejects when the process ends first. */
  waitReady(child: ChildProcess, name: string, opsPort: number): Promise<void>;
  /** SIGTERM to all in reverse order, SIGKILL to what is left after 3.5 s. */
  stop(): Promise<void>;
  /** Resolves with the name of the first process that ends by itself. */
  readonly firstExit: Promise<string>;
}

export function createProcesses(print: (line: string) => void): Processes {
  const running: { readonly name: string; readonly child: ChildProcess }[] = [];
  const first = Promise.withResolvers<string>();
  let stopping = false;
  const start = (spec: ProcessSpec): ChildProcess => {
    const [program = '', ...args] = spec.command;
    const child = spawn(program, args, { cwd: spec.cwd, env: { ...spec.env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => print(`[${spec.name}] ${line}`));
    }
    child.once('error', (error) => print(`[${spec.name}] ${error.message}`));
    child.once('exit', (code, signal) => {
      if (stopping) return;
      print(`[${spec.name}] ended (${signal ?? `status ${code}`})`);
      first.resolve(spec.name);
    });
    if (spec.yields === true) yieldToOthers(child);
    running.push({ name: spec.name, child });
    return child;
  };
  const stop = async (): Promise<void> => {
    stopping = true;
    await Promise.all(running.toReversed().map(async ({ child }) => await stopGroup(child)));
  };
  return { start, waitReady, stop, firstExit: first.promise };
}

async function waitReady(child: ChildProcess, name: string, opsPort: number): Promise<void> {
  const until = Date.now() + READY_MS;
  while (Date.now() < until) {
    if (child.exitCode !== null || child.signalCode !== null) throw new StackProblem(`${name} did not start; see its lines above`, name);
    const answer = await fetch(`http://127.0.0.1:${opsPort}/readyz`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.status === 200) return;
    await delay(READY_POLL_MS);
  }
  throw new StackProblem(`${name} was not ready within ${READY_MS / 1000} s`, name);
}

/**
 * Each session is a scheduling group of its own where the kernel groups automatically, and `nice` counts inside it only:
 * without this the decoders, nice as they are, would share the cores evenly with the gateway.
 */
function yieldToOthers(child: ChildProcess): void {
  try {
    writeFileSync(`/proc/${child.pid ?? 0}/autogroup`, '10');
  } catch {
    // No automatic groups: then nice alone does it.
  }
}

async function stopGroup(child: ChildProcess): Promise<void> {
  const ended = child.exitCode !== null || child.signalCode !== null;
  if (!ended) {
    const exit = once(child, 'exit');
    signalGroup(child, 'SIGTERM');
    await Promise.race([exit, delay(STOP_MS, undefined, { ref: false })]);
  }
  signalGroup(child, 'SIGKILL');
}

/** The whole group: also what the process left behind. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone already.
  }
}
