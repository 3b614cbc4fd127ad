// Time in the hands of a test. The shape of the runtime's `Clock`, held by structure: testkit knows no service code.

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

/** Stands still until `advance()`; sleepers wake in the order in which they are due. */
export class FakeClock {
  /** Difference between the time of day and the monotonic time, ms. */
  readonly #epochMs: number;
  #nowMs = 0;
  readonly #sleepers = new Set<Sleeper>();

  /** @param epochMs time of day at the start, ms since 1970. */
  constructor(epochMs = 1_800_000_000_000) {
    this.#epochMs = epochMs;
  }

  /** Bound, like the rest: they are handed over as plain functions too. */
  readonly now = (): number => this.#epochMs + this.#nowMs;
  /** Starts at 0. */
  readonly monotonicMs = (): number => this.#nowMs;

  /** Sleepers that wait. */
  get sleepers(): number {
    return this.#sleepers.size;
  }

  /** Wakes when the clock gets there; at once for no time at all. Rejects with the signal's reason. */
  readonly sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    signal?.throwIfAborted();
    if (ms <= 0) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sleeper: Sleeper = { dueMs: this.#nowMs + ms, wake: resolve };
    const onAbort = (): void => {
      this.#sleepers.delete(sleeper);
      reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
    };
    this.#sleepers.add(sleeper);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  };

  /**
   * Lets time pass. Each sleeper wakes at its own time, and what it does, new sleeps included, happens before the next
   * one wakes. Resolves when the time has passed.
   */
  readonly advance = async (ms: number): Promise<void> => {
    if (!(ms >= 0)) throw new RangeError('time only passes forward');
    const untilMs = this.#nowMs + ms;
    await settle();
    for (let next = this.#nextDue(untilMs); next !== undefined; next = this.#nextDue(untilMs)) {
      this.#nowMs = next.dueMs;
      this.#sleepers.delete(next);
      next.wake();
      await settle();
    }
    this.#nowMs = untilMs;
  };

  #nextDue(untilMs: number): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of this.#sleepers) {
      if (sleeper.dueMs <= untilMs && (first === undefined || sleeper.dueMs < first.dueMs)) first = sleeper;
    }
    return first;
  }
}

/** Runs all promise reactions that are ready, however long their chain. */
const settle = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));
