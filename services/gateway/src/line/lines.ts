// The waiting lines as promises: the thin shell around line-core.

import type { Code } from '@sekisho/contracts';
import { type Clock, systemClock } from '@sekisho/runtime';
import { DEFAULT_GATEWAY_LIMITS, type LineSettings } from '../limits-file/limits.ts';
import { type Entry, type LineCore, createLineCore } from './line-core.ts';

/** How often waits are checked: fine enough for limits of seconds. */
const TICK_MS = 250;
const RETRY_AFTER_S = 5;
const CLIENTS_MAX = 4_096;
const ENTRIES_TOTAL_MAX = 16_384;

export interface Slot {
  /** How long the entry waited, ms. */
  readonly waitedMs: number;
  /** Gives the slot back; a second call does nothing. */
  release(): void;
}
export type LineAnswer =
  | { readonly ok: true; readonly slot: Slot }
  | { readonly ok: false; readonly code: Code; readonly retryAfterS: number };

export interface LinesHooks {
  waiting?(entries: number): void;
  running?(entries: number): void;
  /** Seconds an entry waited, granted or not. */
  waited?(seconds: number): void;
}

export interface LinesOptions {
  /** Pictures that all workers decode at once. Twice as many may be on their way, so that no worker waits for a gateway. */
  readonly slots: number;
  /** Asked for each time, so that a change holds at once, also for those who wait already. */
  readonly settings?: () => LineSettings;
  readonly clientSlotsMax?: number;
  readonly clientsMax?: number;
  readonly entriesTotalMax?: number;
  readonly clock?: Clock;
  readonly hooks?: LinesHooks;
}

export interface Lines {
  /** Waits for a slot: SEKISHO_LIMIT_LINE, SEKISHO_LIMIT_QUEUE or SEKISHO_ABORTED where there is none in time. */
  enter(clientKey: string, signal: AbortSignal): Promise<LineAnswer>;
  readonly waiting: number;
  readonly running: number;
  /** Refuses all that wait with SEKISHO_SHUTTING_DOWN. */
  close(): void;
}

interface Shell {
  readonly core: LineCore;
  readonly clock: Clock;
  readonly hooks: LinesHooks;
  readonly waiters: Map<Entry, (answer: LineAnswer) => void>;
  timer: NodeJS.Timeout | undefined;
  closed: boolean;
}

export function createLines(options: LinesOptions): Lines {
  const { slots } = options;
  const settings = options.settings ?? (() => DEFAULT_GATEWAY_LIMITS.line);
  const core = createLineCore({
    runningMax: 2 * slots,
    clientRunningMax: options.clientSlotsMax ?? Math.max(1, slots - 1),
    get entriesMax() {
      return settings().entriesMax;
    },
    entriesTotalMax: options.entriesTotalMax ?? ENTRIES_TOTAL_MAX,
    clientsMax: options.clientsMax ?? CLIENTS_MAX,
    get waitMs() {
      return settings().waitMs;
    },
    get headWaitMs() {
      return settings().headWaitMs;
    },
  });
  const clock = options.clock ?? systemClock;
  const shell: Shell = { core, clock, hooks: options.hooks ?? {}, waiters: new Map(), timer: undefined, closed: false };
  return {
    enter: (clientKey, signal) => enter(shell, clientKey, signal),
    get waiting() {
      return core.waiting;
    },
    get running() {
      return core.running;
    },
    close: () => {
      shell.closed = true;
      for (const entry of shell.waiters.keys()) refuse(shell, entry, 'SEKISHO_SHUTTING_DOWN');
      advance(shell);
    },
  };
}

async function enter(shell: Shell, clientKey: string, signal: AbortSignal): Promise<LineAnswer> {
  if (shell.closed) return refusal('SEKISHO_SHUTTING_DOWN');
  if (signal.aborted) return refusal('SEKISHO_ABORTED');
  const entered = shell.core.enter(clientKey, shell.clock.monotonicMs());
  if (!entered.ok) return refusal(entered.code);
  const { entry } = entered;
  const onAbort = (): void => {
    refuse(shell, entry, 'SEKISHO_ABORTED');
    advance(shell);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await new Promise<LineAnswer>((resolve) => {
      shell.waiters.set(entry, resolve);
      advance(shell);
    });
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Grants what can run, tells the gauges and keeps the timer exactly while somebody waits. */
function advance(shell: Shell): void {
  for (const entry of shell.core.grant(shell.clock.monotonicMs())) {
    answer(shell, entry, { ok: true, slot: slotOf(shell, entry) });
  }
  shell.hooks.waiting?.(shell.core.waiting);
  shell.hooks.running?.(shell.core.running);
  if (shell.core.waiting > 0) {
    shell.timer ??= setInterval(() => tick(shell), TICK_MS);
  } else {
    clearInterval(shell.timer);
    shell.timer = undefined;
  }
}

function tick(shell: Shell): void {
  for (const { entry, code } of shell.core.expire(shell.clock.monotonicMs())) answer(shell, entry, refusal(code));
  advance(shell);
}

function refuse(shell: Shell, entry: Entry, code: Code): void {
  if (!shell.waiters.has(entry)) return;
  shell.core.end(entry, shell.clock.monotonicMs());
  answer(shell, entry, refusal(code));
}

function answer(shell: Shell, entry: Entry, value: LineAnswer): void {
  const resolve = shell.waiters.get(entry);
  shell.waiters.delete(entry);
  shell.hooks.waited?.((shell.clock.monotonicMs() - entry.enteredAtMs) / 1_000);
  resolve?.(value);
}

function slotOf(shell: Shell, entry: Entry): Slot {
  return {
    waitedMs: shell.clock.monotonicMs() - entry.enteredAtMs,
    release: () => {
      shell.core.end(entry, shell.clock.monotonicMs());
      advance(shell);
    },
  };
}

const refusal = (code: Code): LineAnswer => ({ ok: false, code, retryAfterS: RETRY_AFTER_S });
