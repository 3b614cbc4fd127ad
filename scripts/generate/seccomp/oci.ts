// A policy as a profile of the OCI runtime specification, which Kubernetes hands to the container runtime as it is.
// One file serves both architectures, so a rule must mean the same on each.

import { isDeepStrictEqual } from 'node:util';
import { ARCHITECTURES, type Architecture, numberOf } from './machine.ts';
import { type Action, type Call, type Policy, type Test, resolve } from './policy.ts';

export interface OciArgument {
  readonly index: number;
  readonly op: 'SCMP_CMP_EQ' | 'SCMP_CMP_MASKED_EQ';
  /** With SCMP_CMP_MASKED_EQ the mask. */
  readonly value: number;
  readonly valueTwo?: number;
}

export interface OciRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  /** All must hold; entries for the same name are alternatives. */
  readonly args?: readonly OciArgument[];
}

export interface OciProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet: number;
  readonly architectures: readonly string[];
  readonly syscalls: readonly OciRule[];
}

/** No 32-bit architecture and no x32: their calls end the process. */
const NAMES: Readonly<Record<Architecture, string>> = { x86_64: 'SCMP_ARCH_X86_64', arm64: 'SCMP_ARCH_AARCH64' };
const EPERM = 1;
const ENOSYS = 38;
const ACTIONS: Readonly<Record<Action, Pick<OciRule, 'action' | 'errnoRet'>>> = {
  allow: { action: 'SCMP_ACT_ALLOW' },
  kill: { action: 'SCMP_ACT_KILL_PROCESS' },
  EPERM: { action: 'SCMP_ACT_ERRNO', errnoRet: EPERM },
  ENOSYS: { action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
};

/** @throws for a rule that differs between the architectures or does not fit into JSON numbers. */
export function ociProfile(policy: Policy): OciProfile {
  const plain = new Map<Action, Set<string>>();
  const conditional: OciRule[] = [];
  for (const { name, clauses } of callsOfAll(policy)) {
    for (const { action, tests } of clauses) {
      if (tests.length === 0) plain.set(action, (plain.get(action) ?? new Set()).add(name));
      for (const args of tests.length === 0 ? [] : combinations(tests)) conditional.push({ names: [name], ...ACTIONS[action], args });
    }
  }
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: EPERM,
    architectures: ARCHITECTURES.map((architecture) => NAMES[architecture]),
    syscalls: [...[...plain].map(([action, names]) => ({ names: [...names].toSorted(), ...ACTIONS[action] })), ...conditional],
  };
}

/** Calls of all architectures; a call that several have must be decided in one way. */
function callsOfAll(policy: Policy): readonly Call[] {
  const all = new Map<string, Call>();
  for (const architecture of ARCHITECTURES) {
    for (const call of resolve(policy, architecture).calls) {
      const known = all.get(call.name) ?? call;
      if (!isDeepStrictEqual(known.clauses, call.clauses)) throw new Error(`${call.name} differs between the architectures`);
      all.set(call.name, known);
    }
  }
  for (const rule of policy.rules) {
    const odd = rule.calls.find((name) => ARCHITECTURES.some((architecture) => rule.on?.includes(architecture) === false && numberOf(architecture, name) !== undefined));
    if (odd !== undefined) throw new Error(`${odd} is not the same on all architectures that have it`);
  }
  return [...all.values()];
}

/** Runtimes read two conditions on one argument as alternatives, so alternatives become entries of their own. */
const combinations = (tests: readonly (readonly Test[])[]): readonly (readonly OciArgument[])[] =>
  tests.reduce<readonly (readonly OciArgument[])[]>((done, alternatives) => done.flatMap((args) => alternatives.map((test) => [...args, argumentOf(test)])), [[]]);

/** Runtimes compare 64 bits; of an int only the lower 32 count, hence the mask. */
function argumentOf({ argument, bits, mask, value }: Test): OciArgument {
  if (bits === 64 && mask === 0xff_ff_ff_ff_ff_ff_ff_ffn) return { index: argument, op: 'SCMP_CMP_EQ', value: exact(value) };
  return { index: argument, op: 'SCMP_CMP_MASKED_EQ', value: exact(mask), valueTwo: exact(value) };
}

function exact(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error(`${value} does not fit into a number of JSON`);
  return Number(value);
}
