// Budgets of rules with the action `limit`, in the order of the rules: one that is spent decides, and what stands behind it
// is not reached. An activity pays also where a later rule refuses it, so that a limit bounds what comes to that rule.

import { BUCKETS_MAX, type RuleBudget } from '@sekisho/limiter';
import type { Judgement, MetLimit, RuleHit } from '@sekisho/inbox-policy/rules';
import type { Budget } from '../limits/budget.ts';
import { type Claimant, payingNames } from './senders.ts';

type RulesBudget = Pick<Budget, 'tickRules'>;

export interface Charged {
  /** With the limits that were spent, and without what stands behind the one that decided. */
  readonly hits: readonly RuleHit[];
  readonly over: { readonly rule: string; readonly retryAfterS: number } | undefined;
}

export function chargeLimits(budget: RulesBudget, { hits, limits }: Judgement, claimant: Claimant): Charged {
  if (limits === undefined) return { hits, over: undefined };
  const over = firstSpent(budget, limits.filter(({ dryRun }) => !dryRun), claimant);
  const found: RuleHit[] = [];
  let from = 0;
  for (const limit of limits) {
    const { id, dryRun, hitsBefore } = limit;
    found.push(...hits.slice(from, hitsBefore));
    from = hitsBefore;
    if (id === over?.rule) return { hits: [...found, { id, dryRun }], over };
    if (dryRun && budget.tickRules('inbox', [budgetOf(limit, claimant)]) !== undefined) found.push({ id, dryRun });
  }
  return { hits: [...found, ...hits.slice(from)], over: undefined };
}

/** So many as can be paid at once together: a sender that tries again does not pay the others each time. */
function firstSpent(budget: RulesBudget, limits: readonly MetLimit[], claimant: Claimant): Charged['over'] {
  for (let at = 0; at < limits.length; at += BUCKETS_MAX) {
    const together = limits.slice(at, at + BUCKETS_MAX);
    const over = budget.tickRules('inbox', together.map((limit) => budgetOf(limit, claimant)));
    const rule = over === undefined ? undefined : together[over.index]?.id;
    if (over !== undefined && rule !== undefined) return { rule, retryAfterS: over.retryAfterS };
  }
  return undefined;
}

const budgetOf = ({ id, per, perMinute, burst }: MetLimit, claimant: Claimant): RuleBudget => ({ rule: id, name: nameOf(per, claimant), perMinute, burst });

function nameOf(per: MetLimit['per'], claimant: Claimant): string {
  switch (per) {
    case 'rule': return 'all';
    case 'client': return claimant.client.key;
    case 'host': return payingNames(claimant).host;
    case 'actor': return payingNames(claimant).actor;
  }
}
