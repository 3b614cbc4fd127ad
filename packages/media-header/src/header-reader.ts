// Bounded access to the bytes. Reads outside give 0, so no parser can fail; each parser asks `has` first where a 0
// would mean something. Every loop asks `step`, so that no input costs more than STEPS_MAX turns in all.

/** Twice the bytes that are looked at: each loop advances at least one byte per turn and none visits a byte thrice. */
export const STEPS_MAX = 131_072;

export class HeaderReader {
  readonly bytes: Uint8Array;
  /** The file goes on behind `bytes`. */
  readonly partial: boolean;
  #steps = 0;

  constructor(bytes: Uint8Array, partial: boolean) {
    this.bytes = bytes;
    this.partial = partial;
  }

  get length(): number {
    return this.bytes.length;
  }

  get steps(): number {
    return this.#steps;
  }

  /** Counts one turn of a loop; false once the budget is spent. */
  step(): boolean {
    if (this.#steps >= STEPS_MAX) return false;
    this.#steps += 1;
    return true;
  }

  has(at: number, count: number): boolean {
    return at >= 0 && at + count <= this.bytes.length;
  }

  u8(at: number): number {
    return this.bytes[at] ?? 0;
  }

  u16be(at: number): number {
    return this.u8(at) * 0x100 + this.u8(at + 1);
  }

  u16le(at: number): number {
    return this.u8(at) + this.u8(at + 1) * 0x100;
  }

  u24le(at: number): number {
    return this.u16le(at) + this.u8(at + 2) * 0x1_0000;
  }

  u32be(at: number): number {
    return this.u16be(at) * 0x1_0000 + this.u16be(at + 2);
  }

  u32le(at: number): number {
    return this.u16le(at) + this.u16le(at + 2) * 0x1_0000;
  }

  /** Two's complement, as BMP writes the height of a top-down picture. */
  i32le(at: number): number {
    return this.u32le(at) | 0;
  }

  /** Do the bytes at `at` spell `text` (Latin-1)? */
  spells(at: number, text: string): boolean {
    if (!this.has(at, text.length)) return false;
    for (let index = 0; index < text.length; index += 1) {
      if (this.u8(at + index) !== text.charCodeAt(index)) return false;
    }
    return true;
  }

  /** Four characters, as chunk and box names are; shorter at the end of the bytes. */
  name(at: number): string {
    return String.fromCharCode(...this.bytes.subarray(at, at + 4));
  }
}
