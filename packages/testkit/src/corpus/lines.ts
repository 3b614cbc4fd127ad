// JSON lines of the corpus and what is read of them.

import { readFileSync } from 'node:fs';

export type Line = Readonly<Record<string, unknown>>;

/** @throws Error when the file is absent or holds no cases. */
export function readLines(path: string): readonly Line[] {
  const lines = readFileSync(path, 'utf8').split('\n').filter((line) => line !== '');
  if (lines.length === 0) throw new Error(`${path} holds no cases`);
  return lines.map((line) => JSON.parse(line) as Line);
}

export function text(line: Line, key: string): string {
  const value = line[key];
  if (typeof value !== 'string') throw new TypeError(`a corpus case has no ${key}`);
  return value;
}

export function oneOf<T extends string>(line: Line, key: string, values: readonly T[]): T {
  const value = values.find((known) => known === line[key]);
  if (value === undefined) throw new TypeError(`a corpus case has an unknown ${key}`);
  return value;
}

export const texts = (line: Line, key: string): readonly string[] => {
  const value = line[key];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
};
