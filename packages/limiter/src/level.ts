// The arithmetic of one bucket, the same as scripts/common.lua: GCRA in whole µs with a floor of open charges.

/** Level of a bucket as it is kept. */
export interface Level {
  /** Theoretical arrival time: `tatUs - now` is the level, it drains by itself. */
  tatUs: number;
  /** Epoch in which this was written; an epoch is one charge TTL long. */
  epoch: number;
  /** Open charges of this epoch. */
  openUs: number;
  /** Open charges of the epoch before; older ones are abandoned and drain. */
  openPrevUs: number;
}

export interface Instant {
  readonly nowUs: number;
  readonly epoch: number;
}

/** The level now, never below what is open. */
export function levelAt(kept: Level | undefined, { nowUs, epoch }: Instant): Level {
  if (kept === undefined) return { tatUs: nowUs, epoch, openUs: 0, openPrevUs: 0 };
  const aged = age(kept, epoch);
  return { ...aged, tatUs: Math.max(aged.tatUs, nowUs + aged.openUs + aged.openPrevUs) };
}

function age(kept: Level, epoch: number): Level {
  if (kept.epoch === epoch) return kept;
  if (kept.epoch === epoch - 1) return { tatUs: kept.tatUs, epoch, openUs: 0, openPrevUs: kept.openUs };
  return { tatUs: kept.tatUs, epoch, openUs: 0, openPrevUs: 0 };
}

/** Takes `us` of a charge born in `born` out of the open ones. */
export function close(level: Level, us: number, born: number): void {
  if (born === level.epoch) level.openUs = Math.max(0, level.openUs - us);
  else if (born === level.epoch - 1) level.openPrevUs = Math.max(0, level.openPrevUs - us);
}

export const isDrained = (level: Level, { nowUs }: Instant): boolean => level.tatUs <= nowUs;
