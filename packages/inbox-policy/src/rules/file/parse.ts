// Text of the rules file to rules. A problem names its line; one problem refuses the whole file.

import { type LineOf, type Problem, nameOf, problemsError, readYaml, schemaProblems } from '../../yaml/index.ts';
import { BUILTIN_SETS } from '../builtin/sets.ts';
import type { Costs, Test } from '../conditions/comparison.ts';
import { type Path, compileCondition } from '../conditions/condition.ts';
import { RULES_LIMITS } from '../limits.ts';
import { readHost } from '../lists/host.ts';
import type { ListSource, ListSpec, Rule, RuleLimit, RulesFile } from './rules-file.ts';
import { type RawLimit, type RawList, type RawRule, type RawRulesFile, type RuleAction, rulesFileSchema } from './schema.ts';

const DAY_MS = 86_400_000;
/** Prefix of the ids of rules that come with Sekisho; ids of the file cannot have a dot. */
const BUILTIN_PREFIX = 'builtin.';

interface Scope {
  readonly lineOf: LineOf;
  readonly listIds: ReadonlySet<string>;
  readonly costs: Costs;
  readonly problem: (path: Path, message: string) => void;
}

/** @throws Error whose message names line and place of each problem. */
export function parseRulesFile(text: string): RulesFile {
  const { value, lineOf } = readYaml(text, RULES_LIMITS.fileBytesMax);
  // An empty file, or one of comments only, has no rules.
  const parsed = rulesFileSchema.safeParse(value ?? {});
  if (!parsed.success) throw problemsError(schemaProblems(parsed.error.issues, lineOf));
  const problems: Problem[] = [];
  const scope: Scope = {
    lineOf, listIds: new Set(parsed.data.lists?.map(({ id }) => id)), costs: { needles: 0, regexes: 0, programs: 0 },
    problem: (path, message) => void problems.push({ line: lineOf(path), text: `${nameOf(path)}: ${message}` }),
  };
  const file = readFile(parsed.data, scope);
  if (problems.length > 0) throw problemsError(problems);
  return file;
}

function readFile(raw: RawRulesFile, scope: Scope): RulesFile {
  findRepeats('rules', raw.rules ?? [], scope);
  findRepeats('lists', raw.lists ?? [], scope);
  findRepeats('builtin', (raw.builtin ?? []).map((set) => (typeof set === 'string' ? { id: set } : set)), scope);
  const lists = (raw.lists ?? []).map((list, at) => readList(list, ['lists', at], scope));
  const rules = [...(raw.rules ?? []).map((rule, at) => readRule(rule, ['rules', at], scope)), ...readBuiltin(raw, scope)];
  checkCosts(scope);
  checkLimits(rules, scope);
  return {
    rules: rules.filter((rule) => rule !== undefined), lists,
    block: readUse('block', raw, scope), allow: readUse('allow', raw, scope),
  };
}

function findRepeats(key: 'rules' | 'lists' | 'builtin', items: readonly { readonly id: string }[], { problem }: Scope): void {
  const seen = new Set<string>();
  for (const [at, { id }] of items.entries()) {
    if (seen.has(id)) problem([key, at, 'id'], `${id} stands in the file twice`);
    seen.add(id);
  }
}

function checkCosts({ costs, problem }: Scope): void {
  if (costs.needles > RULES_LIMITS.needlesMax) problem(['rules'], `contains looks for ${costs.needles} texts, at most ${RULES_LIMITS.needlesMax} in a file`);
  if (costs.regexes > RULES_LIMITS.regexesMax) problem(['rules'], `regex stands in ${costs.regexes} comparisons, at most ${RULES_LIMITS.regexesMax} in a file`);
  if (costs.programs > RULES_LIMITS.programsMax) problem(['rules'], `the regular expressions have ${costs.programs} steps, at most ${RULES_LIMITS.programsMax} in a file`);
}

function checkLimits(rules: readonly (Rule | undefined)[], { problem }: Scope): void {
  const limits = rules.filter((rule) => rule?.action === 'limit').length;
  if (limits > RULES_LIMITS.limitRulesMax) problem(['rules'], `${limits} rules have the action limit, at most ${RULES_LIMITS.limitRulesMax} in a file`);
}

