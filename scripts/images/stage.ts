// The build context of a service: node (the program), debian (a program of Debian, for some), modules (packages of others), app (our sources). What is costly is
// kept under .run/images by what it is made of, so a changed source line costs only the copying of the sources.

import { createHash, randomUUID } from 'node:crypto';
import { chmodSync, cpSync, existsSync, lutimesSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LAUNCHER, LAUNCHER_SOURCE, ensureLauncher, launcherKey } from '../set-up/launcher.ts';
import { VERSIONS, debianKey, hasDebianProgram, stageDebianProgram } from './debian.ts';
import { pruneModules } from './prune.ts';
import type { Architecture } from './order.ts';
import { npm, run } from './run.ts';
import { type Service, sourcesOf, wallsOf, workspacesOf } from './service.ts';

/** Raise when staging itself changes what it makes. */
const LAYOUT = '4';
const CPU: Readonly<Record<Architecture, string>> = { amd64: 'x64', arm64: 'arm64' };

export interface StageSpec {
  readonly root: string;
  readonly service: Service;
  readonly architecture: Architecture;
  readonly nodeVersion: string;
}

const cacheOf = (root: string): string => join(root, '.run/images');

const newContext = ({ root, service, architecture }: StageSpec): string => {
  const context = join(cacheOf(root), 'context', `${service}-${architecture}-${randomUUID()}`);
  mkdirSync(context, { recursive: true });
  return context;
};

/** Adds what seldom changes: node, modules and a program of Debian. Hard links, so that the costly parts are not copied for every build. */
export function stageLower(spec: StageSpec, context = newContext(spec)): string {
  run('cp', ['-al', stagedNode(spec), join(context, 'node')]);
  run('cp', ['-al', stagedModules(spec), join(context, 'modules')]);
  if (hasDebianProgram(spec.service)) run('cp', ['-al', join(stagedDebian(spec), 'root'), join(context, 'debian')]);
  return context;
}

const copiedFiles = ({ root, service, architecture }: StageSpec): readonly string[] => [...sourcesOf(root, workspacesOf(root, service)), ...wallsOf(service, architecture)];

/** Whatever decides what stageLower makes besides Node. Fetches a program of Debian that is not there yet: its version counts. */
export const lowerIngredientsOf = (spec: StageSpec): ReadonlyMap<string, Buffer> => new Map([
  ['modules', Buffer.from(modulesKey(spec.root))],
  ...(hasDebianProgram(spec.service) ? [['debian', readFileSync(join(stagedDebian(spec), VERSIONS))] as const] : []),
]);

/** Whatever decides what stageSources makes, by path in the repository. */
export function ingredientsOf(spec: StageSpec): ReadonlyMap<string, Buffer> {
  const launcher = spec.service === 'image-worker' ? [[LAUNCHER_SOURCE, launcherKey(spec.architecture)] as const] : [];
  return new Map([...copiedFiles(spec).map((path) => [path, readFileSync(join(spec.root, path))] as const), ...launcher]);
}

/** Adds our sources, and the walls around decoders. Returns the context's folder, which belongs to the caller. */
export function stageSources(spec: StageSpec, context = newContext(spec)): string {
  const folder = join(context, 'app');
  const add = (from: string, path: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(from, join(folder, path));
  };
  for (const path of copiedFiles(spec)) add(join(spec.root, path), path);
  if (spec.service === 'image-worker') add(ensureLauncher(spec.architecture), LAUNCHER);
  settle(folder);
  return context;
}

/** The Node of scripts/run.sh, from the package that carries the binary of this architecture. */
function stagedNode({ root, architecture, nodeVersion }: StageSpec): string {
  return cached(join(cacheOf(root), 'node', `${nodeVersion}-${architecture}`), (folder) => {
    const name = `node-linux-${CPU[architecture]}`;
    const fetched = join(folder, 'fetched');
    mkdirSync(fetched);
    npm(['install', '--prefix', fetched, '--no-save', '--no-package-lock', '--force', '--os=linux', `--cpu=${CPU[architecture]}`, `${name}@${nodeVersion}`], fetched);
    mkdirSync(join(folder, 'bin'));
    renameSync(join(fetched, 'node_modules', name, 'bin/node'), join(folder, 'bin/node'));
    rmSync(fetched, { recursive: true });
    chmodSync(join(folder, 'bin/node'), 0o755);
  });
}

const stagedDebian = ({ root, service, architecture }: StageSpec): string =>
  cached(join(cacheOf(root), 'debian', `${service}-${architecture}-${debianKey(service)}`), (folder) => stageDebianProgram(folder, service, architecture));

/** Production packages of one service for one architecture, and the links to our own. */
function stagedModules({ root, service, architecture }: StageSpec): string {
  const manifests = manifestsOf(root);
  return cached(join(cacheOf(root), 'modules', `${service}-${architecture}-${modulesKey(root)}`), (folder) => {
    for (const path of manifests) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      cpSync(join(root, path), join(folder, path));
    }
    npm(['ci', '--omit=dev', '--os=linux', `--cpu=${CPU[architecture]}`, '--libc=glibc', `--workspace=services/${service}`], folder);
    for (const path of manifests) rmSync(join(folder, path));
    pruneModules(folder, workspacesOf(root, service));
  });
}

/** Lockfile and manifests of all workspaces, which npm compares with it. */
function manifestsOf(root: string): readonly string[] {
  const workspaces = ['packages', 'services'].flatMap((group) => readdirSync(join(root, group)).toSorted().map((name) => `${group}/${name}/package.json`));
  return ['package.json', 'package-lock.json', '.npmrc', ...workspaces].filter((path) => existsSync(join(root, path)));
}

/** Changes with whatever decides which packages are installed. */
export function modulesKey(root: string): string {
  const hash = createHash('sha256').update(LAYOUT);
  for (const path of manifestsOf(root)) hash.update(path).update(readFileSync(join(root, path)));
  return hash.digest('hex').slice(0, 16);
}

/** Makes a folder once; a build that is broken off leaves nothing half-made under the final name. */
function cached(folder: string, make: (folder: string) => void): string {
  if (existsSync(folder)) return folder;
  const draft = `${folder}.${randomUUID()}`;
  mkdirSync(draft, { recursive: true });
  try {
    make(draft);
    settle(draft);
    if (!existsSync(folder)) renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return folder;
}

/** Readable by everybody, whatever the umask, and without times: the same content is the same layer. */
function settle(folder: string): void {
  run('chmod', ['-R', 'u=rwX,go=rX', folder]);
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  for (const entry of entries) lutimesSync(join(entry.parentPath, entry.name), 0, 0);
  lutimesSync(folder, 0, 0);
}
