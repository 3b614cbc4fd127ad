// A rules file that was read without a problem.

import type { Test } from '../conditions/comparison.ts';
import type { HostLists } from '../lists/host-lists.ts';
import type { ListFormat } from '../lists/source.ts';
import type { LimitPer, RuleAction } from './schema.ts';

/** Budget of a rule with the action `limit`. */
export interface RuleLimit {
  readonly perMinute: number;
  /** Activities at once. */
  readonly burst: number;
  readonly per: LimitPer;
}

export interface Rule {
  readonly id: string;
  readonly reason: string;
  readonly action: RuleAction;
  /** With the action `limit`, and only there. */
  readonly limit: RuleLimit | undefined;
  readonly dryRun: boolean;
  /** ms; the rule is off from then on. */
  readonly expiresMs: number | undefined;
  /** 1-based; undefined for rules that come with Sekisho. */
  readonly line: number | undefined;
  readonly test: Test;
  /** Fields that `test` may ask for. */
  readonly fields: ReadonlySet<string>;
}

export type ListSource =
  | { readonly kind: 'hosts'; readonly hosts: ReadonlySet<string> }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'url'; readonly url: string; readonly refreshMs: number };

export interface ListSpec {
  readonly id: string;
  readonly source: ListSource;
  readonly format: ListFormat;
  readonly severities: ReadonlySet<string>;
}

export interface RulesFile {
  readonly rules: readonly Rule[];
  readonly lists: readonly ListSpec[];
  readonly block: readonly string[];
  readonly allow: readonly string[];
}

/** Rules together with the lists that they look into. */
export interface CompiledRules {
  readonly rules: readonly Rule[];
  readonly lists: HostLists;
}

export const EMPTY_RULES_FILE: RulesFile = { rules: [], lists: [], block: [], allow: [] };
