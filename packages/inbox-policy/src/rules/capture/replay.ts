// Captured requests through a set of rules: what each rule would hit and which decisions would be others.

import type { CompiledRules } from '../file/rules-file.ts';
import { fieldsOf } from '../fields/fields.ts';
import { type Judgement, judge } from '../judge.ts';
import { checkActivityHosts } from '../lists/check.ts';
import { type Capture, parseCapture, type Replayable, replayable } from './capture.ts';

const CHANGES_MAX = 200;
const PROBLEMS_MAX = 20;

export interface Change {
  /** 1-based line of the capture file. */
  readonly line: number;
  readonly id: string;
  readonly was: string;
  readonly now: string;
}

export interface Replay {
  readonly requests: number;
  /** Refused before the rules: the same with any rules. */
  readonly early: number;
  /** Judged without the contents of the post. */
  readonly redacted: number;
  /** Hits per rule, in the order of the file; rules without one are there with 0. Of a limit: what met its conditions. */
  readonly hits: ReadonlyMap<string, number>;
  readonly blocked: number;
  readonly changed: number;
  /** The first of those. */
  readonly changes: readonly Change[];
  readonly problems: readonly { readonly line: number; readonly detail: string }[];
  readonly unreadable: number;
}

const DECISIONS: Readonly<Record<Judgement['action'], Capture['verdict']['decision']>> = {
  allow: 'allow', observe: 'allow', reject: 'deny', drop: 'drop', quarantine: 'quarantine',
};
/** Ends that another set of rules would change. */
const BY_RULES: ReadonlySet<string> = new Set(['SEKISHO_INBOX_RULE', 'SEKISHO_INBOX_RULE_DROP', 'SEKISHO_INBOX_RULE_QUARANTINE', 'SEKISHO_INBOX_RULE_LIMIT', 'SEKISHO_INBOX_HOST_BLOCKED', 'SEKISHO_INBOX_LISTS_AWAY']);

export interface Replayer {
  /** One line of the capture file. */
  line(text: string): void;
  end(): Replay;
}

export function createReplayer(rules: CompiledRules): Replayer {
  const hits = new Map(rules.rules.map(({ id }) => [id, 0]));
  const changes: Change[] = [];
  const problems: { line: number; detail: string }[] = [];
  const counts = { requests: 0, early: 0, redacted: 0, blocked: 0, changed: 0, unreadable: 0 };
  let line = 0;

  const count = (capture: Capture, replay: Replayable): void => {
    const { verdict } = capture;
    const outcome = outcomeOf(rules, replay);
    if (!capture.complete) counts.redacted += 1;
    if (outcome.isBlocked) counts.blocked += 1;
    for (const id of outcome.hits) hits.set(id, (hits.get(id) ?? 0) + 1);
    // Budgets are not replayed: what one has refused passes here, and would be charged again.
    const isLimited = verdict.code === 'SEKISHO_INBOX_RULE_LIMIT' && outcome.limits.includes(verdict.rule ?? '');
    if (outcome.decision === verdict.decision || (isLimited && outcome.decision === 'allow')) return;
    counts.changed += 1;
    const change = { line, id: replay.activity.id, was: named(verdict.decision, verdict.rule), now: named(outcome.decision, outcome.by) };
    if (changes.length < CHANGES_MAX) changes.push(change);
  };
  return {
    line: (text) => {
      line += 1;
      if (text.trim() === '') return;
      const parsed = parseCapture(text);
      if (!parsed.ok) {
        counts.unreadable += 1;
        if (problems.length < PROBLEMS_MAX) problems.push({ line, detail: parsed.detail });
        return;
      }
      counts.requests += 1;
      const replay = endedByRules(parsed.capture) ? replayable(parsed.capture) : undefined;
      if (replay === undefined) counts.early += 1;
      else count(parsed.capture, replay);
    },
    end: () => ({ ...counts, hits, changes, problems }),
  };
}

const endedByRules = ({ verdict }: Capture): boolean => verdict.decision === 'allow' || BY_RULES.has(verdict.code ?? '');

interface Outcome {
  readonly decision: Capture['verdict']['decision'];
  readonly by: string | undefined;
  readonly hits: readonly string[];
  /** Rules with a budget that were met. */
  readonly limits: readonly string[];
  readonly isBlocked: boolean;
}

function outcomeOf(rules: CompiledRules, { activity, facts }: Replayable): Outcome {
  const denied = checkActivityHosts(activity.value, facts.keyHost, rules.lists);
  if (denied !== undefined) return { decision: 'deny', by: denied.detail, hits: [], limits: [], isBlocked: true };
  const judged = judge(rules, fieldsOf(activity, facts), facts.nowMs);
  const limits = (judged.limits ?? []).map(({ id }) => id);
  return { decision: DECISIONS[judged.action], by: judged.rule, hits: [...judged.hits.map(({ id }) => id), ...limits], limits, isBlocked: false };
}

const named = (decision: string, by: string | undefined): string => (by === undefined || by === '' ? decision : `${decision} (${by})`);
