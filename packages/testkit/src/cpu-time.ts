// What work costs, by the time that this thread had a processor: a paused or busy machine moves the clock, not this.

const ROUNDS_MAX = 9;
/** Below this the clock's grain and what runs beside the work decide, not the work, ms. */
const GRAIN_MS = 0.1;

export interface Growth {
  /** Size of the small work. */
  readonly small: number;
  /** How many times as large the large work is. */
  readonly times: number;
  /** Factor at which measuring ends early: the caller's bound. */
  readonly enough: number;
}

/** Processor time of `work`, in this thread where the process knows it, ms. */
export function cpuMsOf(work: () => void): number {
  const began = usage();
  work();
  const ended = usage();
  return (ended.user - began.user + ended.system - began.system) / 1_000;
}

function usage(): NodeJS.CpuUsage {
  // Asked first, always: Linux brings a thread's time up to date for the question about its process. Without it the
  // answer is as old as the last tick, 4 ms.
  const ofProcess = process.cpuUsage();
  return typeof process.threadCpuUsage === 'function' ? process.threadCpuUsage() : ofProcess;
}

/**
 * How many times the small work's processor time the large one takes: about `times` if it is linear, its square if it
 * is quadratic. The least of several rounds, in turns: what disturbs only ever adds. `work` makes its input itself, and
 * the small size should take half a millisecond or more.
 */
export function growthOf(work: (size: number) => void, { small, times, enough }: Growth): number {
  let smallMs = Infinity;
  let largeMs = Infinity;
  let factor = Infinity;
  for (let round = 0; round < ROUNDS_MAX && !(factor < enough); round += 1) {
    smallMs = Math.min(smallMs, cpuMsOf(() => work(small)));
    largeMs = Math.min(largeMs, cpuMsOf(() => work(small * times)));
    // The first round compiles.
    if (round > 0) factor = largeMs / Math.max(smallMs, GRAIN_MS);
  }
  return factor;
}
