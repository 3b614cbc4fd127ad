// Classic BPF instructions with named jump targets. Only what a seccomp filter needs.

/** struct sock_filter. */
export interface Instruction {
  readonly code: number;
  readonly jumpTrue: number;
  readonly jumpFalse: number;
  readonly k: number;
}

/** Codes of include/uapi/linux/bpf_common.h. */
export const CODE = { load: 0x20, jumpEqual: 0x15, jumpAtLeast: 0x35, and: 0x54, return: 0x06 } as const;

const INSTRUCTION_BYTES = 8;
const JUMP_MAX = 255;

interface Draft {
  readonly code: number;
  readonly k: number;
  readonly yes?: string;
  readonly no?: string;
}

export class Assembler {
  readonly #drafts: Draft[] = [];
  readonly #labels = new Map<string, number>();

  /** Names the next instruction. */
  label(name: string): void {
    if (this.#labels.has(name)) throw new Error(`label ${name} stands twice`);
    this.#labels.set(name, this.#drafts.length);
  }

  load(offset: number): void {
    this.#drafts.push({ code: CODE.load, k: offset });
  }

  and(mask: number): void {
    this.#drafts.push({ code: CODE.and, k: mask });
  }

  jumpEqual(k: number, yes: string, no: string): void {
    this.#drafts.push({ code: CODE.jumpEqual, k, yes, no });
  }

  jumpAtLeast(k: number, yes: string, no: string): void {
    this.#drafts.push({ code: CODE.jumpAtLeast, k, yes, no });
  }

  return(k: number): void {
    this.#drafts.push({ code: CODE.return, k });
  }

  /** @throws for a jump without target or farther than its byte reaches. */
  assemble(): readonly Instruction[] {
    return this.#drafts.map(({ code, k, yes, no }, at) => ({ code, jumpTrue: this.#distance(at, yes), jumpFalse: this.#distance(at, no), k }));
  }

  #distance(from: number, to: string | undefined): number {
    if (to === undefined) return 0;
    const distance = (this.#labels.get(to) ?? Number.NaN) - from - 1;
    if (!(distance >= 0 && distance <= JUMP_MAX)) throw new Error(`jump to ${to} over ${distance} instructions`);
    return distance;
  }
}

/** The bytes the kernel takes on a little-endian machine. */
export function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * INSTRUCTION_BYTES);
  const view = new DataView(bytes.buffer);
  program.forEach(({ code, jumpTrue, jumpFalse, k }, i) => {
    const at = i * INSTRUCTION_BYTES;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, jumpTrue);
    view.setUint8(at + 3, jumpFalse);
    view.setUint32(at + 4, k, true);
  });
  return bytes;
}

/** The opposite of encode(), for tests of the files as they lie in the repository. */
export function decode(bytes: Uint8Array): readonly Instruction[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / INSTRUCTION_BYTES }, (_, i) => {
    const at = i * INSTRUCTION_BYTES;
    return { code: view.getUint16(at, true), jumpTrue: view.getUint8(at + 2), jumpFalse: view.getUint8(at + 3), k: view.getUint32(at + 4, true) };
  });
}
