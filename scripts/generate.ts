// npm run generate: writes every file that is made from code. npm run verify: the same without writing; names each file
// that differs and exits with 1, so that a table in the documentation cannot drift from what runs.

import { dirname } from 'node:path';
import { generatedFiles } from './generate/files.ts';
import { driftOf, writeAll } from './generate/drift.ts';

const root = dirname(import.meta.dirname);
const files = await generatedFiles(root);
const drift = driftOf(root, files);

if (process.argv.includes('--verify')) {
  for (const { path, problem } of drift) process.stdout.write(`${path}: ${problem}; run npm run generate\n`);
  process.stdout.write(`generated files: ${files.length - drift.length} of ${files.length} as generated\n`);
  process.exitCode = drift.length === 0 ? 0 : 1;
} else {
  writeAll(root, files);
  for (const { path } of drift) process.stdout.write(`wrote ${path}\n`);
  process.stdout.write(`generated files: ${drift.length} of ${files.length} changed\n`);
}
