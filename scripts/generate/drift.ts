// Compares generated files with those on disk.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface GeneratedFile {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
}

export interface Drift {
  readonly path: string;
  readonly problem: 'missing' | 'differs';
}

/** Files that are not on disk as they would be generated. */
export const driftOf = (root: string, files: readonly GeneratedFile[]): readonly Drift[] =>
  files.flatMap(({ path, text }): Drift[] => {
    const place = join(root, path);
    if (!existsSync(place)) return [{ path, problem: 'missing' }];
    return readFileSync(place, 'utf8') === text ? [] : [{ path, problem: 'differs' }];
  });

export function writeAll(root: string, files: readonly GeneratedFile[]): void {
  for (const { path, text } of files) {
    const place = join(root, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, text);
  }
}
