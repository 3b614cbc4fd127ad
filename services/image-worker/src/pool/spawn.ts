// The one place that starts a decoder. The kernel sandbox will wrap the same command here.
// rlimits come from the shell before node starts, so that not even its loading runs without them; a limit that cannot be
// set fails the start. The environment is empty: NODE_OPTIONS, proxies and secrets must not reach a process that is
// meant to be taken over.

import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { LIMITS } from '@sekisho/contracts';
import type { ProcessClass } from './isolation.ts';

const DECODER = fileURLToPath(new URL('../decoder/main.cjs', import.meta.url));
const KiB = 1_024;

/** RLIMIT_CPU stands behind the worker's own measurement, for the case that the worker itself hangs. */
const RLIMIT_CPU_S: Readonly<Record<ProcessClass, number>> = { raster: (2 * LIMITS.decodeCpuMs) / 1_000, svg: (2 * LIMITS.svgCpuMs) / 1_000 };
const FILES_MAX = 64;
const NICE = 10;

/** Written once and run by `sh -c`; the command follows as its arguments, so nothing is ever quoted into it. */
const limitedBy = (cpuSeconds: number, dataBytes: number): string =>
  [
    'ulimit -c 0',
    `ulimit -d ${dataBytes / KiB}`,
    `ulimit -t ${cpuSeconds}`,
    'ulimit -f 0',
    `ulimit -n ${FILES_MAX}`,
    `exec nice -n ${NICE} "$@"`,
  ].join(' && ');

export type SpawnDecoder = (of: ProcessClass) => ChildProcess;

export interface SpawnOptions {
  /** For tests: another script than the decoder. */
  readonly script?: string;
  readonly dataBytesMax?: number;
}

/** Starts decoders; an impossible start shows as an `error` or `exit` event of the child. */
export function createSpawn(options: SpawnOptions = {}): SpawnDecoder {
  const { script = DECODER, dataBytesMax = LIMITS.decodeDataBytesMax } = options;
  return (of) =>
    spawn('/bin/sh', ['-c', limitedBy(RLIMIT_CPU_S[of], dataBytesMax), 'decoder', process.execPath, '--jitless', script, of], {
      stdio: ['pipe', 'pipe', 'pipe'],
      // Two settings of glibc hold a reused process at 84 instead of 123 MB; without OPENSSL_CONF node reads a file.
      env: { OPENSSL_CONF: '/dev/null', MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072' },
      cwd: '/',
    });
}
