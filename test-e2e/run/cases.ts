// Which cases there are, and which run where. A case is a file tc-NN-<what>.test.ts; those with `-policy` in the name say
// what a NetworkPolicy does, and run on each engine.

import { readdirSync } from 'node:fs';

export const ENGINES = ['netpol', 'cilium'] as const;
export type Engine = (typeof ENGINES)[number];

const CASE = /^(tc-.+)\.test\.ts$/;

/** Names of all cases in `folder` that match one of the filters; all without a filter. */
export const findCases = (folder: string, filters: readonly string[]): readonly string[] =>
  readdirSync(folder).flatMap((file) => CASE.exec(file)?.[1] ?? []).filter((name) => filters.length === 0 || filters.some((filter) => name.includes(filter))).toSorted();

/** The small engine serves all cases; Cilium those that are about policies. */
export const casesOf = (engine: Engine, cases: readonly string[]): readonly string[] =>
  engine === 'netpol' ? cases : cases.filter((name) => name.includes('-policy'));

export const needsSkaffold = (cases: readonly string[]): boolean => cases.some((name) => name.includes('skaffold'));

export interface Options {
  readonly filters: readonly string[];
  /** Leaves the cluster as it is afterwards, and takes one that is up. */
  readonly isKept: boolean;
  /** Undefined: both, one after the other. */
  readonly engine: Engine | undefined;
}

/** @throws Error for an engine that does not exist. */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): Options {
  const asked = env['ENGINE'];
  const engine = ENGINES.find((known) => known === asked);
  if (asked !== undefined && asked !== '' && engine === undefined) throw new Error(`ENGINE is ${asked}: write one of ${ENGINES.join(', ')}`);
  return { filters: args.filter((arg) => !arg.startsWith('--')), isKept: args.includes('--keep'), engine };
}
