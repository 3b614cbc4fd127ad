// The launcher of the image-worker's decoders, compiled when its source or the way to compile it has changed.
//   node scripts/set-up/launcher.ts    prints its path

import { spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MissingProgram, type Program, ensurePrograms, findProgram } from './programs.ts';

const root = dirname(dirname(import.meta.dirname));
/** Below the root, and below /app in the image. */
export const LAUNCHER = 'services/image-worker/launcher/build/launcher';
export const LAUNCHER_SOURCE = 'services/image-worker/launcher/launcher.c';

/** Static: inside the walls there is no library to load. */
export const LAUNCHER_FLAGS = ['-std=c11', '-O2', '-Wall', '-Wextra', '-Werror', '-static', '-s'] as const;
const COMPILE_MS = 120_000;

const ARCHITECTURES = {
  amd64: { node: 'x64', cross: ['x86_64-linux-gnu-gcc', 'libc.a of amd64'] },
  arm64: { node: 'arm64', cross: ['aarch64-linux-gnu-gcc', 'libc.a of arm64'] },
} as const satisfies Readonly<Record<string, { readonly node: string; readonly cross: readonly [Program, Program] }>>;
export type LauncherArchitecture = keyof typeof ARCHITECTURES;

export class CompileFailed extends Error {}

/** That of this machine, if there is a launcher for it. */
const ownArchitecture = (): LauncherArchitecture | undefined =>
  (Object.keys(ARCHITECTURES) as LauncherArchitecture[]).find((name) => ARCHITECTURES[name].node === process.arch);

/** Changes with whatever decides the bytes of the launcher, but for the compiler's own version. */
export const launcherKey = (architecture: LauncherArchitecture): Buffer =>
  createHash('sha256').update(architecture).update(LAUNCHER_FLAGS.join(' ')).update(readFileSync(join(root, LAUNCHER_SOURCE))).digest().subarray(0, 20);

/**
 * Path of an up-to-date launcher: at LAUNCHER for this machine, beside it for another architecture.
 * Any number of processes may call it at once.
 * @throws MissingProgram with the sentence what to do when it cannot be compiled here, CompileFailed when the source is wrong.
 */
export function ensureLauncher(architecture = ownArchitecture()): string {
  if (process.platform !== 'linux') throw new MissingProgram('the decoder sandbox needs Linux');
  if (architecture === undefined) throw new MissingProgram(`there is no decoder sandbox for ${process.arch}, only for ${Object.keys(ARCHITECTURES).join(' and ')}`);
  const isOwn = architecture === ownArchitecture();
  const path = join(root, isOwn ? LAUNCHER : `${LAUNCHER}.${architecture}`);
  const key = launcherKey(architecture);
  // The key is the build id inside the file: file and key cannot come apart.
  if (existsSync(path) && readFileSync(path).includes(key)) return path;
  const [compiler, library] = isOwn ? (['gcc', 'libc.a'] as const) : ARCHITECTURES[architecture].cross;
  ensurePrograms([compiler, library]);
  const draft = `${path}.${randomUUID()}`;
  mkdirSync(dirname(path), { recursive: true });
  try {
    compileStatic(join(root, LAUNCHER_SOURCE), draft, { compiler, flags: [`-Wl,--build-id=0x${key.toString('hex')}`] });
    renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
  return path;
}

/** Compiles one C file the way the launcher is. @throws CompileFailed with what the compiler says. */
export function compileStatic(source: string, output: string, { compiler = 'gcc', flags = [] }: { readonly compiler?: Program; readonly flags?: readonly string[] } = {}): void {
  const args = [...LAUNCHER_FLAGS, ...flags, '-o', output, source];
  const { status, stderr, error } = spawnSync(findProgram(compiler) ?? compiler, args, { encoding: 'utf8', timeout: COMPILE_MS, killSignal: 'SIGKILL' });
  if (status !== 0) throw new CompileFailed(`${source} does not compile: ${error?.message ?? stderr.trim()}`);
}

/** For who can go on without: undefined when it is there, else the sentence why not. */
export function launcherProblem(): string | undefined {
  try {
    ensureLauncher();
    return undefined;
  } catch (error) {
    if (error instanceof MissingProgram) return error.message.replaceAll('\n', '; ');
    throw error;
  }
}

if (import.meta.main) {
  const problem = launcherProblem();
  process.stdout.write(`${problem ?? join(root, LAUNCHER)}\n`);
  process.exitCode = problem === undefined ? 0 : 1;
}
