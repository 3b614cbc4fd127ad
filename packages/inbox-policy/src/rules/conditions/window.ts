// Time windows of rules: `HH:MM-HH:MM`, with days before and a time zone after it, such as `Mon-Fri 22:00-06:00 Europe/Berlin`.

import { DAYS, DAYS_PER_WEEK, type LocalClock, localClock } from './local-clock.ts';

export interface Window {
  holds(nowMs: number): boolean;
}

const MINUTES_PER_HOUR = 60;
const UTC = 'UTC';

const DAY = `(?:${DAYS.join('|')})`;
const DAY_RANGE = `${DAY}(?:-${DAY})?`;
const CLOCK_TIME = '(?:[01][0-9]|2[0-3]):[0-5][0-9]';
/** As the zone database names them; offsets such as +02:00 are none, since they know no summer time. */
const ZONE = '[A-Za-z][A-Za-z0-9_+-]{0,31}(?:/[A-Za-z0-9_+-]{1,31}){0,2}';
const SHAPE = new RegExp(`^(?:(?<days>${DAY_RANGE}(?:,${DAY_RANGE}){0,6}) )?(?<from>${CLOCK_TIME})-(?<to>${CLOCK_TIME}|24:00)(?: (?<zone>${ZONE}))?$`);

export type ReadWindow = { readonly ok: true; readonly window: Window } | { readonly ok: false; readonly detail: string };

export function readWindow(text: string): ReadWindow {
  const { days, from = '', to = '', zone = UTC } = SHAPE.exec(text)?.groups ?? {};
  if (from === '') return refused(text, 'is no time window such as 22:00-06:00, Mon-Fri 08:00-17:00 or Sat,Sun 00:00-24:00 Europe/Berlin');
  if (from === to) return refused(text, 'begins when it ends; a whole day is 00:00-24:00');
  const clock = localClock(zone);
  if (clock === undefined) return refused(text, 'has no time zone of the zone database, such as Europe/Berlin');
  return { ok: true, window: createWindow({ clock, days: days === undefined ? ALL_DAYS : readDays(days), from: minutesOf(from), to: minutesOf(to) }) };
}

const refused = (text: string, detail: string): ReadWindow => ({ ok: false, detail: `${JSON.stringify(text)} ${detail}` });

const minutesOf = (text: string): number => Number(text.slice(0, 2)) * MINUTES_PER_HOUR + Number(text.slice(3));

const ALL_DAYS: ReadonlySet<number> = new Set(DAYS.keys());

/** `Fri-Mon` goes over the weekend. */
function readDays(text: string): ReadonlySet<number> {
  const days = new Set<number>();
  for (const range of text.split(',')) {
    const [first = '', last = first] = range.split('-');
    const from = indexOf(first);
    const length = (indexOf(last) - from + DAYS_PER_WEEK) % DAYS_PER_WEEK;
    for (let at = 0; at <= length; at += 1) days.add((from + at) % DAYS_PER_WEEK);
  }
  return days;
}

const indexOf = (name: string): number => DAYS.indexOf(name);

interface Span {
  readonly clock: LocalClock;
  readonly days: ReadonlySet<number>;
  /** Minutes of the day; the end is not within. */
  readonly from: number;
  readonly to: number;
}

/** One over midnight belongs to the day on which it begins. */
function createWindow({ clock, days, from, to }: Span): Window {
  if (from < to) {
    return {
      holds: (nowMs) => {
        const { day, minute } = clock(nowMs);
        return minute >= from && minute < to && days.has(day);
      },
    };
  }
  return {
    holds: (nowMs) => {
      const { day, minute } = clock(nowMs);
      return (minute >= from && days.has(day)) || (minute < to && days.has((day + DAYS_PER_WEEK - 1) % DAYS_PER_WEEK));
    },
  };
}
