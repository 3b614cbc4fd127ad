// Which decoder may see which picture. Pure. A process that was taken over by one site's picture must never be handed
// another site's, so the choice depends on the token and the class alone, never on load: attackers control load.

import { CLASS_LIMITS, type DecodeClass } from '@sekisho/contracts';

/** `site`: a process serves one source; `image`: one picture. */
export type IsolationMode = 'site' | 'image';

/**
 * SVG runs in processes of its own: another parser, other limits. Animations share those of still pictures: the same
 * parsers read both, and what bounds a process is the same for both (a test holds it).
 */
export type ProcessClass = 'raster' | 'svg';
export const processClass = (of: DecodeClass): ProcessClass => (of === 'svg' ? 'svg' : 'raster');

export const POOL_LIMITS = {
  picturesMax: 8,
  idleMs: 30_000,
  childrenPerSlot: 8,
  /** More than two buy nothing in steady load: the core is the limit then. */
  warmPerSlot: 2,
  /** SVG is rare, and a cold start costs 70 ms. */
  warmSvg: 1,
} as const;

export interface ChildFacts {
  readonly class: ProcessClass;
  /** Undefined while blank. */
  readonly token: string | undefined;
  readonly busy: boolean;
  /** It has said that it is loaded. */
  readonly ready: boolean;
  readonly pictures: number;
  readonly lifeCpuMs: number;
  /** When it became idle; of any monotonic clock. */
  readonly idleSinceMs: number;
}

export interface Wanted {
  readonly class: ProcessClass;
  readonly token: string;
}

/** A child bound to this very token and class, else a blank one, a loaded one first; undefined: spawn. */
export function pickChild<C extends ChildFacts>(children: Iterable<C>, wanted: Wanted): C | undefined {
  const free = [...children].filter((child) => !child.busy && child.class === wanted.class);
  const blank = free.filter((child) => child.token === undefined && child.pictures === 0);
  return free.find((child) => child.token === wanted.token) ?? blank.find((child) => child.ready) ?? blank[0];
}

/**
 * Whether a child stays for a next picture of its site after one that went well. With no more CPU behind it than one
 * picture may use, the limit of its process (twice that) never ends a picture that keeps its own.
 */
export const staysAfter = (child: ChildFacts, mode: IsolationMode): boolean =>
  mode === 'site' && child.pictures < POOL_LIMITS.picturesMax && child.lifeCpuMs <= CLASS_LIMITS[child.class].cpuMs;

/** Bound children that have been idle for too long. */
export const idleTooLong = <C extends ChildFacts>(children: Iterable<C>, nowMs: number, idleMs: number = POOL_LIMITS.idleMs): C[] =>
  [...children].filter((child) => child.token !== undefined && !child.busy && nowMs - child.idleSinceMs >= idleMs);

/** The bound child that has been idle longest: it makes room for another. */
export const longestIdle = <C extends ChildFacts>(children: Iterable<C>): C | undefined =>
  [...children].filter((child) => child.token !== undefined && !child.busy).toSorted((a, b) => a.idleSinceMs - b.idleSinceMs)[0];

/** How many blank children each class lacks. */
export function lackingBlanks(children: Iterable<ChildFacts>, slots: number): Readonly<Record<ProcessClass, number>> {
  const blank = [...children].filter((child) => child.token === undefined && !child.busy);
  const lacking = (of: ProcessClass, want: number): number => Math.max(0, want - blank.filter((child) => child.class === of).length);
  return { raster: lacking('raster', POOL_LIMITS.warmPerSlot * slots), svg: lacking('svg', POOL_LIMITS.warmSvg) };
}
