// A seccomp policy as it is written in k8s/seccomp, checked and resolved for one architecture. Whatever could be a slip of
// the pen ends the generation: unknown names, calls that an architecture lacks, a call with two unconditional rules.

import { z } from 'zod';
import { ARCHITECTURES, type Architecture, constantOf, numberOf } from './machine.ts';

const constantNames = z.array(z.string()).min(1);

/**
 * One argument. `is`: equals these bits together; `in`: equals one of them; `only`: has no other bit; `without`: has none of
 * these. Beside them `of`: only these bits are looked at; `has`: all of these bits are set.
 */
const conditionSchema = z.strictObject({
  argument: z.int().min(0).max(5),
  name: z.string(),
  /** What the kernel reads: an int is its lower 32 bits, the upper half is ignored; of a long or a pointer nothing is. */
  bits: z.union([z.literal(32), z.literal(64)]),
  is: constantNames.optional(),
  in: constantNames.optional(),
  only: constantNames.optional(),
  without: constantNames.optional(),
  has: constantNames.optional(),
  of: constantNames.optional(),
});

const ruleSchema = z.strictObject({
  why: z.string().min(1),
  on: z.array(z.enum(ARCHITECTURES)).min(1).optional(),
  action: z.enum(['allow', 'kill', 'ENOSYS']),
  calls: z.array(z.string()).min(1),
  when: z.array(conditionSchema).min(1).optional(),
});

const policySchema = z.strictObject({
  of: z.string(),
  default: z.literal('EPERM'),
  rules: z.array(ruleSchema).min(1),
});

export type Policy = z.infer<typeof policySchema>;
export type Condition = z.infer<typeof conditionSchema>;
export type Action = Policy['rules'][number]['action'] | Policy['default'];

/** `(argument & mask) == value`, in `bits` bits. All of a clause must hold. */
export interface Test {
  readonly argument: number;
  readonly bits: 32 | 64;
  readonly mask: bigint;
  readonly value: bigint;
}

/** Alternatives per condition: each inner array is joined by or, the outer by and. */
export interface Clause {
  readonly action: Action;
  readonly tests: readonly (readonly Test[])[];
}

export interface Call {
  readonly name: string;
  readonly number: number;
  /** The first that holds decides, else the default. */
  readonly clauses: readonly Clause[];
}

/** A policy in the numbers of one architecture. */
export interface Resolved {
  readonly architecture: Architecture;
  readonly default: Action;
  /** In the order of the policy, which is the order of the filter. */
  readonly calls: readonly Call[];
}

export const parsePolicy = (text: string): Policy => policySchema.parse(JSON.parse(text));

/** @throws for a name that is unknown, absent on the architecture or decided twice. */
export function resolve(policy: Policy, architecture: Architecture): Resolved {
  const calls = new Map<string, { name: string; number: number; clauses: Clause[] }>();
  for (const rule of policy.rules) {
    if (rule.on !== undefined && !rule.on.includes(architecture)) continue;
    const tests = (rule.when ?? []).map((condition) => testsOf(condition, architecture));
    for (const name of rule.calls) {
      const number = numberOf(architecture, name);
      if (number === undefined) throw new Error(`${architecture} has no ${name}: its rule needs an "on"`);
      const call = calls.get(name) ?? { name, number, clauses: [] };
      if (call.clauses.some((clause) => clause.tests.length === 0)) throw new Error(`${name} is decided twice`);
      call.clauses.push({ action: rule.action, tests });
      calls.set(name, call);
    }
  }
  return { architecture, default: policy.default, calls: [...calls.values()] };
}

function testsOf(condition: Condition, architecture: Architecture): readonly Test[] {
  const { argument, bits } = condition;
  const all = bits === 64 ? 0xff_ff_ff_ff_ff_ff_ff_ffn : 0xff_ff_ff_ffn;
  const sum = (names: readonly string[]): bigint => names.reduce((total, name) => total | constantOf(architecture, name), 0n);
  const test = (mask: bigint, value: bigint): Test => ({ argument, bits, mask, value });
  const kinds = [condition.is, condition.in, condition.only, condition.without].filter((kind) => kind !== undefined);
  if (kinds.length !== 1) throw new Error(`${condition.name}: exactly one of is, in, only, without`);
  const has = sum(condition.has ?? []);
  const looked = condition.of === undefined ? all : sum(condition.of);
  if (condition.in !== undefined) return condition.in.map((name) => test(looked, constantOf(architecture, name)));
  if (condition.is !== undefined) return [test(looked, sum(condition.is))];
  if (condition.without !== undefined) return [test(sum(condition.without) | has, has)];
  return [test(all & ~(sum(condition.only ?? []) & ~has), has)];
}
