// A program of this project as a process of its own, with everything that it says.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Program {
  readonly child: ChildProcess;
  /** What it wrote so far, to both streams. */
  readonly text: string;
  /** Status and signal, when all that it wrote is there. */
  readonly ended: Promise<readonly [number | null, NodeJS.Signals | null]>;
}

/** Nothing of the own environment is handed on. */
export function startProgram(script: string, env: Readonly<Record<string, string>>, args: readonly string[] = []): Program {
  const child = spawn(process.execPath, [script, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return {
    child,
    get text() {
      return text;
    },
    ended: once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
  };
}
