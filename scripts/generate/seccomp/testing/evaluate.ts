// What a policy says about a call, read from its rules without any of the compiler's steps between: the two are compared.

import { type Architecture, constantOf } from '../machine.ts';
import type { Action, Condition, Policy } from '../policy.ts';

export interface NamedCall {
  readonly name: string;
  readonly arguments: readonly bigint[];
}

export function evaluate(policy: Policy, architecture: Architecture, call: NamedCall): Action {
  const rule = policy.rules.find(({ on, calls, when = [] }) =>
    (on === undefined || on.includes(architecture)) && calls.includes(call.name) && when.every((condition) => holds(condition, architecture, call.arguments)));
  return rule?.action ?? policy.default;
}

function holds(condition: Condition, architecture: Architecture, args: readonly bigint[]): boolean {
  const value = BigInt.asUintN(condition.bits, args[condition.argument] ?? 0n);
  const bits = (names: readonly string[] = []): bigint => names.reduce((sum, name) => sum | constantOf(architecture, name), 0n);
  const looked = condition.of === undefined ? value : value & bits(condition.of);
  if (condition.in !== undefined) return condition.in.some((name) => looked === constantOf(architecture, name));
  if (condition.is !== undefined) return looked === bits(condition.is);
  const has = (value & bits(condition.has)) === bits(condition.has);
  if (condition.without !== undefined) return has && (value & bits(condition.without)) === 0n;
  return has && (value | bits(condition.only)) === bits(condition.only);
}
