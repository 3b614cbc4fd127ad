// A resolved policy as a classic BPF program: the architecture first, then call by call in the order of the policy.

import { Assembler, type Instruction } from './assembler.ts';
import { AUDIT_ARCH, X32_BIT } from './machine.ts';
import type { Action, Call, Clause, Resolved, Test } from './policy.ts';

/** BPF_MAXINSNS: the kernel takes no longer filter. */
export const INSTRUCTIONS_MAX = 4_096;

/** SECCOMP_RET_* of include/uapi/linux/seccomp.h; `kill` ends the whole process, not one thread. */
export const RETURN: Readonly<Record<Action, number>> = {
  allow: 0x7f_ff_00_00,
  kill: 0x80_00_00_00,
  EPERM: 0x00_05_00_00 | 1,
  ENOSYS: 0x00_05_00_00 | 38,
};

/** Offsets in struct seccomp_data; words of arguments are little endian on both architectures. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const ARGUMENTS = 16;
const low = (argument: number): number => ARGUMENTS + 8 * argument;
const high = (argument: number): number => low(argument) + 4;

/** @throws when the filter is longer than the kernel takes. */
export function compile(policy: Resolved): readonly Instruction[] {
  const asm = new Assembler();
  asm.load(ARCHITECTURE);
  asm.jumpEqual(AUDIT_ARCH[policy.architecture], 'known', 'foreign');
  asm.label('foreign');
  asm.return(RETURN.kill);
  asm.label('known');
  asm.load(NUMBER);
  if (policy.architecture === 'x86_64') {
    asm.jumpAtLeast(X32_BIT, 'x32', 'calls');
    asm.label('x32');
    asm.return(RETURN.kill);
    asm.label('calls');
  }
  for (const call of policy.calls) emitCall(asm, call, RETURN[policy.default]);
  asm.return(RETURN[policy.default]);
  const program = asm.assemble();
  if (program.length > INSTRUCTIONS_MAX) throw new Error(`filter of ${program.length} instructions, ${INSTRUCTIONS_MAX} are possible`);
  return program;
}

function emitCall(asm: Assembler, call: Call, otherwise: number): void {
  asm.jumpEqual(call.number, call.name, `after ${call.name}`);
  asm.label(call.name);
  call.clauses.forEach((clause, i) => {
    emitClause(asm, clause, `${call.name} ${i}`);
  });
  if (call.clauses.every(({ tests }) => tests.length > 0)) asm.return(otherwise);
  asm.label(`after ${call.name}`);
}

function emitClause(asm: Assembler, clause: Clause, name: string): void {
  clause.tests.forEach((alternatives, i) => {
    alternatives.forEach((test, j) => {
      const last = j === alternatives.length - 1;
      emitTest(asm, test, { name: `${name}.${i}.${j}`, met: `${name}.${i} met`, unmet: last ? `${name} unmet` : `${name}.${i}.${j} next` });
      if (!last) asm.label(`${name}.${i}.${j} next`);
    });
    asm.label(`${name}.${i} met`);
  });
  asm.return(RETURN[clause.action]);
  asm.label(`${name} unmet`);
}

const WORD = 0xff_ff_ff_ffn;

function emitTest(asm: Assembler, { argument, bits, mask, value }: Test, to: { readonly name: string; readonly met: string; readonly unmet: string }): void {
  if (bits === 64) {
    emitWord(asm, { offset: high(argument), mask: mask >> 32n, value: value >> 32n }, { met: `${to.name} low`, unmet: to.unmet });
    asm.label(`${to.name} low`);
  }
  emitWord(asm, { offset: low(argument), mask: mask & WORD, value: value & WORD }, to);
}

function emitWord(
  asm: Assembler,
  word: { readonly offset: number; readonly mask: bigint; readonly value: bigint },
  to: { readonly met: string; readonly unmet: string },
): void {
  asm.load(word.offset);
  if (word.mask !== WORD) asm.and(Number(word.mask));
  asm.jumpEqual(Number(word.value), to.met, to.unmet);
}