function readRule(raw: RawRule, path: Path, scope: Scope): Rule | undefined {
  const limit = readLimit(raw.action, raw.limit, path, scope);
  const when = compileWhen(raw.when, [...path, 'when'], scope);
  return when === undefined ? undefined : {
    id: raw.id, reason: raw.reason ?? '', action: raw.action, limit, dryRun: raw.dryRun ?? false, expiresMs: endOf(raw.expires), line: scope.lineOf(path), ...when,
  };
}

function readLimit(action: RuleAction, limit: RawLimit, path: Path, { problem }: Scope): RuleLimit | undefined {
  if (action === 'limit' && limit === undefined) problem(path, 'has the action limit and no limit such as { perMinute: 30, per: host }');
  if (action !== 'limit' && limit !== undefined) problem([...path, 'limit'], 'goes with the action limit only');
  return limit === undefined ? undefined : { perMinute: limit.perMinute, burst: limit.burst ?? limit.perMinute, per: limit.per };
}

function compileWhen(when: unknown, path: Path, { listIds, costs, problem }: Scope): { readonly test: Test; readonly fields: ReadonlySet<string> } | undefined {
  const fields = new Set<string>();
  const test = compileCondition(when, path, { listIds, costs, fields, problem, comparisons: 0 });
  return test === undefined ? undefined : { test, fields };
}

/** A day counts to its end. */
function endOf(expires: string | undefined): number | undefined {
  if (expires === undefined) return undefined;
  return Date.parse(expires) + (expires.includes('T') ? 0 : DAY_MS);
}

function readBuiltin(raw: RawRulesFile, scope: Scope): readonly (Rule | undefined)[] {
  return (raw.builtin ?? []).map((given, at): Rule | undefined => {
    const set = typeof given === 'string' ? { id: given } : given;
    const { action, reason, when } = BUILTIN_SETS[set.id];
    const compiled = compileWhen(when, ['builtin', at], scope);
    const limit = readLimit(set.action ?? action, set.limit, ['builtin', at], scope);
    return compiled === undefined ? undefined : {
      id: BUILTIN_PREFIX + set.id, reason, action: set.action ?? action, limit, dryRun: set.dryRun ?? false, expiresMs: endOf(set.expires), line: undefined, ...compiled,
    };
  });
}

const readList = (raw: RawList, path: Path, scope: Scope): ListSpec =>
  ({ id: raw.id, source: readSource(raw, path, scope), format: raw.format ?? 'csv', severities: new Set(raw.severities ?? ['suspend']) });

function readSource(raw: RawList, path: Path, { problem }: Scope): ListSource {
  const given = [raw.hosts, raw.file, raw.url].filter((part) => part !== undefined);
  if (given.length !== 1) problem(path, 'must have exactly one of hosts, file and url');
  if (raw.refreshSeconds !== undefined && raw.url === undefined) problem([...path, 'refreshSeconds'], 'goes with url only');
  if (raw.format !== undefined && raw.hosts !== undefined) problem([...path, 'format'], 'goes with file and url only');
  if (raw.url !== undefined) return { kind: 'url', url: raw.url, refreshMs: (raw.refreshSeconds ?? RULES_LIMITS.refreshSecondsDefault) * 1_000 };
  if (raw.file !== undefined) return { kind: 'file', path: raw.file };
  const hosts = new Set<string>();
  for (const [at, entry] of (raw.hosts ?? []).entries()) {
    const read = readHost(entry);
    if (read.ok) hosts.add(read.host);
    else problem([...path, 'hosts', at], read.detail);
  }
  return { kind: 'hosts', hosts };
}

function readUse(key: 'block' | 'allow', raw: RawRulesFile, { listIds, problem }: Scope): readonly string[] {
  const ids = raw[key] ?? [];
  for (const [at, id] of ids.entries()) {
    if (!listIds.has(id)) problem([key, at], `${id} is the id of no list below lists`);
  }
  return [...new Set(ids)];
}
