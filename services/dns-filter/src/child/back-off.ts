// How long to wait before a fallen child is started again. Pure.

export const RESTARTS_MAX = 5;
/** A child that ran this long has earned a clean record. */
export const STABLE_MS = 60_000;
const FIRST_MS = 250;
const LONGEST_MS = 4_000;

export interface Record {
  /** Falls in a row. */
  readonly falls: number;
}

export type NextStart = { readonly record: Record; readonly waitMs: number } | 'give up';

export const CLEAN: Record = { falls: 0 };

/** @param ranMs how long the child ran before it fell. */
export function nextStart({ falls }: Record, ranMs: number): NextStart {
  const now = ranMs >= STABLE_MS ? 1 : falls + 1;
  if (now > RESTARTS_MAX) return 'give up';
  return { record: { falls: now }, waitMs: Math.min(LONGEST_MS, FIRST_MS * 2 ** (now - 1)) };
}
