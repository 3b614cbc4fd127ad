// The rules file in the words of the handler: what a rule asks for is looked up when it asks, and its hits are counted.

import { checkActivityHosts, type CompiledRules, fieldsOf, judge, type Judgement, LATE_FACTS, type LateFact, type LateFacts } from '@sekisho/inbox-policy/rules';
import type { ReadActivity } from '@sekisho/inbox-policy';
import type { Budget } from '../limits/budget.ts';
import type { FirstSeen } from './first-seen.ts';
import { chargeLimits } from './rule-limits.ts';
import type { RuleFacts, RulesPort } from './types.ts';

/** How each late fact is looked up; undefined: nobody knows it now. Each has its own deadline and never rejects. */
export type LookUps = { readonly [Fact in LateFact]: (activity: ReadActivity, about: RuleFacts) => Promise<LateFacts[Fact]> };

export interface RulesPortOptions {
  /** As they are now. */
  readonly rules: () => CompiledRules;
  readonly lookUps: LookUps;
  readonly saw: FirstSeen['saw'];
  readonly localHosts: ReadonlySet<string>;
  readonly budget: Pick<Budget, 'tickRules'>;
  readonly onHit: (hit: { readonly id: string; readonly dryRun: boolean }) => void;
}

export function createRulesPort(options: RulesPortOptions): RulesPort {
  const { rules, saw, budget, onHit } = options;
  return {
    checkHosts: (value, keyHost) => checkActivityHosts(value, keyHost, rules().lists),
    judge: async (activity, about) => {
      if (rules().rules.length === 0) return { action: 'allow' };
      const { judgement, late } = await judgeWith(options, activity, about);
      const { hits, over } = chargeLimits(budget, judgement, { ...about, activity });
      for (const hit of hits) onHit(hit);
      const ids = hits.map(({ id }) => id);
      const { action, rule } = judgement;
      return over === undefined ? { action, rule, late, hits: ids } : { action: 'limit', ...over, late, hits: ids };
    },
    saw: (activity) => {
      if (wantsAges(rules())) saw(activity);
    },
  };
}

const AGES = ['actor.ageSeconds', 'host.ageSeconds'] as const;
const wanting = new WeakMap<CompiledRules['rules'], boolean>();

/**
 * Whether any rule could ask for an age. All that is taken counts then: the rules ask only of what is suspicious otherwise,
 * and somebody whose first suspicious post comes after a year of others must not look new.
 */
function wantsAges({ rules }: CompiledRules): boolean {
  const known = wanting.get(rules) ?? rules.some(({ fields }) => AGES.some((name) => fields.has(name)));
  wanting.set(rules, known);
  return known;
}

/**
 * Judges with what is known, looks up the cheapest fact that was asked for, and judges again while an answer could change
 * something: nobody waits for what no rule asks, and a cheap answer spares a dear question wherever that stands in a rule.
 */
async function judgeWith({ rules, localHosts, lookUps }: RulesPortOptions, activity: ReadActivity, about: RuleFacts): Promise<{ readonly judgement: Judgement; readonly late: LateFacts }> {
  // One state of the file for all turns.
  const compiled = rules();
  const late: { -readonly [Fact in LateFact]?: LateFacts[Fact] } = {};
  for (;;) {
    const asked = new Set<LateFact>();
    const facts = withQuestions({ requestHeaders: about.rawHeaders, keyHost: about.keyHost, clientNet: about.client.address, localHosts, nowMs: about.nowMs }, late, asked);
    const judgement = judge(compiled, fieldsOf(activity, facts), about.nowMs);
    const next = judgement.open === true ? LATE_FACTS.find((fact) => asked.has(fact) && !Object.hasOwn(late, fact)) : undefined;
    if (next === undefined) return { judgement, late };
    await answer(next);
  }

  async function answer<Fact extends LateFact>(fact: Fact): Promise<void> {
    late[fact] = await lookUps[fact](activity, about);
  }
}

/** Whether a rule asks is noticed by its reading. */
function withQuestions<Facts extends object>(facts: Facts, late: LateFacts, asked: Set<LateFact>): Facts & LateFacts {
  for (const fact of LATE_FACTS) {
    Object.defineProperty(facts, fact, {
      get: () => {
        asked.add(fact);
        return late[fact];
      },
    });
  }
  return facts;
}
