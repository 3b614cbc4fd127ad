// Waiting, always with an end.

import { setTimeout as delay } from 'node:timers/promises';

export interface Waiting {
  readonly what: string;
  readonly timeoutMs: number;
  readonly everyMs?: number;
}

/**
 * Asks until the answer is neither undefined nor false; a fault counts as not yet.
 * @throws Error that names what was waited for, the last fault as its cause.
 */
export async function until<Value>(check: () => Promise<Value | undefined | false>, waiting: Waiting): Promise<Value> {
  const { what, timeoutMs, everyMs = 200 } = waiting;
  const endMs = performance.now() + timeoutMs;
  let cause: unknown;
  do {
    try {
      const value = await within(check(), { what, timeoutMs: Math.max(1, endMs - performance.now()) });
      if (value !== undefined && value !== false) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await delay(everyMs);
  } while (performance.now() < endMs);
  throw new Error(`${what}: not within ${timeoutMs} ms`, { cause });
}

/** @throws Error after the time; the work itself goes on unheard. */
export async function within<Value>(work: Promise<Value>, { what, timeoutMs }: Waiting): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: no end within ${Math.round(timeoutMs)} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
