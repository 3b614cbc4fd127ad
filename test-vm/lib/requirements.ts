// What the machine needs. Anything missing is a reason to skip its tests, said in one sentence.

import { totalmem } from 'node:os';
import { MissingProgram, ensurePrograms } from '../../scripts/set-up/programs.ts';
import { NoKernel, ensureKernel } from './kernel.ts';

const MEMORY_GIB_MIN = 3;

/** Why there can be no machine here; undefined: there can. Installs Debian packages and fetches the kernel that are missing. */
export function vmProblem(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'Linux on x86_64 is needed';
  if (totalmem() < MEMORY_GIB_MIN * 1024 ** 3) return `${MEMORY_GIB_MIN} GiB of memory are needed`;
  try {
    ensurePrograms(['qemu-system-x86_64', 'apparmor_parser', 'runc', 'busybox', 'redis-server', 'gcc', 'libc.a']);
    ensureKernel();
    return undefined;
  } catch (error) {
    if (error instanceof MissingProgram || error instanceof NoKernel) return error.message.replaceAll('\n', '; ');
    throw error;
  }
}
