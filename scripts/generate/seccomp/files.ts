// The generated files of k8s/seccomp.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GeneratedFile } from '../drift.ts';
import { encode } from './assembler.ts';
import { compile } from './compile.ts';
import { ARCHITECTURES } from './machine.ts';
import { parsePolicy, resolve } from './policy.ts';

/** @param root folder of the repository. */
export function seccompFiles(root: string): readonly GeneratedFile[] {
  const decoder = parsePolicy(readFileSync(join(root, 'k8s/seccomp/decoder.json'), 'utf8'));
  return ARCHITECTURES.map((architecture) => ({
    path: `k8s/seccomp/decoder.${architecture}.bpf`,
    bytes: encode(compile(resolve(decoder, architecture))),
  }));
}
