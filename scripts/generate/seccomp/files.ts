// The generated files of k8s/seccomp, and the copy of the pod's profile in the chart, which reads only what lies below it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GeneratedFile } from '../drift.ts';
import { encode } from './assembler.ts';
import { compile } from './compile.ts';
import { ARCHITECTURES } from './machine.ts';
import { ociProfile } from './oci.ts';
import { type Policy, parsePolicy, resolve } from './policy.ts';

export type PolicyName = 'decoder' | 'image-worker.policy';

/** @param root folder of the repository. */
export const readPolicy = (root: string, name: PolicyName): Policy => parsePolicy(readFileSync(join(root, `k8s/seccomp/${name}.json`), 'utf8'));

/** @param root folder of the repository. */
export function seccompFiles(root: string): readonly GeneratedFile[] {
  const decoder = readPolicy(root, 'decoder');
  const profile = `${JSON.stringify(ociProfile(readPolicy(root, 'image-worker.policy')), undefined, 2)}\n`;
  return [
    ...ARCHITECTURES.map((architecture) => ({
      path: `k8s/seccomp/decoder.${architecture}.bpf`,
      bytes: encode(compile(resolve(decoder, architecture))),
    })),
    ...['k8s/seccomp', 'charts/sekisho/files/seccomp'].map((folder) => ({ path: `${folder}/image-worker.json`, text: profile })),
  ];
}
