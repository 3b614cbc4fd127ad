// Runs the probe as a process of its own, as root or as nobody in particular, behind the walls of one column.

import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Wall } from './attempts/attempt.ts';
import type { Column } from './columns.ts';
import { ensureProbe } from './probe/build.ts';
import { type Machine, readMachine } from './probe/machine.ts';
import { type FilterKind, filterOf, launcherWithout } from './variants.ts';
import type { Judgement, Told } from './verdict.ts';

/** Of the service's image. */
const UNPRIVILEGED = 10_001;
const RUN_MS = 240_000;
const OUTPUT_BYTES_MAX = 1 << 20;

export interface Order {
  readonly column: Column;
  /** As which user; only root can choose. */
  readonly root: boolean;
  readonly class?: 'raster' | 'svg';
  /** Another filter than that of the column. */
  readonly filter?: FilterKind;
  readonly setuid?: string | undefined;
  readonly only?: readonly string[];
}

export interface Outcome {
  readonly machine: Machine;
  readonly walls: readonly string[];
  readonly told: readonly Told[];
  readonly summary: Judgement;
}

const names = z.array(z.string()).readonly();
const lineSchema = z.union([
  z.object({ machine: z.object({ root: z.boolean(), sysResource: z.boolean(), ioUring: z.boolean(), bpf: z.boolean(), perf: z.boolean(), userNamespaces: z.boolean(), kernelLog: z.boolean() }), walls: names }),
  z.object({ attempt: z.string(), verdict: z.string() }),
  z.object({ summary: z.object({ held: z.boolean(), attempts: z.number(), refused: z.number(), killed: z.number(), succeeded: names, absent: names, wrong: names }) }),
]);

/** Why root cannot run the probe here; undefined: it can. */
export function rootProblem(): string | undefined {
  if (!isRoot()) return 'the tests do not run as root';
  return readMachine().root ? undefined : 'root lacks capabilities here';
}

const isRoot = (): boolean => process.getuid?.() === 0;

/** Why nobody in particular cannot run the probe here; undefined: it can. */
export function unprivilegedProblem(): string | undefined {
  if (!isRoot()) return undefined;
  const { status, error } = spawnSync('setpriv', [...asUnprivileged(), process.execPath, '-e', `fs.readFileSync(${JSON.stringify(join(import.meta.dirname, 'run-probe.ts'))})`], { timeout: 20_000 });
  if (error !== undefined) return 'setpriv (util-linux) is missing';
  return status === 0 ? undefined : `uid ${UNPRIVILEGED} cannot read the repository`;
}

const asUnprivileged = (): string[] => ['--reuid', String(UNPRIVILEGED), '--regid', String(UNPRIVILEGED), '--clear-groups'];

export interface SetuidProgram {
  readonly path: string | undefined;
  remove(): void;
}

/** A program with the set-user-ID bit of root, which only root can make. It must not stay. */
export function makeSetuid(): SetuidProgram {
  if (!isRoot()) return { path: undefined, remove: () => undefined };
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-setuid-'));
  chmodSync(folder, 0o755);
  const program = join(folder, 'escape');
  copyFileSync(join(ensureProbe(), 'outside/escape'), program);
  chmodSync(program, 0o4755);
  return { path: program, remove: () => rmSync(folder, { recursive: true }) };
}

export async function runProbe(order: Order): Promise<Outcome> {
  const args = ['--no-warnings', join(import.meta.dirname, 'probe/run.ts'), ...optionsOf(order)];
  const [program, all] = isRoot() && !order.root ? ['setpriv', [...asUnprivileged(), process.execPath, ...args]] : [process.execPath, args];
  const output = await new Promise<string>((resolve, reject) => {
    execFile(program, all, { timeout: RUN_MS, killSignal: 'SIGKILL', maxBuffer: OUTPUT_BYTES_MAX, env: { PATH: process.env['PATH'] } }, (error, stdout, stderr) => {
      // Exit code 1 says that an attempt has succeeded; the summary says it too.
      if (stdout.includes('"summary"')) resolve(stdout);
      else reject(new Error(`${order.column.name}: ${stderr.slice(0, 4_000) || (error?.message ?? 'no summary')}`));
    });
  });
  return parse(output);
}

/** What falls away is left out by the product where it can, and cut out of the launcher where it cannot. */
function optionsOf({ column: { standing }, class: of, filter, setuid, only }: Order): string[] {
  const gone = (...walls: readonly Wall[]): boolean => walls.every((wall) => !standing.has(wall));
  const noLandlock = gone('landlock_files', 'landlock_tcp', 'landlock_scopes');
  const cut: Wall[] = (['no_new_privs', 'descriptors', 'jitless'] as const).filter((wall) => gone(wall));
  if (!noLandlock) cut.push(...(['landlock_files', 'landlock_tcp', 'landlock_scopes'] as const).filter((wall) => gone(wall)));
  const dropped = [...(gone('limits') ? ['limits'] : []), ...(noLandlock ? ['landlock_files'] : []), ...(gone('seccomp', 'wx') ? ['seccomp'] : [])];
  const filterPath = filterOf(filter ?? filterKind(standing));
  return [
    '--build', ensureProbe(), '--launcher', launcherWithout(cut), '--without', dropped.join(','),
    ...(filterPath === undefined ? [] : ['--filter', filterPath]),
    ...(gone('no_new_privs') ? ['--missing', 'no_new_privs'] : []),
    // A Node that compiles reserves more than the product allows.
    ...(gone('jitless') ? ['--data-bytes', String(2 ** 31)] : []),
    ...(gone('environment') ? ['--leak-environment'] : []),
    ...(of === undefined ? [] : ['--class', of]),
    ...(setuid === undefined ? [] : ['--setuid', setuid]),
    ...(only === undefined ? [] : ['--only', only.join(',')]),
  ];
}

function filterKind(standing: ReadonlySet<Wall>): FilterKind {
  if (standing.has('seccomp')) return standing.has('wx') ? 'whole' : 'without wx';
  return standing.has('wx') ? 'only wx' : 'whole';
}

function parse(output: string): Outcome {
  const lines = output.trim().split('\n').map((line) => lineSchema.parse(JSON.parse(line)));
  const head = lines.find((line) => 'machine' in line);
  const end = lines.find((line) => 'summary' in line);
  if (head === undefined || end === undefined) throw new Error('the probe has not told all');
  return { ...head, summary: end.summary, told: lines.filter((line) => 'attempt' in line) };
}
