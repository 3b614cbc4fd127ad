// What outlives a run: kernel, and the costly part of the machine's files. Outside the checkout, like the test cluster's.

import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const ROOT = dirname(dirname(import.meta.dirname));
const STATE = process.env['STATE_DIR'] ?? '/var/tmp/sekisho-vm';

export function stateFolder(name: string): string {
  const folder = join(STATE, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** A folder that belongs to the caller, on the same disk as what is kept. */
export function draftFolder(): string {
  const folder = join(stateFolder('draft'), `${process.pid}-${performance.now()}`);
  mkdirSync(folder);
  return folder;
}

/** Makes a file under its final name only when it is whole. */
export function complete(file: string, make: (draft: string) => void): string {
  const draft = `${file}.${process.pid}`;
  try {
    make(draft);
    renameSync(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
  return file;
}
