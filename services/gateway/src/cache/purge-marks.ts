// When something was purged in this process: an entry made by work that began before must not come back through it.

/** Longer than any fetch, line and decode together. */
const MARK_TTL_MS = 600_000;
const MARKS_MAX = 10_000;

export class PurgeMarks {
  readonly #marks = new Map<string, number>();
  /** Everything begun before is refused: after a lost subscription, or when there are too many marks to keep. */
  #allBefore = Number.NEGATIVE_INFINITY;

  /** @param nowMs monotonic. */
  add(hash: string, nowMs: number): void {
    this.#marks.delete(hash);
    this.#marks.set(hash, nowMs);
    for (const [old, at] of this.#marks) {
      if (at > nowMs - MARK_TTL_MS) break;
      this.#marks.delete(old);
    }
    if (this.#marks.size > MARKS_MAX) this.addAll(nowMs);
  }

  addAll(nowMs: number): void {
    this.#allBefore = nowMs;
    this.#marks.clear();
  }

  /** Whether work begun at `beganMs` (monotonic) was overtaken by a purge of one of the hashes. */
  overtakes(hashes: readonly string[], beganMs: number): boolean {
    return beganMs <= this.#allBefore || hashes.some((hash) => beganMs <= (this.#marks.get(hash) ?? Number.NEGATIVE_INFINITY));
  }
}
