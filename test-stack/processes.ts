// What /proc tells about the processes of a stack.

import { readFileSync, readdirSync } from 'node:fs';

interface Stat {
  readonly pid: number;
  readonly name: string;
  readonly state: string;
  readonly parent: number;
  readonly group: number;
}

function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const end = text.lastIndexOf(')');
    const [state = '', parent = '0', group = '0'] = text.slice(end + 2).split(' ');
    return { pid, name: text.slice(text.indexOf('(') + 1, end), state, parent: Number(parent), group: Number(group) };
  } catch {
    return undefined;
  }
}

const all = (): readonly Stat[] =>
  readdirSync('/proc').flatMap((name) => {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
    return stat === undefined || stat.state === 'Z' ? [] : [stat];
  });

/** Living processes whose chain of parents leads to `pid`. */
export function descendantsOf(pid: number): readonly number[] {
  const living = all();
  const found: number[] = [];
  const queue = [pid];
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    for (const stat of living) {
      if (stat.parent !== at) continue;
      found.push(stat.pid);
      queue.push(stat.pid);
    }
  }
  return found;
}

export const isAlive = (pid: number): boolean => {
  const stat = statOf(pid);
  return stat !== undefined && stat.state !== 'Z';
};

/** Program and arguments, separated by blanks; empty when it is gone. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** User and system time in clock ticks; 0 when it is gone. */
export function cpuTicks(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return 0;
  }
}

/** Resident bytes of a process; 0 when it is gone. */
export function residentBytes(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
