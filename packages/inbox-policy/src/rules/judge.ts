// Check 29: the rules in their order. The first one that acts decides; what only looks (observe, dry run) is counted and
// the next one is asked. Budgets are somebody else's: which ones were met on the way is part of the judgement.

import type { Fields } from './fields/fields.ts';
import type { CompiledRules, Rule, RuleLimit } from './file/rules-file.ts';

export interface RuleHit {
  readonly id: string;
  readonly dryRun: boolean;
}

/** A rule with a budget whose conditions held; it has an effect, and is a hit, only where that is spent. */
export interface MetLimit extends RuleHit, RuleLimit {
  /** Hits of rules that stand before it. */
  readonly hitsBefore: number;
}

export interface Judgement {
  /** Of the rules without budgets. `observe`: no rule acted and one that observes was hit. */
  readonly action: 'allow' | 'reject' | 'drop' | 'quarantine' | 'observe';
  /** The rule that decided, or the first that observed. */
  readonly rule?: string;
  /** Rules whose conditions held, up to the one that decided; for the counters. */
  readonly hits: readonly RuleHit[];
  /** In their order, up to the rule that decided; undefined where there is none. */
  readonly limits?: readonly MetLimit[] | undefined;
  /** A rule before the one that decided is neither met nor not: with more facts the judgement may be another. */
  readonly open?: true | undefined;
}

export function judge({ rules, lists }: CompiledRules, fields: Fields, nowMs: number): Judgement {
  const hits: RuleHit[] = [];
  let limits: readonly MetLimit[] | undefined;
  let observer: string | undefined;
  let open: true | undefined;
  for (const rule of rules) {
    const { id, action, dryRun, expiresMs, test } = rule;
    if (expiresMs !== undefined && nowMs >= expiresMs) continue;
    const truth = test(fields, lists);
    if (truth === undefined) open = true;
    if (truth !== true) continue;
    if (action === 'limit') {
      limits = [...(limits ?? []), ...met(rule, hits.length)];
      continue;
    }
    hits.push({ id, dryRun });
    if (dryRun) continue;
    if (action !== 'observe') return { action, rule: id, hits, limits, open };
    observer ??= id;
  }
  return observer === undefined ? { action: 'allow', hits, limits, open } : { action: 'observe', rule: observer, hits, limits, open };
}

const met = ({ id, dryRun, limit }: Rule, hitsBefore: number): readonly MetLimit[] => (limit === undefined ? [] : [{ id, dryRun, ...limit, hitsBefore }]);
