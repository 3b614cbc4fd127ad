// Runs a filter as the kernel does, so that tests need no kernel. Unknown instructions and jumps out of the program throw:
// the kernel would refuse such a filter.

import { CODE, type Instruction } from './assembler.ts';

/** struct seccomp_data without the instruction pointer, which no policy of ours looks at. */
export interface SystemCall {
  /** AUDIT_ARCH_*. */
  readonly architecture: number;
  readonly number: number;
  readonly arguments: readonly bigint[];
}

const DATA_BYTES = 64;
const ARGUMENTS_AT = 16;

/** The 32 bits that the filter returns. */
export function run(program: readonly Instruction[], call: SystemCall): number {
  const data = dataOf(call);
  let accumulator = 0;
  for (let at = 0; ; at += 1) {
    const instruction = program[at];
    if (instruction === undefined) throw new Error(`no instruction at ${at}`);
    const { code, jumpTrue, jumpFalse, k } = instruction;
    if (code === CODE.return) return k;
    if (code === CODE.load) accumulator = data.getUint32(k, true);
    else if (code === CODE.and) accumulator = (accumulator & k) >>> 0;
    else if (code === CODE.jumpEqual) at += accumulator === k ? jumpTrue : jumpFalse;
    else if (code === CODE.jumpAtLeast) at += accumulator >= k ? jumpTrue : jumpFalse;
    else throw new Error(`no such instruction: ${code}`);
  }
}

function dataOf({ architecture, number, arguments: args }: SystemCall): DataView {
  const data = new DataView(new ArrayBuffer(DATA_BYTES));
  data.setUint32(0, number, true);
  data.setUint32(4, architecture, true);
  args.forEach((value, i) => {
    data.setBigUint64(ARGUMENTS_AT + 8 * i, value, true);
  });
  return data;
}
