// Values that may come in a file instead of the environment, because they hold a password: an environment is readable in
// /proc, in dumps and by whoever may describe a pod. `SEKISHO_X_FILE` names the file whose text becomes `SEKISHO_X`.

import { closeSync, openSync, readSync } from 'node:fs';
import { errorCode } from './error-code.ts';

/** Far above any URL; a wrong path (a device, a log) must not fill the memory. */
const VALUE_BYTES_MAX = 4_096;

type Values = Readonly<Record<string, string | undefined>>;

export interface FileValues {
  /** The given values with those of the files. */
  readonly values: Values;
  readonly problems: readonly string[];
  /** Values that a file was named for, readable or not. */
  readonly named: ReadonlySet<string>;
}

export const fileNameOf = (name: string): string => `${name}_FILE`;

/** Replaces each of `names` by the trimmed text of the file that its `_FILE` variable names. Never echoes a value. */
export function readValueFiles(given: Values, names: readonly string[]): FileValues {
  const named = names.filter((name) => given[fileNameOf(name)] !== undefined);
  const values: Record<string, string | undefined> = { ...given };
  const problems: string[] = [];
  for (const name of named) {
    if (given[name] !== undefined) problems.push(`${name} and ${fileNameOf(name)} are both set: keep one`);
    const read = readValue(given[fileNameOf(name)] ?? '');
    if (read.ok) values[name] = read.text;
    else problems.push(`${fileNameOf(name)}: ${read.problem}`);
  }
  return { values, problems, named: new Set(named) };
}

type Read = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: string };

function readValue(path: string): Read {
  try {
    const text = readAtMost(path, VALUE_BYTES_MAX + 1);
    if (text.length > VALUE_BYTES_MAX) return { ok: false, problem: `the file must hold at most ${VALUE_BYTES_MAX} bytes` };
    const trimmed = text.toString('utf8').trim();
    return trimmed === '' ? { ok: false, problem: 'the file is empty' } : { ok: true, text: trimmed };
  } catch (error) {
    return { ok: false, problem: `the file cannot be read (${errorCode(error) ?? 'unreadable'})` };
  }
}

function readAtMost(path: string, bytesMax: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(bytesMax);
    return buffer.subarray(0, readSync(file, buffer, 0, bytesMax, 0));
  } finally {
    closeSync(file);
  }
}
