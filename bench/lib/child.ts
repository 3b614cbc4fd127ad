// Helpers of a bench run as processes of their own, so that their CPU is not counted and their event loop is not shared.
// A helper prints one JSON line when it is ready, and one per line it is told.

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { atEnd } from './cleanup.ts';
import { endProgram } from './program.ts';

const REPLY_MS = 120_000;

export interface Helper {
  readonly child: ChildProcess;
  readonly pid: number;
  /** What it printed first. */
  readonly ready: unknown;
  /** Writes a JSON line and waits for the answer. */
  ask(message: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

/** Starts `bench/lib/<script>` with one JSON argument. */
export async function startHelper(script: string, argument: unknown = {}): Promise<Helper> {
  const child = spawn(process.execPath, [join(import.meta.dirname, script), JSON.stringify(argument)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const timer = setTimeout(() => child.kill('SIGKILL'), REPLY_MS);
    const { value, done } = await lines.next();
    clearTimeout(timer);
    if (done === true) throw new Error(`${script} ended`);
    return JSON.parse(value);
  };
  const stop = atEnd(async () => {
    await endProgram(child, 'SIGKILL');
  });
  return {
    child,
    pid: child.pid ?? 0,
    ready: await next(),
    ask: async (message) => {
      child.stdin.write(`${JSON.stringify(message)}\n`);
      return await next();
    },
    stop,
  };
}

/** The helper's end: the JSON argument, and an answer for every line. */
export function serveHelper(answer: (message: unknown) => unknown): void {
  const lines = createInterface({ input: process.stdin });
  let turn = Promise.resolve();
  lines.on('line', (line) => {
    turn = turn.then(async () => tell(await answer(JSON.parse(line))));
  });
  lines.on('close', () => process.exit(0));
}

export const tell = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
export const helperArgument = (): unknown => JSON.parse(process.argv[2] ?? '{}');
