// The build context of a service: node (the program), modules (packages of others), app (our sources). What is costly is
// kept under .run/images by what it is made of, so a changed source line costs only the copying of the sources.

import { createHash, randomUUID } from 'node:crypto';
import { chmodSync, cpSync, existsSync, lutimesSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pruneModules } from './prune.ts';
import type { Architecture } from './order.ts';
import { npm, run } from './run.ts';
import { type Service, sourcesOf, workspacesOf } from './service.ts';

/** Raise when staging itself changes what it makes. */
const LAYOUT = '1';
const CPU: Readonly<Record<Architecture, string>> = { amd64: 'x64', arm64: 'arm64' };

export interface StageSpec {
  readonly root: string;
  readonly service: Service;
  readonly architecture: Architecture;
  readonly nodeVersion: string;
}

const cacheOf = (root: string): string => join(root, '.run/images');

/** Makes the context and returns its folder, which belongs to the caller. */
export function stageContext(spec: StageSpec): string {
  const context = join(cacheOf(spec.root), 'context', `${spec.service}-${spec.architecture}-${randomUUID()}`);
  mkdirSync(context, { recursive: true });
  // Hard links: the costly parts are not copied for every build.
  run('cp', ['-al', stagedNode(spec), join(context, 'node')]);
  run('cp', ['-al', stagedModules(spec), join(context, 'modules')]);
  stageSources(spec, join(context, 'app'));
  return context;
}

/** The Node of scripts/run.sh, from the package that carries the binary of this architecture. */
function stagedNode({ root, architecture, nodeVersion }: StageSpec): string {
  return cached(join(cacheOf(root), 'node', `${nodeVersion}-${architecture}-${LAYOUT}`), (folder) => {
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

/** Production packages of one service for one architecture, and the links to our own. */
function stagedModules({ root, service, architecture }: StageSpec): string {
  const manifests = ['package.json', 'package-lock.json', '.npmrc', ...manifestsOf(root)];
  const hash = createHash('sha256').update(LAYOUT);
  for (const path of manifests) hash.update(path).update(readFileSync(join(root, path)));
  const name = `${service}-${architecture}-${hash.digest('hex').slice(0, 16)}`;
  return cached(join(cacheOf(root), 'modules', name), (folder) => {
    for (const path of manifests) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      cpSync(join(root, path), join(folder, path));
    }
    npm(['ci', '--omit=dev', '--os=linux', `--cpu=${CPU[architecture]}`, '--libc=glibc', `--workspace=services/${service}`], folder);
    for (const path of manifests) rmSync(join(folder, path));
    pruneModules(folder, workspacesOf(root, service));
  });
}

/** Manifests of all workspaces: npm compares them with the lockfile. */
const manifestsOf = (root: string): readonly string[] =>
  ['packages', 'services'].flatMap((group) => readdirSync(join(root, group)).toSorted().map((name) => `${group}/${name}/package.json`))
    .filter((path) => existsSync(join(root, path)));

function stageSources({ root, service }: StageSpec, folder: string): void {
  for (const path of sourcesOf(root, workspacesOf(root, service))) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(root, path), join(folder, path));
  }
  settle(folder);
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
