// The columns of the matrix: which walls stand, and which attempts then come back. Pure.

import { type Attempt, type Wall, WALLS } from './attempts/attempt.ts';
import type { Machine } from './probe/machine.ts';

export interface Column {
  readonly name: string;
  readonly standing: ReadonlySet<Wall>;
}

/** What falls with a wall: without the filter there is no rule on memory; without this rule Node compiles. */
const FALLS_WITH: Partial<Record<Wall, readonly Wall[]>> = { seccomp: ['wx'], wx: ['jitless'] };
/** What a wall cannot stand without: the rule on memory ends a Node that compiles. */
const NEEDS: Partial<Record<Wall, readonly Wall[]>> = { wx: ['jitless'] };

/** Landlock and seccomp ask for no_new_privs, and the launcher sets it first: it cannot go alone. */
export const REMOVABLE: readonly Wall[] = WALLS.filter((wall) => wall !== 'no_new_privs' && wall !== 'jitless');

export const without = (...walls: readonly Wall[]): Column => {
  const gone = new Set(walls.flatMap((wall) => [wall, ...(FALLS_WITH[wall] ?? [])]));
  return { name: `without ${walls.join(', ')}`, standing: new Set(WALLS.filter((wall) => !gone.has(wall))) };
};

export const only = (wall: Wall): Column => ({ name: `only ${wall}`, standing: new Set<Wall>(['no_new_privs', wall, ...(NEEDS[wall] ?? [])]) });

export const ALL: Column = { name: 'all', standing: new Set(WALLS) };
export const NONE: Column = { name: 'none', standing: new Set() };
export const WITHOUT_LANDLOCK = without('landlock_files', 'landlock_tcp', 'landlock_scopes');

export const COLUMNS: readonly Column[] = [ALL, NONE, ...REMOVABLE.map((wall) => without(wall)), WITHOUT_LANDLOCK, ...WALLS.map(only)];

/** Interface versions of Landlock with rules for TCP, and with scopes. */
const LANDLOCK_ABI: Partial<Record<Wall, number>> = { landlock_files: 1, landlock_tcp: 4, landlock_scopes: 6 };
export const hasWall = (wall: Wall, landlockAbi: number): boolean => landlockAbi >= (LANDLOCK_ABI[wall] ?? 0);

/** Whether the attempt can succeed here at all where no wall stands. */
export const isPossible = ({ needs }: Attempt, machine: Machine): boolean => {
  if (needs === undefined) return true;
  return needs === 'unprivileged' ? !machine.root : machine[needs];
};

export interface Expectation {
  readonly machine: Machine;
  readonly landlockAbi: number;
  /** Attempts for which this kernel has nothing to attack. */
  readonly lacking: ReadonlySet<string>;
}

/** Names of the attempts that succeed behind these walls. */
export const comesBack = (attempts: readonly Attempt[], { standing }: Column, { machine, landlockAbi, lacking }: Expectation): string[] =>
  attempts
    .filter((attempt) => isPossible(attempt, machine) && !lacking.has(attempt.name))
    .filter(({ heldBy }) => !heldBy.some((wall) => standing.has(wall) && hasWall(wall, landlockAbi)))
    .map(({ name }) => name);
