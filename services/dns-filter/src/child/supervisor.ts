// Keeps one child running: starts it, waits until it is ready, looks after it, and starts it again when it fell, until it
// has fallen too often.

import type { Clock, Logger } from '@sekisho/runtime';
import { inTime } from '@sekisho/runtime';
import { CLEAN, nextStart, RESTARTS_MAX } from './back-off.ts';
import type { Child, StartChild } from './process.ts';

export interface SupervisorOptions {
  readonly start: StartChild;
  /** Does the child answer, with the policy it was given? Never rejects. */
  readonly isReady: () => Promise<boolean>;
  /** Called at each look after a child that was ready. Never rejects; false: something is wrong. */
  readonly look: () => Promise<boolean>;
  readonly onLine: (line: string) => void;
  readonly onRestart: () => void;
  readonly onGiveUp: () => void;
  readonly log: Logger;
  readonly clock: Clock;
  readonly times?: Partial<SupervisorTimes>;
}

export interface SupervisorTimes {
  /** From start to ready. */
  readonly readyMs: number;
  readonly askMs: number;
  /** Between two looks. */
  readonly lookMs: number;
}

const TIMES: SupervisorTimes = { readyMs: 10_000, askMs: 50, lookMs: 5_000 };
/** Looks in a row that went wrong. */
const MISSES_MAX = 3;

export interface Supervisor {
  readonly isUp: boolean;
  /** Resolves when the first child is ready. @throws Error with what it said when it does not get there. */
  start(): Promise<void>;
  /** Ends the child, and with it the watch. */
  stop(): Promise<void>;
}

export const createSupervisor = (options: SupervisorOptions): Supervisor => new ChildSupervisor(options);

class ChildSupervisor implements Supervisor {
  readonly #options: SupervisorOptions;
  readonly #times: SupervisorTimes;
  readonly #stopping = new AbortController();
  #child: Child | undefined;
  #isUp = false;
  #watch: Promise<void> = Promise.resolve();

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#times = { ...TIMES, ...options.times };
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  async start(): Promise<void> {
    const lines: string[] = [];
    const first = this.#begin((line) => {
      lines.push(line);
      if (lines.length > MISSES_MAX) lines.shift();
    });
    const problem = await this.#untilReady(first);
    if (problem !== undefined) {
      await this.stop();
      throw new Error(`unbound ${problem}${lines.length > 0 ? `: ${lines.join('; ')}` : ''}`);
    }
    this.#watch = this.#keep(first);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#child?.stop();
    await this.#watch;
    this.#isUp = false;
  }

  /** One child after the other; ends when told to stop or when a child fell too often. */
  async #keep(first: Child): Promise<void> {
    let child = first;
    let record = CLEAN;
    for (;;) {
      const began = this.#options.clock.monotonicMs();
      const why = await this.#endOf(child);
      this.#isUp = false;
      if (this.#stopping.signal.aborted) return;
      const next = nextStart(record, this.#options.clock.monotonicMs() - began);
      this.#options.log.error({ detail: why }, 'unbound fell');
      if (next === 'give up') {
        this.#options.log.error({ restarts: RESTARTS_MAX }, 'unbound fell too often');
        this.#options.onGiveUp();
        return;
      }
      record = next.record;
      if (!(await this.#pause(next.waitMs))) return;
      this.#options.onRestart();
      child = this.#begin(() => undefined);
      await this.#untilReady(child);
    }
  }

  #begin(note: (line: string) => void): Child {
    const child = this.#options.start((line) => {
      note(line);
      this.#options.onLine(line);
    });
    this.#child = child;
    return child;
  }

  /** Undefined when ready; a child that does not get there in time is killed. */
  async #untilReady(child: Child): Promise<string | undefined> {
    const { clock, isReady } = this.#options;
    const end = clock.monotonicMs() + this.#times.readyMs;
    while (clock.monotonicMs() < end && !this.#stopping.signal.aborted) {
      const fell = await inTime(child.ended, this.#times.askMs, () => undefined);
      if (fell !== undefined) return fell;
      if (await isReady()) {
        this.#isUp = true;
        return undefined;
      }
    }
    child.kill();
    return 'was not ready in time';
  }

  /** Looks after the child until it ends; one that stops answering is killed. */
  async #endOf(child: Child): Promise<string> {
    let misses = 0;
    for (;;) {
      const fell = await inTime(child.ended, this.#times.lookMs, () => undefined);
      if (fell !== undefined) return fell;
      misses = (await this.#options.look()) ? 0 : misses + 1;
      if (misses < MISSES_MAX) continue;
      this.#options.log.error({ misses }, 'unbound does not answer');
      child.kill();
      return await child.ended;
    }
  }

  /** False when told to stop meanwhile. */
  async #pause(ms: number): Promise<boolean> {
    return await this.#options.clock.sleep(ms, this.#stopping.signal).then(() => true, () => false);
  }
}
