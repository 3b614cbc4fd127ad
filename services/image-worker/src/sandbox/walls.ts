// The walls of a running decoder, read back from the kernel: that the launcher was told is no proof that they stand.
// Landlock cannot be read back; there the launcher ends the start when the kernel refuses.

import { readFileSync } from 'node:fs';
import { readLabel } from './facts.ts';
import { type Label, decoderLabel } from './label.ts';
import type { SandboxLayer } from './layers.ts';
import type { Sandbox } from './plan.ts';

export interface Walls {
  readonly noNewPrivs: boolean;
  /** 2: filters are in force. */
  readonly seccompMode: number;
  readonly seccompFilters: number;
  readonly label: Label | undefined;
}

const FILTER_MODE = 2;

const numberOf = (status: string, name: string): number => Number(new RegExp(`^${name}:\\t(\\d+)$`, 'm').exec(status)?.[1] ?? 0);

/** Text of /proc/PID/status. */
export const parseStatus = (status: string): Omit<Walls, 'label'> => ({
  noNewPrivs: numberOf(status, 'NoNewPrivs') === 1,
  seccompMode: numberOf(status, 'Seccomp'),
  seccompFilters: numberOf(status, 'Seccomp_filters'),
});

/** @throws when the kernel does not tell */
export const readWalls = (pid: number | 'self'): Walls => ({ ...parseStatus(readFileSync(`/proc/${pid}/status`, 'latin1')), label: readLabel(pid) });

/**
 * Layers that were asked for and are not there.
 * @param own walls of the worker: filters of its container count in its decoders too
 */
export function missingWalls(sandbox: Sandbox, own: Walls, decoder: Walls): SandboxLayer[] {
  const { layers, profile } = sandbox;
  const missing: SandboxLayer[] = [];
  if (layers.no_new_privs && !decoder.noNewPrivs) missing.push('no_new_privs');
  const filtered = decoder.seccompMode === FILTER_MODE && decoder.seccompFilters > own.seccompFilters;
  if (layers.seccomp && !filtered) missing.push('seccomp');
  const labelled = profile !== undefined && decoder.label?.name === decoderLabel(profile) && decoder.label.mode === 'enforce';
  if (layers.apparmor && !labelled) missing.push('apparmor');
  return missing;
}
