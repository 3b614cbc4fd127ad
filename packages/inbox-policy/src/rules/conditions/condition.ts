// `when` of a rule: all, any and not around comparisons. Three values: what is not known stays unknown through `not`, so
// that a missing fact never makes a rule act.

import { RULES_LIMITS } from '../limits.ts';
import { type Costs, type Test, type Truth, compileComparison } from './comparison.ts';

export type Path = readonly (string | number)[];

export interface ConditionScope {
  readonly listIds: ReadonlySet<string>;
  readonly costs: Costs;
  /** Names of all fields that are compared, also where an earlier condition decides. */
  readonly fields: Set<string>;
  readonly problem: (path: Path, message: string) => void;
  /** Comparisons of this rule so far. */
  comparisons: number;
}

const GROUPS = ['all', 'any'] as const;

/** undefined after at least one problem. */
export function compileCondition(raw: unknown, path: Path, scope: ConditionScope): Test | undefined {
  return compileAt(raw, { path, depth: 1 }, scope);
}

interface Place {
  readonly path: Path;
  readonly depth: number;
}

function compileAt(raw: unknown, { path, depth }: Place, scope: ConditionScope): Test | undefined {
  if (!isRecord(raw)) return fail(scope, path, 'must be all, any, not or a comparison of field, op and value');
  if (depth > RULES_LIMITS.nestingMax) return fail(scope, path, `is nested deeper than ${RULES_LIMITS.nestingMax}`);
  if (Object.hasOwn(raw, 'field') || Object.hasOwn(raw, 'op')) return compileLeaf(raw, path, scope);
  const [key, ...rest] = Object.keys(raw);
  if (key === undefined || rest.length > 0) return fail(scope, path, 'must have exactly one of all, any, not, or be a comparison');
  const inner = { path: [...path, key], depth: depth + 1 };
  if (key === 'not') return negated(compileAt(raw['not'], inner, scope));
  const group = GROUPS.find((name) => name === key);
  return group === undefined ? fail(scope, inner.path, 'is not known: all, any, not or a comparison') : compileGroup(group, raw[group], inner, scope);
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

function fail(scope: ConditionScope, path: Path, message: string): undefined {
  scope.problem(path, message);
}

function compileLeaf(raw: Readonly<Record<string, unknown>>, path: Path, scope: ConditionScope): Test | undefined {
  scope.comparisons += 1;
  if (scope.comparisons > RULES_LIMITS.comparisonsMax) {
    // Said once.
    return scope.comparisons === RULES_LIMITS.comparisonsMax + 1 ? fail(scope, path, `is one comparison more than a rule may have (${RULES_LIMITS.comparisonsMax})`) : undefined;
  }
  if (typeof raw['field'] === 'string') scope.fields.add(raw['field']);
  return compileComparison(raw, { listIds: scope.listIds, costs: scope.costs, problem: (key, message) => scope.problem([...path, key], message) });
}

function compileGroup(group: 'all' | 'any', raw: unknown, { path, depth }: Place, scope: ConditionScope): Test | undefined {
  if (!Array.isArray(raw) || raw.length === 0) return fail(scope, path, 'must be a list of conditions');
  const tests: (Test | undefined)[] = [];
  for (const [at, item] of raw.entries()) {
    if (scope.comparisons > RULES_LIMITS.comparisonsMax) return undefined;
    tests.push(compileAt(item, { path: [...path, at], depth }, scope));
  }
  const compiled = tests.filter((test) => test !== undefined);
  if (compiled.length < tests.length) return undefined;
  return group === 'all' ? (fields, lists) => every(compiled, (test) => test(fields, lists)) : (fields, lists) => some(compiled, (test) => test(fields, lists));
}

/** The first false decides, what comes after it is not read. */
function every(tests: readonly Test[], run: (test: Test) => Truth): Truth {
  let truth: Truth = true;
  for (const test of tests) {
    const found = run(test);
    if (found === false) return false;
    if (found === undefined) truth = undefined;
  }
  return truth;
}

function some(tests: readonly Test[], run: (test: Test) => Truth): Truth {
  let truth: Truth = false;
  for (const test of tests) {
    const found = run(test);
    if (found === true) return true;
    if (found === undefined) truth = undefined;
  }
  return truth;
}

const negated = (test: Test | undefined): Test | undefined =>
  (test === undefined ? undefined : (fields, lists) => {
    const truth = test(fields, lists);
    return truth === undefined ? undefined : !truth;
  });
