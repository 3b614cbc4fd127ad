// What this machine has for a sandbox. The one place that looks; the deciding is in plan.ts.

import { execFileSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type Label, parseLabel } from './label.ts';
import { readRuntimeReport } from './report.ts';

export interface Facts {
  /** Architecture by Node's name. */
  readonly arch: string;
  readonly glibc: boolean;
  /** Undefined: it is missing or does not run here. */
  readonly launcher: string | undefined;
  /** Version of the kernel's interface, 0: none. */
  readonly landlockAbi: number;
  /** Whether this process may install seccomp filters. */
  readonly seccomp: boolean;
  /** Compiled filter of this architecture. */
  readonly filter: string | undefined;
  /** AppArmor label of this process. */
  readonly label: Label | undefined;
}

const PROBE_MS = 5_000;
const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
export const LAUNCHER = at('../../launcher/build/launcher');
const FILTERS: Readonly<Record<string, string>> = {
  x64: at('../../../../k8s/seccomp/decoder.x86_64.bpf'),
  arm64: at('../../../../k8s/seccomp/decoder.arm64.bpf'),
};

const probeSchema = z.strictObject({ landlock: z.number().int().nonnegative(), seccomp: z.boolean() });

/** @param launcher another one than the product's, for tests */
export function readFacts(launcher = LAUNCHER): Facts {
  const probe = probeWith(launcher);
  const filter = FILTERS[process.arch];
  return {
    arch: process.arch,
    glibc: readRuntimeReport().glibc,
    launcher: probe === undefined ? undefined : launcher,
    landlockAbi: probe?.landlock ?? 0,
    seccomp: probe?.seccomp ?? false,
    filter: filter !== undefined && isReadable(filter) ? filter : undefined,
    label: readLabel('self'),
  };
}

/** The launcher itself asks the kernel: it sees what a decoder will see, the filter of the pod included. */
function probeWith(launcher: string): z.output<typeof probeSchema> | undefined {
  try {
    const text = execFileSync(launcher, ['--probe'], { timeout: PROBE_MS, env: {}, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return probeSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** Label of a process; kernels with several security modules have AppArmor's files in a folder of their own. */
export function readLabel(pid: number | 'self'): Label | undefined {
  for (const file of ['attr/apparmor/current', 'attr/current']) {
    try {
      return parseLabel(readFileSync(`/proc/${pid}/${file}`, 'latin1'));
    } catch {
      // Next one: without AppArmor there is no such file, or reading it is EINVAL.
    }
  }
  return undefined;
}
