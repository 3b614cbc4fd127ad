// Programs that the build runs: npm, buildah, git. Their output goes to stderr, because the last line of stdout is the
// image's reference.

import { spawnSync } from 'node:child_process';

const COMMAND_MS = 15 * 60_000;

/** One sentence for the person who builds. */
export class BuildProblem extends Error {}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** What to say when the program is not there. */
  readonly missing?: string;
}

/** Runs a program and returns what it printed. @throws BuildProblem when it fails or is not there. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): string {
  const result = attempt(program, args, options, 'inherit');
  if (result.status !== 0) throw new BuildProblem(`${program} ${args[0] ?? ''} did not succeed`);
  return result.output;
}

/** Output of a program, or undefined when it fails; for questions. */
export function ask(program: string, args: readonly string[], options: RunOptions = {}): string | undefined {
  const result = attempt(program, args, options, 'ignore');
  return result.status === 0 ? result.output : undefined;
}

function attempt(program: string, args: readonly string[], options: RunOptions, stderr: 'inherit' | 'ignore') {
  const { cwd, env, missing } = options;
  const result = spawnSync(program, args, {
    ...(cwd === undefined ? {} : { cwd }), ...(env === undefined ? {} : { env }),
    stdio: ['ignore', 'pipe', stderr], timeout: COMMAND_MS, killSignal: 'SIGKILL', encoding: 'utf8', maxBuffer: 64 * 1024 * 1024,
  });
  const isMissing = result.error !== undefined && 'code' in result.error && result.error.code === 'ENOENT';
  if (isMissing) throw new BuildProblem(missing ?? `${program} is not installed`);
  return { status: result.status, output: result.stdout.trim() };
}

const NO_BUILDAH = 'buildah is not installed; run: sudo apt install buildah';
export const buildah = (...args: readonly string[]): string => run('buildah', args, { missing: NO_BUILDAH });
export const askBuildah = (...args: readonly string[]): string | undefined => ask('buildah', args, { missing: NO_BUILDAH });

const NO_NPM = 'npm is not installed; it comes with Node: https://nodejs.org';
export const npm = (args: readonly string[], cwd: string): void =>
  void run('npm', [...args, '--ignore-scripts', '--loglevel=error', '--no-audit', '--no-fund'], { cwd, missing: NO_NPM });
