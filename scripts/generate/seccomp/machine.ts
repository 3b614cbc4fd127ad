// What the kernel calls things: numbers of system calls and of the constants in their arguments, per architecture.

import constantsFile from './constants.json' with { type: 'json' };
import syscallsFile from './syscalls.json' with { type: 'json' };

export const ARCHITECTURES = ['x86_64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** AUDIT_ARCH_* of include/uapi/linux/audit.h: 64 bit, little endian, ELF machine. */
export const AUDIT_ARCH: Readonly<Record<Architecture, number>> = { x86_64: 0xc0_00_00_3e, arm64: 0xc0_00_00_b7 };

/** x32 calls come under the architecture of x86_64 with this bit in their number. */
export const X32_BIT = 0x40_00_00_00;

const numbers = new Map<string, readonly (number | null)[]>(Object.entries(syscallsFile.numbers));
const constants = new Map<string, number | readonly number[]>(Object.entries(constantsFile.constants));
const columnOf = (architecture: Architecture): number => ARCHITECTURES.indexOf(architecture);

/** Undefined where the architecture has no such call. @throws for a name that no architecture has. */
export function numberOf(architecture: Architecture, name: string): number | undefined {
  const row = numbers.get(name);
  if (row === undefined) throw new Error(`no system call is named ${name}`);
  return row[columnOf(architecture)] ?? undefined;
}

/** @throws for a name that is not in the table. */
export function constantOf(architecture: Architecture, name: string): bigint {
  const value = constants.get(name);
  if (value === undefined) throw new Error(`no constant is named ${name}`);
  return BigInt(typeof value === 'number' ? value : (value[columnOf(architecture)] ?? 0));
}

/** Names and numbers of all calls of an architecture. */
export const callsOf = (architecture: Architecture): ReadonlyMap<string, number> =>
  new Map([...numbers.keys()].flatMap((name): [string, number][] => {
    const number = numberOf(architecture, name);
    return number === undefined ? [] : [[name, number]];
  }));
