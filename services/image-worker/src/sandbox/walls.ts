// The walls of a running decoder, read back from the kernel: that the launcher was told is no proof that they stand.
// Landlock cannot be read back; there the launcher ends the start when the kernel refuses.

import { readFileSync } from 'node:fs';
import { type ProcessLimits, type Rlimit, rlimitsOf } from './command.ts';
import { readLabel } from './facts.ts';
import { type Label, decoderLabel } from './label.ts';
import { type SandboxLayer, namesOf } from './layers.ts';
import type { Sandbox } from './plan.ts';

export interface Walls {
  readonly noNewPrivs: boolean;
  /** 2: filters are in force. */
  readonly seccompMode: number;
  readonly seccompFilters: number;
  /** Soft limits equal to their hard ones; others count as none. */
  readonly rlimits: ReadonlyMap<Rlimit, number>;
  readonly label: Label | undefined;
}

const FILTER_MODE = 2;
const RLIMITS = ['CORE', 'CPU', 'DATA', 'FSIZE', 'NOFILE'] as const satisfies readonly Rlimit[];

const numberOf = (status: string, name: string): number => Number(new RegExp(`^${name}:\\t(\\d+)$`, 'm').exec(status)?.[1] ?? 0);

/** Text of /proc/PID/status. */
export const parseStatus = (status: string): Pick<Walls, 'noNewPrivs' | 'seccompMode' | 'seccompFilters'> => ({
  noNewPrivs: numberOf(status, 'NoNewPrivs') === 1,
  seccompMode: numberOf(status, 'Seccomp'),
  seccompFilters: numberOf(status, 'Seccomp_filters'),
});

const LIMIT_NAMES: Readonly<Record<Rlimit, string>> = { CORE: 'core file size', CPU: 'cpu time', DATA: 'data size', FSIZE: 'file size', NOFILE: 'open files' };

/** Text of /proc/PID/limits. */
export function parseLimits(limits: string): ReadonlyMap<Rlimit, number> {
  const found = new Map<Rlimit, number>();
  for (const name of RLIMITS) {
    const match = new RegExp(`^Max ${LIMIT_NAMES[name]} +(\\d+) +(\\d+) `, 'm').exec(limits);
    if (match !== null && match[1] === match[2]) found.set(name, Number(match[1]));
  }
  return found;
}

/** @throws when the kernel does not tell */
export const readWalls = (pid: number | 'self'): Walls => ({
  ...parseStatus(readFileSync(`/proc/${pid}/status`, 'latin1')),
  rlimits: parseLimits(readFileSync(`/proc/${pid}/limits`, 'latin1')),
  label: readLabel(pid),
});

export interface AskedWalls {
  readonly sandbox: Sandbox;
  readonly limits: ProcessLimits;
}

type Stands = (decoder: Walls, asked: AskedWalls, own: Walls) => boolean;

const STANDS: Readonly<Partial<Record<SandboxLayer, Stands>>> = {
  no_new_privs: ({ noNewPrivs }) => noNewPrivs,
  limits: ({ rlimits }, { limits }) => RLIMITS.every((name) => rlimits.get(name) === rlimitsOf(limits)[name]),
  // Filters of the worker's container count in its decoders too.
  seccomp: ({ seccompMode, seccompFilters }, _asked, own) => seccompMode === FILTER_MODE && seccompFilters > own.seccompFilters,
  apparmor: ({ label }, { sandbox: { profile } }) => profile !== undefined && label?.name === decoderLabel(profile) && label.mode === 'enforce',
};

/**
 * Layers that were asked for and are not there.
 * @param own walls of the worker
 */
export const missingWalls = (asked: AskedWalls, own: Walls, decoder: Walls): SandboxLayer[] =>
  namesOf(asked.sandbox.layers, true).filter((layer) => STANDS[layer]?.(decoder, asked, own) === false);
