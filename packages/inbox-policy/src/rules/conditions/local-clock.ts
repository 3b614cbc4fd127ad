// Day of the week and minute of the day somewhere. Formatting a time is dear, so one minute is worked out once.

export interface LocalTime {
  /** 0 is Monday. */
  readonly day: number;
  readonly minute: number;
}
export type LocalClock = (nowMs: number) => LocalTime;

/** As rules and the formatter of times call them. */
export const DAYS: readonly string[] = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
export const DAYS_PER_WEEK = 7;
const MINUTE_MS = 60_000;
const MINUTES_PER_HOUR = 60;

/** By canonical name; a few hundred at most. */
const clocks = new Map<string, LocalClock>();

/** undefined for a zone that nobody knows. */
export function localClock(zone: string): LocalClock | undefined {
  const format = formatOf(zone);
  if (format === undefined) return undefined;
  const name = format.resolvedOptions().timeZone;
  const clock = clocks.get(name) ?? createClock(format);
  clocks.set(name, clock);
  return clock;
}

function formatOf(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  } catch {
    return undefined;
  }
}

/** Zones change their offset on whole minutes only. */
function createClock(format: Intl.DateTimeFormat): LocalClock {
  let known: { readonly atMinute: number; readonly time: LocalTime } | undefined;
  return (nowMs) => {
    const atMinute = Math.floor(nowMs / MINUTE_MS);
    if (known?.atMinute === atMinute) return known.time;
    const time = timeOf(format, nowMs);
    known = { atMinute, time };
    return time;
  };
}

function timeOf(format: Intl.DateTimeFormat, nowMs: number): LocalTime {
  const parts: Partial<Record<string, string>> = {};
  for (const { type, value } of format.formatToParts(nowMs)) parts[type] = value;
  return { day: DAYS.indexOf(parts['weekday'] ?? ''), minute: Number(parts['hour']) * MINUTES_PER_HOUR + Number(parts['minute']) };
}
