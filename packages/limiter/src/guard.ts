// Calls to Redis with a deadline and a breaker: a Redis that hangs costs a few requests one deadline, not every request.

/** A slow Redis counts as gone: a charge is on the way of every request that is not a hit. */
export const REDIS_DEADLINE_MS = 250;
/** Failures in a row that open the breaker: one lost packet does not. */
const FAILURES_MAX = 3;
/** How long the open breaker waits for its next probe. */
const OPEN_MS = 1_000;

export type BreakerState = 'closed' | 'open' | 'half-open';

export interface GuardOptions {
  readonly deadlineMs?: number;
  readonly failuresMax?: number;
  readonly openMs?: number;
  /** Monotonic ms. */
  readonly nowMs?: () => number;
  /** Hears of each change; for the metric and the log. */
  readonly onState?: (state: BreakerState) => void;
  /** Hears of each failed call. */
  readonly onFailure?: (error: unknown) => void;
}

export interface GuardedCall<T> {
  readonly call: () => Promise<T>;
  readonly deadlineMs?: number;
  /** Hears of an answer that came after the deadline. */
  readonly onLate?: (value: T) => void;
}

export type Guarded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false };

export class Guard {
  readonly #options: GuardOptions;
  readonly #nowMs: () => number;
  #state: BreakerState = 'closed';
  #failures = 0;
  #probeAtMs = 0;

  constructor(options: GuardOptions = {}) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** `{ok: false}` for an open breaker, a fault or a missed deadline. @throws RangeError of the caller's own making. */
  async run<T>(work: GuardedCall<T>): Promise<Guarded<T>> {
    if (!this.#allows()) return { ok: false };
    try {
      const value = await withDeadline(work, work.deadlineMs ?? this.#options.deadlineMs ?? REDIS_DEADLINE_MS);
      this.#failures = 0;
      this.#become('closed');
      return { ok: true, value };
    } catch (error) {
      const defect = error instanceof RangeError;
      // A wrong argument says nothing about Redis, but a probe must not stay out for ever.
      if (!defect || this.#state === 'half-open') this.#fail();
      if (defect) throw error;
      this.#options.onFailure?.(error);
      return { ok: false };
    }
  }

  #allows(): boolean {
    if (this.#state === 'closed') return true;
    if (this.#state === 'half-open' || this.#nowMs() < this.#probeAtMs) return false;
    this.#become('half-open');
    return true;
  }

  #fail(): void {
    this.#failures += 1;
    if (this.#state === 'closed' && this.#failures < (this.#options.failuresMax ?? FAILURES_MAX)) return;
    this.#probeAtMs = this.#nowMs() + (this.#options.openMs ?? OPEN_MS);
    this.#become('open');
  }

  #become(state: BreakerState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#options.onState?.(state);
  }
}

async function withDeadline<T>({ call, onLate }: GuardedCall<T>, deadlineMs: number): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  let late = false;
  const expire = (): void => {
    late = true;
    reject(new Error('Redis did not answer in time'));
  };
  // After a busy moment of our own the timer is due before the answer that waits in the socket: that one is read first.
  const timer = setTimeout(() => setImmediate(expire), deadlineMs);
  call().then((value) => (late ? onLate?.(value) : resolve(value)), reject);
  return await promise.finally(() => clearTimeout(timer));
}
