// `stats_noreset`: lines of key=value. Pure.

/** Unbound 1.17 writes 131 to 140 lines, and one more for each query type seen. */
const LINES_MAX = 1_000;
const LINE = /^([A-Za-z0-9_.:-]{1,80})=(\d{1,15}(?:\.\d{1,9})?)$/;

export type Stats = ReadonlyMap<string, number>;

/** Lines that are not understood are left out; never throws. */
export function parseStats(text: string): Stats {
  const stats = new Map<string, number>();
  for (const line of text.split('\n', LINES_MAX)) {
    const [, key, value] = LINE.exec(line) ?? [];
    if (key !== undefined) stats.set(key, Number(value));
  }
  return stats;
}

/** What counters grew by; a counter that fell belongs to a new process, which began at zero. */
export function increase(before: Stats, now: Stats): (key: string) => number {
  return (key) => {
    const [from, to] = [before.get(key) ?? 0, now.get(key) ?? 0];
    return to >= from ? to - from : to;
  };
}

/** Sum of all keys that begin like this, but for some. */
export const sumOf = (keys: Iterable<string>, prefix: string, but: ReadonlySet<string>, value: (key: string) => number): number =>
  [...keys].filter((key) => key.startsWith(prefix) && !but.has(key)).reduce((sum, key) => sum + value(key), 0);
