// Check 29: the rules in their order. The first one that acts decides; what only looks (observe, dry run) is counted and
// the next one is asked.

import type { Fields } from './fields/fields.ts';
import type { CompiledRules } from './file/rules-file.ts';

export interface RuleHit {
  readonly id: string;
  readonly dryRun: boolean;
}

export interface Judgement {
  /** `observe`: no rule acted and one that observes was hit. */
  readonly action: 'allow' | 'reject' | 'drop' | 'quarantine' | 'observe';
  /** The rule that decided, or the first that observed. */
  readonly rule?: string;
  /** Rules whose conditions held, up to the one that decided; for the counters. */
  readonly hits: readonly RuleHit[];
}

export function judge({ rules, lists }: CompiledRules, fields: Fields, nowMs: number): Judgement {
  const hits: RuleHit[] = [];
  let observer: string | undefined;
  for (const { id, action, dryRun, expiresMs, test } of rules) {
    if (expiresMs !== undefined && nowMs >= expiresMs) continue;
    if (test(fields, lists) !== true) continue;
    hits.push({ id, dryRun });
    if (dryRun) continue;
    if (action !== 'observe') return { action, rule: id, hits };
    observer ??= id;
  }
  return observer === undefined ? { action: 'allow', hits } : { action: 'observe', rule: observer, hits };
}
