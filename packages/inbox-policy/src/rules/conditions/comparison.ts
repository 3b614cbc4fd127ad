// One comparison of a rule: checked against the kind of its field when the file is read, so that a rule that can never
// hold is a mistake with a line and not a silent hole.

import type { FieldKind } from '../fields/table.ts';
import { fieldRow } from '../fields/table.ts';
import type { Fields } from '../fields/fields.ts';
import { RULES_LIMITS } from '../limits.ts';
import { holdsHost, readHost } from '../lists/host.ts';
import type { HostLists } from '../lists/host-lists.ts';
import { fold } from '../text/fold.ts';
import { readNetworks } from './network.ts';
import { KINDS, type Operator, OPERATOR_NAMES, TAKES_LIST, TAKES_SEVERAL, isOperator } from './operators.ts';
import { compilePattern } from './regex.ts';
import { compareVersions, readVersion } from './version.ts';
import { type Window, readWindow } from './window.ts';

/** true, false or unknown. */
export type Truth = boolean | undefined;
export type Test = (fields: Fields, lists: HostLists) => Truth;

/** What the comparisons of a file may cost together. */
export interface Costs {
  needles: number;
  regexes: number;
  programs: number;
}

export interface ComparisonScope {
  readonly listIds: ReadonlySet<string>;
  readonly costs: Costs;
  /** Adds a problem; `key` names the part of the comparison that has it. */
  readonly problem: (key: string, message: string) => void;
}

interface Given {
  readonly field: string;
  readonly kind: FieldKind;
  readonly exact: boolean;
  readonly op: Operator;
}

const KEYS: ReadonlySet<string> = new Set(['field', 'op', 'value', 'list']);

/** undefined after at least one problem. */
export function compileComparison(raw: Readonly<Record<string, unknown>>, scope: ComparisonScope): Test | undefined {
  const unknown = Object.keys(raw).find((key) => !KEYS.has(key));
  if (unknown !== undefined) return fail(scope, unknown, 'is not known; a comparison has field, op and value or list');
  const given = readGiven(raw, scope);
  if (given === undefined) return undefined;
  const { value, list } = raw;
  if (list !== undefined) return value === undefined ? listTest(given, list, scope) : fail(scope, 'list', 'stands beside a value; one of them is enough');
  if (value === undefined) return fail(scope, 'value', 'is missing');
  return valueTest(given, value, scope);
}

function fail(scope: ComparisonScope, key: string, message: string): undefined {
  scope.problem(key, message);
}

function readGiven({ field, op }: Readonly<Record<string, unknown>>, scope: ComparisonScope): Given | undefined {
  if (typeof field !== 'string') return fail(scope, 'field', 'must be the name of a field');
  const row = fieldRow(field);
  if (row === undefined) return fail(scope, 'field', `${JSON.stringify(field.slice(0, 80))} is no field; docs/reference/inbox-fields.md lists them`);
  if (typeof op !== 'string' || !isOperator(op)) return fail(scope, 'op', `must be one of ${OPERATOR_NAMES.join(', ')}`);
  const { operators } = KINDS[row.kind];
  if (!operators.includes(op)) return fail(scope, 'op', `${op} does not go with ${field}, which takes ${operators.join(', ')}`);
  return { field, kind: row.kind, exact: row.exact === true, op };
}

function listTest({ field, kind, op }: Given, list: unknown, scope: ComparisonScope): Test | undefined {
  if (!TAKES_LIST.has(op) || (kind !== 'host' && kind !== 'hosts')) return fail(scope, 'list', 'goes with in and overlaps of hosts only');
  if (typeof list !== 'string' || !scope.listIds.has(list)) return fail(scope, 'list', `${JSON.stringify(list)?.slice(0, 80) ?? ''} is the id of no list below lists`);
  return (fields, lists) => {
    const hosts = textsOf(fields.get(field));
    return hosts === undefined ? undefined : any(hosts.map((host) => lists.holds(list, host)));
  };
}

function valueTest(given: Given, value: unknown, scope: ComparisonScope): Test | undefined {
  const { kind, op, field } = given;
  if (kind === 'number') return numberTest(field, op, value, scope);
  if (kind === 'flag') {
    if (typeof value !== 'boolean') return fail(scope, 'value', 'must be true or false');
    return ({ get }) => sameOrUnknown(get(field), value);
  }
  const texts = readTexts(op, value, scope);
  if (texts === undefined) return undefined;
  if (op === 'regex') return regexTest(field, texts, scope);
  if (kind === 'version') return versionTest({ field, op }, texts, scope);
  if (kind === 'time') return timeTest(field, texts, scope);
  if (kind === 'network') return networkTest(field, texts, scope);
  return kind === 'host' || kind === 'hosts' ? hostTest(field, texts, scope) : textTest(given, texts, scope);
}

const holds = (op: Operator, difference: number): boolean => (op === 'gte' ? difference >= 0 : op === 'lte' ? difference <= 0 : difference === 0);

