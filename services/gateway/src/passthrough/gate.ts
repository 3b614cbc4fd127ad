// Who may talk to Misskey now: a bounded number at once, a bounded line behind them, and one client only a part of
// both. The line is ours and not the pool's, so that a client who leaves leaves it too.

export interface GateLimits {
  readonly runningMax: number;
  readonly waitingMax: number;
  readonly perClientMax: number;
}

export interface Entry {
  readonly clientKey: string;
  /** Called once, at once or when a place is free. */
  start(): void;
}

export type Admission = 'running' | 'waiting' | 'full' | 'client-full';

export class Gate {
  readonly #limits: GateLimits;
  readonly #running = new Set<Entry>();
  readonly #waiting = new Set<Entry>();
  readonly #clients = new Map<string, number>();

  constructor(limits: GateLimits) {
    this.#limits = limits;
  }

  get running(): number {
    return this.#running.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Admits and starts the entry, lets it wait, or refuses it. What was admitted must `leave`. */
  enter(entry: Entry): Admission {
    const own = this.#clients.get(entry.clientKey) ?? 0;
    if (own >= this.#limits.perClientMax) return 'client-full';
    const isFree = this.#running.size < this.#limits.runningMax;
    if (!isFree && this.#waiting.size >= this.#limits.waitingMax) return 'full';
    this.#clients.set(entry.clientKey, own + 1);
    if (!isFree) {
      this.#waiting.add(entry);
      return 'waiting';
    }
    this.#running.add(entry);
    entry.start();
    return 'running';
  }

  /** Idempotent. */
  leave(entry: Entry): void {
    const wasRunning = this.#running.delete(entry);
    if (!wasRunning && !this.#waiting.delete(entry)) return;
    const own = (this.#clients.get(entry.clientKey) ?? 1) - 1;
    if (own <= 0) this.#clients.delete(entry.clientKey);
    else this.#clients.set(entry.clientKey, own);
    if (wasRunning) this.#next();
  }

  #next(): void {
    const [next] = this.#waiting;
    if (next === undefined || this.#running.size >= this.#limits.runningMax) return;
    this.#waiting.delete(next);
    this.#running.add(next);
    next.start();
  }
}
