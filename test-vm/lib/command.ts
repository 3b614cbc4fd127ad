// Programs that the tests run. Everything ends: by itself or by SIGKILL.

import { spawnSync } from 'node:child_process';

const COMMAND_MS = 5 * 60_000;

export class CommandFailed extends Error {}

export function run(program: string, args: readonly string[], options: { readonly cwd?: string; readonly input?: string } = {}): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    ...options, encoding: 'utf8', timeout: COMMAND_MS, killSignal: 'SIGKILL', maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new CommandFailed(`${program} ${args.join(' ').slice(0, 200)}: ${error?.message ?? stderr.trim()}`);
  return stdout;
}
