// All attempts.

import type { Attempt } from './attempts/attempt.ts';
import { FILE_ATTEMPTS } from './attempts/files.ts';
import { KERNEL_ATTEMPTS } from './attempts/kernel.ts';
import { MEMORY_ATTEMPTS } from './attempts/memory.ts';
import { NETWORK } from './attempts/network.ts';
import { PROCESS_ATTEMPTS } from './attempts/processes.ts';
import { WORKER_ATTEMPTS } from './attempts/worker.ts';

export const ATTEMPTS: readonly Attempt[] = [...NETWORK, ...FILE_ATTEMPTS, ...PROCESS_ATTEMPTS, ...MEMORY_ATTEMPTS, ...KERNEL_ATTEMPTS, ...WORKER_ATTEMPTS];

/** Behind all walls these work; the documentation says so. */
export const POSSIBLE = ['stat_file', 'machine_load', 'new_thread'] as const;
