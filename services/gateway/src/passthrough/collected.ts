// What has come of a short body, in one piece however many it came in: a buffer for each would hold 200 bytes of heap and more
// beside it, 13 MiB of heap and 38 of the process for 64 KiB in single bytes, and one client may send many of them.

/** Of the first copy. */
const FIRST_BYTES = 4_096;

export class Collected {
  readonly #bytesMax: number;
  #room: Buffer = Buffer.alloc(0);
  #length = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get length(): number {
    return this.#length;
  }

  /** False, and nothing of it is kept, where it would be more than there may be. */
  add(piece: Buffer): boolean {
    const length = this.#length + piece.length;
    if (length > this.#bytesMax) return false;
    // Most bodies are one piece.
    if (this.#length === 0) this.#room = piece;
    else this.#append(piece, length);
    this.#length = length;
    return true;
  }

  get bytes(): Buffer {
    return this.#room.subarray(0, this.#length);
  }

  #append(piece: Buffer, length: number): void {
    if (length > this.#room.length) this.#grow(length);
    piece.copy(this.#room, this.#length);
  }

  /** Twice as much each time, so that all copies together are no more than the body once more. */
  #grow(needed: number): void {
    const room = Buffer.allocUnsafeSlow(Math.min(this.#bytesMax, Math.max(FIRST_BYTES, this.#room.length * 2, needed)));
    this.#room.copy(room, 0, 0, this.#length);
    this.#room = room;
  }
}
