// How many new names may enter Redis: whoever makes up names by the thousand fills a bounded part of it.

import type { Clock } from '@sekisho/runtime';

const HOUR_MS = 3_600_000;

export interface AdmissionLimits {
  readonly burst: number;
  readonly perHour: number;
}

/** Whether there is room for one more new name. */
export function createAdmission(clock: Pick<Clock, 'monotonicMs'>, { burst, perHour }: AdmissionLimits): () => boolean {
  let room = burst;
  let sinceMs = clock.monotonicMs();
  return () => {
    const nowMs = clock.monotonicMs();
    room = Math.min(burst, room + ((nowMs - sinceMs) * perHour) / HOUR_MS);
    sinceMs = nowMs;
    if (room < 1) return false;
    room -= 1;
    return true;
  };
}
