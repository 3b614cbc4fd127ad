// Unbound as a child process, and the check of its configuration.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { inTime } from '@sekisho/runtime';
import { splitLines } from '../log/lines.ts';
import type { Programs } from './programs.ts';

const CHECK_MS = 5_000;
/** Unbound ends within milliseconds; a second is a hung one. */
const TERM_MS = 2_000;
const KILL_MS = 1_000;
const PROBLEM_LINES_MAX = 5;

export interface Child {
  /** How it ended, as the end of a sentence. Never rejects. */
  readonly ended: Promise<string>;
  /** SIGTERM, after a while SIGKILL. Resolves when it has ended. */
  stop(): Promise<void>;
  kill(): void;
}

export type StartChild = (onLine: (line: string) => void) => Child;

export const childStarter = (programs: Programs, confFile: string): StartChild => (onLine) => {
  const command = [programs.unbound, '-d', '-c', confFile];
  const whole = programs.setpriv === undefined ? command : [programs.setpriv, '--pdeathsig', 'KILL', ...command];
  return startProcess(whole, onLine);
};

function startProcess([program = '', ...args]: readonly string[], onLine: (line: string) => void): Child {
  const child = spawn(program, args, { env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
  splitLines(child.stdout, onLine);
  splitLines(child.stderr, onLine);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not start: ${error.message}`));
    child.once('close', (status, signal) => resolve(signal === null ? `ended with status ${status}` : `was ended by ${signal}`));
  });
  return {
    ended,
    kill: () => void child.kill('SIGKILL'),
    stop: async () => {
      child.kill('SIGTERM');
      const late = await inTime(ended, TERM_MS, () => undefined);
      if (late !== undefined) return;
      child.kill('SIGKILL');
      await inTime(ended, KILL_MS, () => undefined);
    },
  };
}

/** Undefined when Unbound takes the configuration and its zone; else what it says. */
export async function configProblem(programs: Programs, confFile: string): Promise<string | undefined> {
  const child = spawn(programs.checkconf, [confFile], { env: {}, stdio: ['ignore', 'ignore', 'pipe'], timeout: CHECK_MS, killSignal: 'SIGKILL' });
  const lines: string[] = [];
  splitLines(child.stderr, (line) => {
    if (lines.length < PROBLEM_LINES_MAX) lines.push(line.replace(/^\[\d+\] \S+ /, ''));
  });
  child.once('error', (error) => lines.push(error.message));
  const [status] = (await once(child, 'close').catch(() => [null])) as readonly (number | null)[];
  return status === 0 ? undefined : lines.join('; ') || 'unbound-checkconf did not end in time';
}
