// A profile of the OCI runtime specification, its fields checked as strictly as a runtime could, and what it says about a call.

import { z } from 'zod';

/** Of the specification's comparisons the two that are in use; values are unsigned 64 bit there. */
const argumentSchema = z.discriminatedUnion('op', [
  z.strictObject({ index: z.int().min(0).max(5), op: z.literal('SCMP_CMP_EQ'), value: z.int().min(0) }),
  z.strictObject({ index: z.int().min(0).max(5), op: z.literal('SCMP_CMP_MASKED_EQ'), value: z.int().min(1), valueTwo: z.int().min(0) }),
]);

const ruleSchema = z.strictObject({
  names: z.array(z.string().regex(/^[a-z0-9_]+$/)).min(1),
  action: z.enum(['SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO', 'SCMP_ACT_KILL_PROCESS']),
  errnoRet: z.int().min(1).max(4_095).optional(),
  args: z.array(argumentSchema).min(1).max(6).optional(),
}).refine(({ action, errnoRet }) => (action === 'SCMP_ACT_ERRNO') === (errnoRet !== undefined), 'errnoRet belongs to SCMP_ACT_ERRNO')
  .refine(({ args = [] }) => new Set(args.map(({ index }) => index)).size === args.length, 'two conditions on one argument are alternatives to a runtime');

export const ociSchema = z.strictObject({
  defaultAction: z.literal('SCMP_ACT_ERRNO'),
  defaultErrnoRet: z.literal(1),
  architectures: z.array(z.enum(['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'])).length(2),
  syscalls: z.array(ruleSchema).min(1),
});
export type CheckedProfile = z.infer<typeof ociSchema>;

/** `allow`, or the error a caller gets. */
export function evaluateOci(profile: CheckedProfile, name: string, args: readonly bigint[]): 'allow' | 'kill' | number {
  const rule = profile.syscalls.find(({ names, args: conditions = [] }) => names.includes(name) && conditions.every((condition) => {
    const value = BigInt.asUintN(64, args[condition.index] ?? 0n);
    if (condition.op === 'SCMP_CMP_EQ') return value === BigInt(condition.value);
    return (value & BigInt(condition.value)) === BigInt(condition.valueTwo);
  }));
  if (rule?.action === 'SCMP_ACT_ALLOW') return 'allow';
  if (rule?.action === 'SCMP_ACT_KILL_PROCESS') return 'kill';
  return rule?.errnoRet ?? profile.defaultErrnoRet;
}
