// Walls taken down for a test: the product's launcher and filter with one thing cut out. Neither has an option for that,
// because an option could be used.

import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CODE, encode } from '../scripts/generate/seccomp/assembler.ts';
import { RETURN, compile } from '../scripts/generate/seccomp/compile.ts';
import { readPolicy } from '../scripts/generate/seccomp/files.ts';
import type { Architecture } from '../scripts/generate/seccomp/machine.ts';
import { type Call, type Resolved, resolve } from '../scripts/generate/seccomp/policy.ts';
import { LAUNCHER, LAUNCHER_SOURCE, compileStatic } from '../scripts/set-up/launcher.ts';
import type { Wall } from './attempts/attempt.ts';

const root = join(import.meta.dirname, '..');
const FOLDER = join(import.meta.dirname, 'probe/build/variants');

interface Cut {
  readonly from: string;
  readonly to: string;
}

/** Each text must stand in the launcher exactly once, or the cut is out of date. */
const CUTS: Partial<Record<Wall, readonly Cut[]>> = {
  no_new_privs: [{ from: 'if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) fail(NO_WALL, "no_new_privs", "");', to: '' }],
  descriptors: [{ from: 'if (syscall(CLOSE_RANGE, 3, ~0u, 0)) fail(NO_WALL, "close_range", "");', to: '' }],
  landlock_files: [{ from: '{(1u << rights) - 1,', to: '{0 * rights,' }, { from: 'for (int i = 0; i < o->paths; i++) {', to: 'for (int i = 0; i < 0; i++) {' }],
  landlock_tcp: [{ from: 'abi >= 4 ? 3 : 0,', to: '0,' }],
  landlock_scopes: [{ from: 'abi >= 6 ? 3 : 0}', to: '0}' }],
  jitless: [{ from: '  execv(argv[program], argv + program);', to: '  for (int i = program; i < argc; i++) if (!strcmp(argv[i], "--jitless")) argv[i] = "--no-deprecation";\n  execv(argv[program], argv + program);' }],
};

export function cutOut(source: string, walls: readonly Wall[]): string {
  let text = source;
  for (const { from, to } of walls.flatMap((wall) => CUTS[wall] ?? [])) {
    if (text.split(from).length !== 2) throw new Error(`the launcher has not exactly one: ${from}`);
    text = text.replace(from, () => to);
  }
  return text;
}

/** Path of a launcher that does not put up these walls. */
export function launcherWithout(walls: readonly Wall[]): string {
  const cut = walls.filter((wall) => CUTS[wall] !== undefined);
  if (cut.length === 0) return join(root, LAUNCHER);
  const source = cutOut(readFileSync(join(root, LAUNCHER_SOURCE), 'utf8'), cut);
  const path = join(FOLDER, `launcher-${hashOf(source)}`);
  if (existsSync(path)) return path;
  const draft = `${path}.${randomUUID()}`;
  save(`${path}.c`, source);
  compileStatic(`${path}.c`, draft);
  renameSync(draft, path);
  return path;
}

const MEMORY_CALLS: ReadonlySet<string> = new Set(['mmap', 'mprotect']);
const ARCHITECTURES: Readonly<Record<string, Architecture>> = { x64: 'x86_64', arm64: 'arm64' };

export type FilterKind = 'whole' | 'without wx' | 'only wx' | 'allow' | 'log';

/** Path of a filter; undefined: the product's. */
export function filterOf(kind: FilterKind): string | undefined {
  if (kind === 'whole') return undefined;
  const bytes = kind === 'allow' || kind === 'log' ? returning(FORBIDS_NOTHING[kind]) : encode(compile(changed(kind)));
  const path = join(FOLDER, `filter-${hashOf(bytes)}.bpf`);
  save(path, bytes);
  return path;
}

function changed(kind: 'without wx' | 'only wx'): Resolved {
  const architecture = ARCHITECTURES[process.arch];
  if (architecture === undefined) throw new Error(`no filter for ${process.arch}`);
  const whole = resolve(readPolicy(root, 'decoder'), architecture);
  if (kind === 'only wx') return { ...whole, default: 'allow', calls: whole.calls.filter(({ name }) => MEMORY_CALLS.has(name)).map(orElseRefused) };
  return { ...whole, calls: whole.calls.map((call) => (MEMORY_CALLS.has(call.name) ? { ...call, clauses: [{ action: 'allow', tests: [] }] } : call)) };
}

const orElseRefused = (call: Call): Call => ({ ...call, clauses: [...call.clauses, { action: 'EPERM', tests: [] }] });

/** Filters that are installed and counted by the kernel; the second is SECCOMP_RET_LOG. */
const FORBIDS_NOTHING = { allow: RETURN.allow, log: 0x7f_fc_00_00 } as const;
const returning = (k: number): Uint8Array => encode([{ code: CODE.return, jumpTrue: 0, jumpFalse: 0, k }]);

const hashOf = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

function save(path: string, bytes: string | Uint8Array): void {
  if (existsSync(path)) return;
  mkdirSync(FOLDER, { recursive: true });
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, bytes);
  renameSync(draft, path);
}
