// The documentation of the matrix, from the same rows that the tests measure.

import { code, page, table } from '../scripts/generate/markdown.ts';
import { ATTEMPTS } from './attempts.ts';
import { type Attempt, type Wall, WALLS } from './attempts/attempt.ts';
import { type Column, type Expectation, NONE, REMOVABLE, WITHOUT_LANDLOCK, comesBack, isPossible, without } from './columns.ts';

/** A worker without privileges on a kernel that has everything: Landlock with scopes (6.12), and no setting that forbids. */
const DOCUMENTED: Expectation = {
  machine: { root: false, sysResource: false, ioUring: true, bpf: true, perf: true, userNamespaces: true, kernelLog: true },
  landlockAbi: 6,
  lacking: new Set(),
};

const names = (list: readonly string[]): string => (list.length === 0 ? 'none' : list.map(code).join(' '));
const back = (column: Column): string[] => comesBack(ATTEMPTS, column, DOCUMENTED);
const possible = (): number => back(NONE).length;

const MEANING: Readonly<Record<Wall, string>> = {
  no_new_privs: 'no way to more privileges', limits: 'rlimits', descriptors: 'only the pipes are open', environment: 'no variable of the worker',
  landlock_files: 'files, by Landlock', landlock_tcp: 'TCP, by Landlock', landlock_scopes: 'signals and abstract sockets, by Landlock',
  seccomp: 'the filter of system calls', wx: 'what is written never runs: rules of the filter, and `--jitless`', jitless: 'Node does not compile',
};
const wallName = (wall: Wall): string => `${code(wall)}: ${MEANING[wall]}`;

const REMOVED: readonly (readonly [string, Column])[] = [
  ...REMOVABLE.map((wall): readonly [string, Column] => [wallName(wall), without(wall)]),
  ['all three of Landlock', WITHOUT_LANDLOCK],
];

const renderWalls = (): string =>
  [
    table(['wall', 'alone it stops', 'without it these come back'], REMOVED.map(([name, column]) => [name, stopsAlone(column), names(back(column))])),
    `Of ${ATTEMPTS.length} attempts ${possible()} can succeed for a user without privileges where no wall stands; behind all walls none does, as root neither.`,
  ].join('\n\n');

/** How many of the possible attempts the missing walls of this column stop by themselves. */
function stopsAlone({ standing }: Column): string {
  const stopped = ATTEMPTS.filter((attempt) => isPossible(attempt, DOCUMENTED.machine) && attempt.heldBy.some((wall) => !standing.has(wall)));
  return `${stopped.length} of ${possible()}`;
}

const START = '<!-- generated: walls. Made by npm run generate from test-sandbox/attempts. -->';
const END = '<!-- /generated: walls -->';

/** The page with its table as it should be. @throws when it has no place for it. */
export function withWalls(text: string): string {
  const [start, end] = [text.indexOf(START), text.indexOf(END)];
  if (start < 0 || end < start) throw new Error('docs/security-model.md has no place for the table of walls');
  return `${text.slice(0, start)}${START}\n\n${renderWalls()}\n\n${text.slice(end)}`;
}

const NEED: Readonly<Record<NonNullable<Attempt['needs']>, string>> = {
  root: 'root', sysResource: 'CAP_SYS_RESOURCE', ioUring: 'kernel.io_uring_disabled=0', bpf: 'kernel.unprivileged_bpf_disabled=0', perf: 'kernel.perf_event_paranoid up to 2',
  userNamespaces: 'user namespaces for everybody', kernelLog: 'kernel.dmesg_restrict=0', unprivileged: 'a user without privileges',
};

const rowOf = ({ name, gain, told, heldBy, needs }: Attempt): string[] =>
  [code(name), gain, told, WALLS.filter((wall) => heldBy.includes(wall)).map(code).join(' '), needs === undefined ? '' : NEED[needs]];

const INTRO = `What the tests try in a decoder that is taken over. *Held by* names every wall that stops the attempt without the others, so the
attempt comes back when all of them are gone; the tests run each wall alone and all but each. *Needs* is what must be so for the attempt to be
possible at all where no wall stands.`;

export const renderAttempts = (): string =>
  page('Attempts on the decoder', 'test-sandbox/attempts', [INTRO, table(['attempt', 'what it would give', 'how success is told', 'held by', 'needs'], ATTEMPTS.map(rowOf))]);
