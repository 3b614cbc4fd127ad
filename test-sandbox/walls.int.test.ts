// Behind all walls nothing succeeds; and the same suite fails when a wall is missing.

import { afterAll, describe, expect, it } from '@jest/globals';
import { ATTEMPTS, POSSIBLE } from './attempts.ts';
import { ALL, NONE, WITHOUT_LANDLOCK, isPossible, without } from './columns.ts';
import { type Outcome, makeSetuid, rootProblem, runProbe, unprivilegedProblem } from './run-probe.ts';

const RUN_MS = 240_000;
const setuid = makeSetuid();
afterAll(() => setuid.remove());
const problem = unprivilegedProblem();
/** The product's worker is nobody in particular; as root the kernel itself refuses nothing. */
const USERS = [
  { user: 'nobody in particular', root: false, skip: problem },
  { user: 'root', root: true, skip: rootProblem() },
] as const;

const absentIn = ({ machine, summary }: Outcome): string[] =>
  summary.absent.filter((name) => ATTEMPTS.some((attempt) => attempt.name === name && attempt.mayLack !== true && isPossible(attempt, machine)));

describe.each(USERS)('as $user', ({ root, skip }) => {
  const test = skip === undefined ? it : it.skip;
  const why = skip === undefined ? '' : ` (skipped: ${skip})`;

  test.each(['raster', 'svg'] as const)(`no attempt succeeds in a %s decoder${why}`, async (of) => {
    const outcome = await runProbe({ column: ALL, root, class: of, ...(root ? {} : { setuid: setuid.path }) });
    expect(outcome.summary).toMatchObject({ held: true, succeeded: [], wrong: [], attempts: ATTEMPTS.length });
    expect(absentIn(outcome)).toEqual([]);
    // Whoever tries what no decoder does must be heard of.
    expect(outcome.summary.killed).toBeGreaterThan(20);
  }, RUN_MS);

  test(`attempts succeed where no wall stands${why}`, async () => {
    const { summary, machine } = await runProbe({ column: NONE, root, ...(root ? {} : { setuid: setuid.path }) });
    expect(summary.held).toBe(false);
    expect(summary.wrong).toEqual([]);
    const must = ATTEMPTS.filter((attempt) => isPossible(attempt, machine) && attempt.mayLack !== true).map(({ name }) => name);
    expect(summary.succeeded).toEqual(expect.arrayContaining(must));
  }, RUN_MS);

  test.each([
    ['without the filter', { column: without('seccomp') }, 'udp_send'],
    ['without Landlock', { column: WITHOUT_LANDLOCK }, 'open_passwd'],
    ['with a filter that allows everything', { column: ALL, filter: 'allow' }, 'udp_send'],
    ['with a filter that only logs', { column: ALL, filter: 'log' }, 'udp_send'],
  ] as const)(`the suite fails %s${why}`, async (_, order, name) => {
    const { summary } = await runProbe({ ...order, root, ...(root ? {} : { setuid: setuid.path }) });
    expect(summary.held).toBe(false);
    expect(summary.succeeded).toContain(name);
  }, RUN_MS);
});

describe('what the documentation calls possible', () => {
  it('is possible behind all walls', async () => {
    const { summary } = await runProbe({ column: ALL, root: false, only: POSSIBLE });
    expect(summary.succeeded).toEqual([...POSSIBLE]);
  }, RUN_MS);
});
