// Which attempts come back behind each set of walls: exactly those that the table says.
// A wall that goes alone shows what it alone holds; a wall that stands alone shows all that it holds. no_new_privs cannot go
// alone: without it the kernel takes neither a filter nor Landlock from a process that is not root.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFacts } from '../services/image-worker/src/sandbox/facts.ts';
import { ATTEMPTS } from './attempts.ts';
import { ALL, COLUMNS, type Column, NONE, WITHOUT_LANDLOCK, comesBack, hasWall, isPossible, without } from './columns.ts';
import { type Outcome, makeSetuid, rootProblem, runProbe, unprivilegedProblem } from './run-probe.ts';

const RUN_MS = 240_000;
const { landlockAbi: abi } = readFacts();
const setuid = makeSetuid();
afterAll(() => setuid.remove());
const problem = unprivilegedProblem();

/** Walls that a column is about, and whether this kernel has them. */
const lacks = ({ name, standing }: Column): string | undefined => {
  const wall = (['landlock_tcp', 'landlock_scopes', 'landlock_files'] as const).find((each) => !hasWall(each, abi) && (name.endsWith(` ${each}`) || standing.size === 2));
  return wall === undefined ? undefined : `Landlock of this kernel (version ${abi}) has no ${wall}`;
};

async function measure(column: Column, root: boolean, lacking: ReadonlySet<string>): Promise<{ readonly got: readonly string[]; readonly expected: readonly string[]; readonly wrong: readonly string[] }> {
  const { machine, summary } = await runProbe({ column, root, ...(root ? {} : { setuid: setuid.path }) });
  return { got: summary.succeeded.toSorted(), expected: comesBack(ATTEMPTS, column, { machine, landlockAbi: abi, lacking }).toSorted(), wrong: summary.wrong };
}

/** Attempts that fail even where no wall stands, because this kernel or machine has nothing there. */
const lackingIn = ({ machine, summary }: Outcome): string[] =>
  ATTEMPTS.filter((attempt) => attempt.mayLack === true && isPossible(attempt, machine) && !summary.succeeded.includes(attempt.name)).map(({ name }) => name);

describe.each([
  { user: 'nobody in particular', root: false, skip: problem, columns: COLUMNS },
  { user: 'root', root: true, skip: rootProblem(), columns: [ALL, NONE, without('limits'), without('seccomp'), without('wx'), WITHOUT_LANDLOCK] },
])('as $user', ({ root, skip, columns }) => {
  let lacking: ReadonlySet<string> = new Set();
  beforeAll(async () => {
    if (skip !== undefined) return;
    lacking = new Set(lackingIn(await runProbe({ column: NONE, root, ...(root ? {} : { setuid: setuid.path }) })));
    if (lacking.size > 0) process.stdout.write(`not tried, this machine has nothing there: ${[...lacking].join(' ')}\n`);
  }, RUN_MS);

  for (const column of columns) {
    const why = skip ?? lacks(column);
    const test = why === undefined ? it : it.skip;
    test(`${column.name}${why === undefined ? '' : ` (skipped: ${why})`}`, async () => {
      const { got, expected, wrong } = await measure(column, root, lacking);
      expect({ back: got, wrong }).toEqual({ back: expected, wrong: [] });
    }, RUN_MS);
  }
});
