// Compares generated files with those on disk.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** `path` is from the root of the repository. */
export type GeneratedFile = { readonly path: string; readonly text: string } | { readonly path: string; readonly bytes: Uint8Array };

export interface Drift {
  readonly path: string;
  readonly problem: 'missing' | 'differs';
}

/** Files that are not on disk as they would be generated. */
export const driftOf = (root: string, files: readonly GeneratedFile[]): readonly Drift[] =>
  files.flatMap((file): Drift[] => {
    const { path } = file;
    const place = join(root, path);
    if (!existsSync(place)) return [{ path, problem: 'missing' }];
    return readFileSync(place).equals(bytesOf(file)) ? [] : [{ path, problem: 'differs' }];
  });

export function writeAll(root: string, files: readonly GeneratedFile[]): void {
  for (const file of files) {
    const place = join(root, file.path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, bytesOf(file));
  }
}

const bytesOf = (file: GeneratedFile): Uint8Array => ('bytes' in file ? file.bytes : Buffer.from(file.text));