function numberTest(field: string, op: Operator, value: unknown, scope: ComparisonScope): Test | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value)) return fail(scope, 'value', 'must be a number');
  return ({ get }) => {
    const found = get(field);
    if (typeof found !== 'number') return undefined;
    return holds(op, found - value);
  };
}

const sameOrUnknown = (found: unknown, value: boolean): Truth => (typeof found === 'boolean' ? found === value : undefined);

function readTexts(op: Operator, value: unknown, scope: ComparisonScope): readonly string[] | undefined {
  if (typeof value === 'string' && !TAKES_LIST.has(op)) return checkTexts([value], op, scope);
  if (Array.isArray(value) && (TAKES_LIST.has(op) || TAKES_SEVERAL.has(op))) return checkTexts(value, op, scope);
  const what = TAKES_LIST.has(op) ? 'a list of texts' : TAKES_SEVERAL.has(op) ? 'a text or a list of texts' : 'a text';
  return fail(scope, 'value', `must be ${what}${typeof value === 'number' || typeof value === 'boolean' ? ': put it in quotes' : ''}`);
}

function checkTexts(texts: readonly unknown[], op: Operator, scope: ComparisonScope): readonly string[] | undefined {
  const entriesMax = op === 'regex' ? RULES_LIMITS.patternsMax : RULES_LIMITS.valuesMax;
  const charsMax = op === 'regex' ? RULES_LIMITS.patternCharsMax : RULES_LIMITS.valueCharsMax;
  if (texts.length === 0) return fail(scope, 'value', 'must not be empty');
  if (texts.length > entriesMax) return fail(scope, 'value', `must have at most ${entriesMax} entries`);
  const strings = texts.filter((text) => typeof text === 'string');
  if (strings.length < texts.length) return fail(scope, 'value', 'must hold texts only: put numbers in quotes');
  if (strings.some((text) => text.length > charsMax)) return fail(scope, 'value', `must be at most ${charsMax} characters long`);
  // An empty text is contained in every text.
  if (op !== 'eq' && strings.includes('')) return fail(scope, 'value', 'must not be an empty text');
  return strings;
}

function regexTest(field: string, texts: readonly string[], scope: ComparisonScope): Test | undefined {
  const compiled = compilePattern(texts);
  if (!compiled.ok) return fail(scope, 'value', compiled.detail);
  const { pattern } = compiled;
  scope.costs.regexes += 1;
  scope.costs.programs += pattern.size;
  return ({ get }) => textsOf(get(field))?.some((text) => pattern.test(text));
}

function networkTest(field: string, texts: readonly string[], scope: ComparisonScope): Test | undefined {
  const networks = readNetworks(texts);
  if (networks === undefined) return fail(scope, 'value', 'must be addresses or prefixes such as 203.0.113.0/24');
  return ({ get }) => {
    const found = get(field);
    return typeof found === 'string' ? networks.hold(found) : undefined;
  };
}

function versionTest({ field, op }: Pick<Given, 'field' | 'op'>, [text = '']: readonly string[], scope: ComparisonScope): Test | undefined {
  const version = readVersion(text);
  if (version === undefined) return fail(scope, 'value', 'must be a version such as 2026.3.2');
  return ({ get }) => {
    const value = get(field);
    const found = typeof value === 'string' ? readVersion(value) : undefined;
    return found === undefined ? undefined : holds(op, compareVersions(found, version));
  };
}

function timeTest(field: string, texts: readonly string[], scope: ComparisonScope): Test | undefined {
  const windows: Window[] = [];
  for (const text of texts) {
    const read = readWindow(text);
    if (!read.ok) return fail(scope, 'value', read.detail);
    windows.push(read.window);
  }
  return ({ get }) => {
    const found = get(field);
    return typeof found === 'number' ? windows.some((window) => window.holds(found)) : undefined;
  };
}

/** eq, in, contains and overlaps are the same here: one of the hosts is, or lies below, one of the values. */
function hostTest(field: string, texts: readonly string[], scope: ComparisonScope): Test | undefined {
  const hosts = new Set<string>();
  for (const text of texts) {
    const read = readHost(text);
    if (!read.ok) return fail(scope, 'value', read.detail);
    hosts.add(read.host);
  }
  return ({ get }) => textsOf(get(field))?.some((host) => holdsHost(hosts, host));
}

function textTest({ field, kind, op, exact }: Given, texts: readonly string[], scope: ComparisonScope): Test | undefined {
  const values = exact ? texts : texts.map(fold);
  const read = (fields: Fields): readonly string[] | undefined => textsOf(exact ? fields.get(field) : fields.folded(field));
  if (op === 'contains' && kind === 'text') {
    scope.costs.needles += values.length;
    return (fields) => read(fields)?.some((text) => values.some((value) => text.includes(value)));
  }
  const set = new Set(values);
  return (fields) => read(fields)?.some((text) => set.has(text));
}

function textsOf(value: unknown): readonly string[] | undefined {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : undefined;
}

/** Whether any is true; else unknown if any is unknown. */
export function any(truths: readonly Truth[]): Truth {
  if (truths.includes(true)) return true;
  return truths.includes(undefined) ? undefined : false;
}
