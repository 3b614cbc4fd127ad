// Takes out of installed packages what no service runs: an attacker finds less, and a pull is shorter.

import { existsSync, lstatSync, readdirSync, readlinkSync, rmSync, rmdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

// Node does not strip types below node_modules, so no TypeScript file there is ever run.
const UNUSED = /\.(?:(?:test|spec)\.[cm]?js|[cm]?ts|map|md|markdown|flow|cc|h|hpp|gyp|gypi|ya?ml)$|^(?:\.npmignore|\.eslintrc.*|\.nycrc|\.editorconfig|Makefile|tsconfig.*\.json)$/i;
/** Folders beside a package's manifest. */
const UNUSED_FOLDERS = new Set(['test', 'tests', '__tests__', 'docs', 'example', 'examples', 'bench', 'benchmark', 'benchmarks', 'coverage', '.github']);
const KEPT = /^(?:licen[cs]e|copying|notice|authors)/i;
/** Of packages that are no code: the files that are used, below the package. */
const PICKED: Readonly<Record<string, RegExp>> = {
  'dejavu-fonts-ttf': /^(?:package\.json|LICENSE|ttf\/DejaVu(?:Sans(?:-Bold|-Oblique)?|SansMono|Serif)\.ttf)$/,
};

export const isUnusedFile = (name: string): boolean => UNUSED.test(name) && !KEPT.test(name);

/**
 * Prunes `<folder>/node_modules`; of our own packages only the links to `workspaces` stay.
 * @throws Error when a link of ours is not one to `packages/` or `services/` beside it.
 */
export function pruneModules(folder: string, workspaces: readonly string[]): void {
  const modules = join(folder, 'node_modules');
  for (const name of ['.bin', '.package-lock.json']) rmSync(join(modules, name), { recursive: true, force: true });
  pruneLinks(folder, workspaces);
  for (const [name, picked] of Object.entries(PICKED)) pick(join(modules, name), picked);
  pruneFiles(modules);
  for (const group of ['packages', 'services']) removeEmpty(join(folder, group));
}

/** Node resolves `@sekisho/x` by these links to /app/packages/x, outside of node_modules, where types are stripped. */
function pruneLinks(folder: string, workspaces: readonly string[]): void {
  const scope = join(folder, 'node_modules/@sekisho');
  for (const name of readdirSync(scope)) {
    const path = join(scope, name);
    if (!lstatSync(path).isSymbolicLink()) throw new Error(`${name}: npm has copied one of our packages instead of linking it`);
    const target = relative(folder, resolve(dirname(path), readlinkSync(path)));
    if (!workspaces.includes(target)) rmSync(path);
  }
  const missing = workspaces.filter((workspace) => workspace.startsWith('packages/') && !existsLink(scope, workspace));
  if (missing.length > 0) throw new Error(`npm has not linked ${missing.join(', ')}`);
}

const existsLink = (scope: string, workspace: string): boolean => readdirSync(scope).includes(workspace.split('/')[1] ?? '');

function pick(folder: string, picked: RegExp): void {
  if (!existsSync(folder)) return;
  const files = readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => !entry.isDirectory());
  for (const { parentPath, name } of files) if (!picked.test(relative(folder, join(parentPath, name)))) rmSync(join(parentPath, name));
}

function pruneFiles(folder: string): void {
  const entries = readdirSync(folder, { withFileTypes: true });
  const isPackage = entries.some(({ name }) => name === 'package.json');
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && isPackage && UNUSED_FOLDERS.has(entry.name)) rmSync(path, { recursive: true });
    else if (entry.isDirectory()) {
      pruneFiles(path);
      if (readdirSync(path).length === 0) rmdirSync(path);
    } else if (entry.isFile() && isUnusedFile(entry.name)) rmSync(path);
  }
}

function removeEmpty(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) removeEmpty(join(folder, entry.name));
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}
