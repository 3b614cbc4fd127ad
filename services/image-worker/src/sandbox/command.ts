// The command line of a decoder: launcher, its options, node, script. Pure; nothing is ever quoted, there is no shell.

import type { ClassLimits } from '@sekisho/contracts';
import type { ProcessClass } from '../pool/isolation.ts';
import type { DecoderPaths } from './paths.ts';
import { type Sandbox, stackedProfile } from './plan.ts';

export type ProcessLimits = Pick<ClassLimits, 'processCpuS' | 'dataBytesMax'>;

const FILES_MAX = 64;
const NICE = 10;
const NICE_MAX = 19;

export type Rlimit = 'CORE' | 'CPU' | 'DATA' | 'FSIZE' | 'NOFILE';

export interface Order {
  readonly sandbox: Sandbox;
  readonly limits: ProcessLimits;
  readonly paths: DecoderPaths;
  readonly node: string;
  readonly script: string;
  readonly class: ProcessClass;
  /** Of the worker: a decoder dies with it. */
  readonly parentPid: number;
  /** Priority of the worker, which a decoder stays below. */
  readonly parentNice: number;
}

/** Program first. Without a launcher node itself, without any wall. */
export function decoderCommand(order: Order): readonly [string, ...string[]] {
  const program = [order.node, '--jitless', order.script, order.class] as const;
  const { launcher } = order.sandbox;
  return launcher === undefined ? program : [launcher, ...launcherOptions(order), '--', ...program];
}

function launcherOptions({ sandbox, limits, paths, parentPid, parentNice }: Order): string[] {
  const profile = stackedProfile(sandbox);
  return [
    '--parent', String(parentPid),
    '--nice', String(Math.min(NICE_MAX, Math.max(0, parentNice) + NICE)),
    ...(sandbox.layers.limits ? limitOptions(limits) : []),
    ...(profile === undefined ? [] : ['--stack', profile]),
    ...(sandbox.layers.landlock_files ? landlockOptions(paths) : []),
    ...(sandbox.filter === undefined ? [] : ['--filter', sandbox.filter]),
  ];
}

/** By their names for the launcher: no core, no file of any length, few descriptors. */
export const rlimitsOf = ({ processCpuS, dataBytesMax }: ProcessLimits): Readonly<Record<Rlimit, number>> =>
  ({ CORE: 0, CPU: processCpuS, DATA: dataBytesMax, FSIZE: 0, NOFILE: FILES_MAX });

const limitOptions = (limits: ProcessLimits): string[] => Object.entries(rlimitsOf(limits)).flatMap(([name, value]) => ['--limit', `${name}=${value}`]);

const landlockOptions = ({ run, read }: DecoderPaths): string[] =>
  ['--landlock', ...run.flatMap((path) => ['--run', path]), ...read.flatMap((path) => ['--read', path])];
