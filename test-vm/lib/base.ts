// The part of the machine's files that seldom changes: programs with their libraries, and what our image has of others
// (Node, packages). Laid out as the image is, because the profile speaks of paths.

import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, realpathSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { modulesKey, stageLower } from '../../scripts/images/stage.ts';
import { type Program, findProgram } from '../../scripts/set-up/programs.ts';
import { pack } from './archive.ts';
import { run } from './command.ts';
import { ROOT, complete, draftFolder, stateFolder } from './state.ts';

/** Raise when the layout itself changes. */
const LAYOUT = '1';
const PROGRAMS = ['busybox', 'runc', 'apparmor_parser', 'redis-server'] as const satisfies readonly Program[];
const APPLETS = ['basename', 'cat', 'cut', 'dmesg', 'grep', 'ip', 'mount', 'poweroff', 'sed', 'sh', 'sleep', 'timeout', 'tr', 'umount', 'wget'];
/** The parser's own configuration, and the features that the profile was written for. */
const PARSER_FILES = ['/etc/apparmor/parser.conf', '/etc/apparmor.d/abi/3.0', '/usr/share/apparmor-features/features'];
/** libvips asks for it; no program here is linked with it. */
const FURTHER_LIBRARIES = ['libresolv.so.2'];

/** Path of the archive. */
export function ensureBase(): string {
  const folder = stateFolder('base');
  const archive = join(folder, `${baseKey()}.cpio`);
  if (existsSync(archive)) return archive;
  for (const old of readdirSync(folder)) rmSync(join(folder, old));
  const draft = draftFolder();
  const context = stageLower({ root: ROOT, service: 'image-worker', architecture: 'amd64', nodeVersion: process.versions.node });
  try {
    layOut(draft, context);
    return complete(archive, (path) => pack(draft, path));
  } finally {
    rmSync(draft, { recursive: true });
    rmSync(context, { recursive: true });
  }
}

function baseKey(): string {
  const hash = createHash('sha256').update(LAYOUT).update(process.versions.node).update(modulesKey(ROOT));
  for (const path of [...PROGRAMS.map(programPath), ...PARSER_FILES]) hash.update(`${path} ${statSync(path).size} ${statSync(path).mtimeMs}\n`);
  return hash.digest('hex').slice(0, 16);
}

const programPath = (program: Program): string => realpathSync(findProgram(program) ?? '');

function layOut(root: string, context: string): void {
  for (const folder of ['usr/bin', 'usr/sbin', 'usr/lib', 'usr/lib64', 'proc', 'sys', 'dev', 'tmp', 'run', 'mnt', 'root', 'etc', 'app']) mkdirSync(join(root, folder), { recursive: true });
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(root, name));
  const busybox = PROGRAMS.map((program) => addProgram(root, programPath(program), `usr/bin/${program}`))[0] ?? '';
  for (const applet of APPLETS) symlinkSync(basename(busybox), join(root, 'usr/bin', applet));
  for (const path of [...PARSER_FILES, '/etc/ld.so.cache']) add(root, path, path);
  cpSync(join(context, 'node'), join(root, 'usr/local'), { recursive: true, verbatimSymlinks: true });
  addLibraries(root, join(context, 'node/bin/node'));
  cpSync(join(context, 'modules'), join(root, 'app'), { recursive: true, verbatimSymlinks: true });
}

function addProgram(root: string, from: string, to: string): string {
  add(root, from, to);
  addLibraries(root, from);
  return to;
}

function addLibraries(root: string, program: string): void {
  // A static program is "not a dynamic executable", which ldd calls a failure.
  const listed = run('sh', ['-c', 'ldd "$1" 2>&1 || true', 'ldd', program]);
  const paths = [...listed.matchAll(/(?:=> |^\s*)(?<path>\/\S+)/gm)].map((match) => match.groups?.['path'] ?? '');
  const libc = paths.find((path) => path.endsWith('/libc.so.6'));
  const further = libc === undefined ? [] : FURTHER_LIBRARIES.map((name) => join(dirname(libc), name));
  for (const path of [...paths, ...further]) add(root, realpathSync(path), path);
}

function add(root: string, from: string, to: string): void {
  const place = join(root, to);
  if (existsSync(place)) return;
  mkdirSync(dirname(place), { recursive: true });
  cpSync(from, place, { dereference: true });
}
