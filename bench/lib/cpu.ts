// CPU of process trees from /proc: what live processes used, and what they inherited from children that ended. A decoder
// that came and went between two looks is in its parent's account.

import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** USER_HZ, 100 on every Linux that runs Node. */
const TICK_MS = 10;
const CALM_POLL_MS = 250;
const CALM_MS_MAX = 4_000;

interface Stat {
  readonly parent: number;
  readonly ownMs: number;
  readonly reapedMs: number;
}

export interface TreeCpu {
  /** The process itself. */
  readonly ownMs: number;
  /** Everything it started, dead or alive. */
  readonly childrenMs: number;
}

/** CPU ms used so far by each process and by all that it started. */
export function readTrees<Name extends string>(roots: Readonly<Record<Name, number | undefined>>): Record<Name, TreeCpu> {
  const stats = readAll();
  const below = (pid: number): number =>
    [...stats].filter(([, { parent }]) => parent === pid).reduce((sum, [child, { ownMs, reapedMs }]) => sum + ownMs + reapedMs + below(child), 0);
  const tree = (pid: number | undefined): TreeCpu => {
    const stat = pid === undefined ? undefined : stats.get(pid);
    if (pid === undefined || stat === undefined) return { ownMs: 0, childrenMs: 0 };
    return { ownMs: stat.ownMs, childrenMs: stat.reapedMs + below(pid) };
  };
  return Object.fromEntries(Object.entries<number | undefined>(roots).map(([name, pid]) => [name, tree(pid)])) as Record<Name, TreeCpu>;
}

export const totalMs = ({ ownMs, childrenMs }: TreeCpu): number => ownMs + childrenMs;

/** Waits until the trees use less than a twentieth of a core: what a request caused after its answer belongs to it. */
export async function whenCalm(readMs: () => number): Promise<void> {
  const until = performance.now() + CALM_MS_MAX;
  let before = readMs();
  while (performance.now() < until) {
    await delay(CALM_POLL_MS);
    const now = readMs();
    if (now - before < CALM_POLL_MS / 20) return;
    before = now;
  }
}

function readAll(): Map<number, Stat> {
  const stats = new Map<number, Stat>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const stat = Number.isInteger(pid) ? readStat(pid) : undefined;
    if (stat !== undefined) stats.set(pid, stat);
  }
  return stats;
}

function readStat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command's name is in brackets and may hold blanks; the numbers begin with field 3, the state.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ').map(Number);
    const [, parent = 0] = fields;
    const [user = 0, system = 0, userReaped = 0, systemReaped = 0] = fields.slice(11, 15);
    return { parent, ownMs: (user + system) * TICK_MS, reapedMs: (userReaped + systemReaped) * TICK_MS };
  } catch {
    return undefined;
  }
}
