// Compiles the probe.
//   node test-sandbox/probe/build.ts [FOLDER]    prints the folder with what run.ts needs
// `inside` is what the decoder may open; `outside` is what it must not.

import { spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensurePrograms, findProgram } from '../../scripts/set-up/programs.ts';

const sources = import.meta.dirname;
const FLAGS = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror'];
const COMPILE_MS = 120_000;
/** Files of their own, each with a main or a mark. */
const PROGRAMS = new Set(['main.c', 'addon.c', 'mark.c', 'escape.c']);
const ATTEMPTS = readdirSync(sources).filter((file) => file.endsWith('.c') && !PROGRAMS.has(file));

const keyOf = (): string => {
  const hash = createHash('sha256').update(process.arch);
  for (const file of readdirSync(sources).filter((name) => /\.(?:c|h|cjs|json)$|^build\.ts$/.test(name))) hash.update(file).update(readFileSync(join(sources, file)));
  return hash.digest('hex').slice(0, 16);
};

function gcc(output: string, files: readonly string[], ...more: readonly string[]): void {
  const args = [...FLAGS, ...more, '-o', output, ...files.map((file) => join(sources, file))];
  const { status, stderr, error } = spawnSync(findProgram('gcc') ?? 'gcc', args, { encoding: 'utf8', timeout: COMPILE_MS });
  if (status !== 0) throw new Error(`${output} does not compile: ${error?.message ?? stderr}`);
}

const LIBRARY = ['-shared', '-fPIC'] as const;

/** Configuration that makes OpenSSL load a library, as Node reads it. */
const opensslConf = (library: string): string =>
  `nodejs_conf = start\n[start]\nproviders = all\n[all]\ndefault = builtin\nmark = loaded\n[builtin]\nactivate = 1\n[loaded]\nmodule = ${library}\nactivate = 1\n`;

/** @returns the folder; any number of processes may ask at once. */
export function ensureProbe(folder = join(sources, 'build')): string {
  const place = join(folder, keyOf());
  if (existsSync(place)) return place;
  ensurePrograms(['gcc', 'libc.a']);
  const draft = `${place}.${randomUUID()}`;
  mkdirSync(join(draft, 'inside/elsewhere'), { recursive: true });
  mkdirSync(join(draft, 'outside'));
  const inside = (file: string): string => join(draft, 'inside', file);
  gcc(inside('probe.node'), ['addon.c', ...ATTEMPTS], ...LIBRARY, '-DPROBE_ADDON');
  gcc(inside('preload.so'), ['mark.c'], ...LIBRARY, '-DMARK="SEKISHO_PROBE_PRELOADED"');
  gcc(inside('openssl.so'), ['mark.c'], ...LIBRARY, '-DMARK="SEKISHO_PROBE_OPENSSL"');
  gcc(inside('elsewhere/libsekisho-probe-elsewhere.so'), ['mark.c'], ...LIBRARY, '-DMARK="SEKISHO_PROBE_ELSEWHERE"');
  gcc(join(draft, 'outside/probe'), ['main.c', ...ATTEMPTS], '-static');
  gcc(join(draft, 'outside/escape'), ['escape.c'], '-static');
  copyFileSync(inside('probe.node'), join(draft, 'outside/library.node'));
  for (const file of ['scripted.cjs', 'required.cjs', 'package.json']) copyFileSync(join(sources, file), inside(file));
  writeFileSync(inside('openssl.cnf'), opensslConf(join(place, 'inside/openssl.so')));
  chmodSync(draft, 0o755);
  publish(draft, place);
  return place;
}

function publish(draft: string, place: string): void {
  try {
    renameSync(draft, place);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    // Somebody else was faster with the same.
    if (!existsSync(place)) throw error;
  }
}

if (import.meta.main) process.stdout.write(`${ensureProbe(process.argv[2])}\n`);
