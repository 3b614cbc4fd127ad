// Lint and types, with a control: a planted border violation and a planted floating promise must be found, or the
// linter has stopped looking (it reports success when it sees no file).

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const FOLDERS = ['packages', 'services', 'scripts', 'bench', 'test-browser', 'test-stack', 'test-sandbox', 'test-e2e', 'test-chart', 'test-vm', 'charts'];
const oxlint = ['--config', 'config/oxlint.json', '--type-aware'];

const PLANTED = [
  { file: 'packages/limiter/src/planted.ts', text: "import '@sekisho/gateway/main';\n", rule: 'no-restricted-imports' },
  { file: 'services/fetcher/src/planted.ts', text: "import '@sekisho/testkit';\n", rule: 'no-restricted-imports' },
  { file: 'packages/netguard/src/planted.ts', text: 'const work = async (): Promise<void> => {};\nwork();\n', rule: 'no-floating-promises' },
];

function run(tool: string, args: readonly string[]): { readonly status: number; readonly output: string } {
  const result = spawnSync(join(root, 'node_modules/.bin', tool), args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return { status: result.status ?? 1, output: `${result.stdout}${result.stderr}` };
}

function plantedProblems(): string[] {
  return PLANTED.flatMap(({ file, text, rule }) => {
    const path = join(root, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    try {
      const { status, output } = run('oxlint', [...oxlint, file]);
      return status !== 0 && output.includes(rule) ? [] : [`planted violation of ${rule} in ${file} was not found`];
    } finally {
      rmSync(path);
    }
  });
}

const types = run('tsc', ['-p', '.']);
const lint = run('oxlint', [...oxlint, ...FOLDERS]);
const planted = plantedProblems();
process.stdout.write(types.output + (lint.status === 0 ? '' : lint.output) + planted.map((line) => `${line}\n`).join(''));
const failed = [types.status !== 0, lint.status !== 0, planted.length > 0].filter(Boolean).length;
process.stdout.write(failed === 0 ? 'lint and types: clean\n' : `lint and types: ${failed} of 3 checks failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
