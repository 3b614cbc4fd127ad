// Arbitrary calls that come near the rules of a policy: values are put together from the constants the rules name, with
// single bits turned in both halves of the word.

import fc from 'fast-check';
import { type Architecture, callsOf, constantOf } from '../machine.ts';
import type { Policy } from '../policy.ts';
import type { NamedCall } from './evaluate.ts';

const ARGUMENTS = 6;

export function arbitraryCall(policy: Policy, architecture: Architecture): fc.Arbitrary<NamedCall> {
  const conditional = policy.rules.filter(({ when }) => when !== undefined).flatMap(({ calls }) => calls);
  const known = [...callsOf(architecture).keys()];
  const names = fc.oneof(fc.constantFrom(...known), fc.constantFrom(...conditional.filter((name) => known.includes(name))));
  const value = arbitraryValue(policy, architecture);
  return fc.record({ name: names, arguments: fc.array(value, { minLength: ARGUMENTS, maxLength: ARGUMENTS }) });
}

function arbitraryValue(policy: Policy, architecture: Architecture): fc.Arbitrary<bigint> {
  const lists = policy.rules.flatMap(({ when = [] }) => when.flatMap((condition) => [condition.is, condition.in, condition.only, condition.has, condition.of, condition.without]));
  const constants = [...new Set(lists.flatMap((names) => names ?? []))].map((name) => constantOf(architecture, name));
  const sums = lists.filter((names) => names !== undefined).map((names) => names.reduce((sum, name) => sum | constantOf(architecture, name), 0n));
  const base = fc.oneof(
    fc.constantFrom(0n, 1n, 2n, ...sums),
    fc.subarray(constants, { maxLength: 4 }).map((some) => some.reduce((sum, bit) => sum | bit, 0n)),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  );
  const turned = fc.oneof({ weight: 3, arbitrary: fc.constant(0n) }, { weight: 2, arbitrary: fc.integer({ min: 0, max: 63 }).map((bit) => 1n << BigInt(bit)) });
  return fc.tuple(base, turned).map(([bits, flip]) => BigInt.asUintN(64, bits ^ flip));
}
