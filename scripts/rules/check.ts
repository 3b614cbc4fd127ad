// `npm run rules -- check`: the same reading as in the gateway, lists in files included, and how long the rules take over
// the largest posts there can be.

import { type CompiledRules, type ListSpec, type Rule, fieldsOf, judge } from '@sekisho/inbox-policy/rules';
import { type LoadedRules, loadRules } from '../../services/gateway/src/inbox/rules-file/load.ts';
import { baits } from './baits.ts';
import type { Report } from './command.ts';

/** Above it, one such post holds up all other requests of a gateway noticeably. */
const SLOW_MS = 50;

/** @param path of the file: lists in files are found from its folder. */
export function checkRules(text: string, path: string, nowMs: number): Report {
  const loaded = loadOrProblems(text, path);
  if ('lines' in loaded) return loaded;
  const { file, lists } = loaded;
  return {
    ok: true,
    lines: [
      `${path}: ${count(file.rules.length, 'rule')}, ${count(file.lists.length, 'list')}`,
      ...file.rules.map((rule) => describeRule(rule, nowMs)),
      ...file.lists.map((spec) => describeList(spec, loaded)),
      ...(file.allow.length > 0 ? [`  only hosts of ${file.allow.join(', ')} may send`] : []),
      describeTime(slowest({ rules: file.rules, lists }, nowMs)),
    ],
  };
}

export function loadOrProblems(text: string, path: string): LoadedRules | Report {
  try {
    return loadRules(text, path, new Set());
  } catch (error) {
    const problems = (error instanceof Error ? error.message : String(error)).split('; ');
    return { ok: false, lines: problems.map((problem) => `${path}: ${problem}`) };
  }
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

function describeRule({ id, action, limit, dryRun, expiresMs, line, reason }: Rule, nowMs: number): string {
  const notes = [
    ...(limit === undefined ? [] : [`${limit.perMinute} per minute and ${limit.per}, ${limit.burst} at once`]),
    ...(dryRun ? ['dry run'] : []),
    ...(expiresMs === undefined ? [] : [`${expiresMs <= nowMs ? 'EXPIRED' : 'until'} ${new Date(expiresMs).toISOString()}`]),
  ];
  const place = line === undefined ? '' : `line ${line}: `;
  return `  ${place}${id}: ${action}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}${reason === '' ? '' : `: ${reason}`}`;
}

function describeList({ id, source, format }: ListSpec, { file, lists }: LoadedRules): string {
  const use = [...(file.block.includes(id) ? ['block'] : []), ...(file.allow.includes(id) ? ['allow'] : [])].join(', ');
  const what = source.kind === 'url' ? `${format} from ${source.url} every ${source.refreshMs / 1_000} s, not fetched here` : count(lists.get(id)?.size ?? 0, 'host');
  return `  list ${id}${use === '' ? '' : ` (${use})`}: ${what}`;
}

interface Slowest {
  readonly name: string;
  readonly ms: number;
}

/** The second of two runs of each: the first one fills tables. */
function slowest(rules: CompiledRules, nowMs: number): Slowest {
  const times = baits(nowMs).map(({ name, activity, facts }): Slowest => {
    judge(rules, fieldsOf(activity, facts), nowMs);
    const beganMs = performance.now();
    judge(rules, fieldsOf(activity, facts), nowMs);
    return { name, ms: performance.now() - beganMs };
  });
  return times.reduce((most, time) => (time.ms > most.ms ? time : most), { name: '', ms: 0 });
}

const describeTime = ({ name, ms }: Slowest): string =>
  `  ${ms > SLOW_MS ? 'SLOW: ' : ''}judging the slowest of the largest posts (${name}) took ${ms.toFixed(1)} ms`;
