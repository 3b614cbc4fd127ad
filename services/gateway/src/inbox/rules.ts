// The rules file in the words of the handler: what a rule asks for is read when it asks, and its hits are counted.

import { checkActivityHosts, type CompiledRules, fieldsOf, judge, type Judgement } from '@sekisho/inbox-policy/rules';
import type { ReadActivity } from '@sekisho/inbox-policy';
import type { FirstSeen } from './first-seen.ts';
import type { Ages, RuleFacts, RulesPort } from './types.ts';

export interface RulesPortOptions {
  /** As they are now. */
  readonly rules: () => CompiledRules;
  readonly firstSeen: FirstSeen;
  readonly localHosts: ReadonlySet<string>;
  readonly onHit: (hit: { readonly id: string; readonly dryRun: boolean }) => void;
}

export function createRulesPort(options: RulesPortOptions): RulesPort {
  const { rules, firstSeen, onHit } = options;
  return {
    checkHosts: (value, keyHost) => checkActivityHosts(value, keyHost, rules().lists),
    judge: async (activity, about) => {
      // One state of the file for both turns.
      const compiled = rules();
      const first = judgeOnce(options, compiled, { activity, about, ages: undefined });
      const ages = first.asksForAges ? await firstSeen.ages(activity) : undefined;
      const last = first.asksForAges ? judgeOnce(options, compiled, { activity, about, ages }) : first;
      const { action, rule, hits } = last.judgement;
      for (const hit of hits) onHit(hit);
      return { action, rule, ages, hits: hits.map(({ id }) => id) };
    },
    saw: (activity) => {
      if (wantsAges(rules())) firstSeen.saw(activity);
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

interface Case {
  readonly activity: ReadActivity;
  readonly about: RuleFacts;
  readonly ages: Ages | undefined;
}

/** Whether a rule asks for an age is noticed by its asking: no other rule makes anybody wait for Redis. */
function judgeOnce({ localHosts }: RulesPortOptions, compiled: CompiledRules, { activity, about, ages }: Case): { readonly judgement: Judgement; readonly asksForAges: boolean } {
  let asksForAges = false;
  const facts = {
    requestHeaders: about.rawHeaders, keyHost: about.keyHost, clientNet: about.client.address, localHosts, nowMs: about.nowMs,
    get firstSeen() {
      asksForAges = true;
      return ages;
    },
  };
  return { judgement: judge(compiled, fieldsOf(activity, facts), about.nowMs), asksForAges };
}
