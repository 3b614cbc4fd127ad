// CPU time of a process from /proc: what a decoder says about itself is worth nothing when it sets a price.

import { readFileSync } from 'node:fs';

/** Kernel ticks per second in /proc on every architecture Linux runs Node on (USER_HZ). */
const TICKS_PER_SECOND = 100;
/** Fields 14 and 15 of proc(5), counted behind the process name: it may hold blanks and brackets. */
const UTIME = 11;
const STIME = 12;

/** User and system time in ms out of a /proc/<pid>/stat text; undefined when it is none. */
export function parseCpuMs(stat: string): number | undefined {
  const nameEnd = stat.lastIndexOf(') ');
  if (nameEnd < 0) return undefined;
  const fields = stat.slice(nameEnd + 2).split(' ');
  const ticks = [fields[UTIME], fields[STIME]].map((field) => (/^\d{1,15}$/.test(field ?? '') ? Number(field) : Number.NaN));
  const sum = ticks.reduce((a, b) => a + b, 0);
  return Number.isNaN(sum) ? undefined : (sum * 1_000) / TICKS_PER_SECOND;
}

/** CPU ms that the process has used; undefined when it is gone. */
export function readCpuMs(pid: number): number | undefined {
  try {
    return parseCpuMs(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
}
