import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const REPOSITORY = resolve(import.meta.dirname, '../../../..');

/** Absolute path of the corpus, undefined where this checkout has none. */
export function corpusFolder(): string | undefined {
  const folder = join(REPOSITORY, '../shared/corpus');
  return existsSync(folder) ? folder : undefined;
}
