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
  /** The gate's own note. */
  place?: 'running' | 'waiting' | undefined;
}

export type Admission = 'running' | 'waiting' | 'full' | 'client-full';

/** Clients without a place that are remembered, before they are all forgotten at once: 100 bytes each. */
const IDLE_CLIENTS_MAX = 4_096;

export class Gate {
  readonly #limits: GateLimits;
  /** A number, no set: the tables that a busy set leaves behind keep every entry alive until the next full collection. */
  #running = 0;
  readonly #waiting = new Set<Entry>();
  /** Places of each; 0 stays for the same reason. */
  #clients = new Map<string, number>();

  constructor(limits: GateLimits) {
    this.#limits = limits;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Admits and starts the entry, lets it wait, or refuses it. What was admitted must `leave`. */
  enter(entry: Entry): Admission {
    const own = this.#clients.get(entry.clientKey) ?? 0;
    if (own >= this.#limits.perClientMax) return 'client-full';
    const isFree = this.#running < this.#limits.runningMax;
    if (!isFree && this.#waiting.size >= this.#limits.waitingMax) return 'full';
    this.#clients.set(entry.clientKey, own + 1);
    if (!isFree) {
      entry.place = 'waiting';
      this.#waiting.add(entry);
      return 'waiting';
    }
    this.#run(entry);
    return 'running';
  }

  /** Idempotent. */
  leave(entry: Entry): void {
    const { place } = entry;
    if (place === undefined) return;
    entry.place = undefined;
    if (place === 'running') this.#running -= 1;
    else this.#waiting.delete(entry);
    this.#clients.set(entry.clientKey, (this.#clients.get(entry.clientKey) ?? 1) - 1);
    if (this.#clients.size > IDLE_CLIENTS_MAX + this.#running + this.#waiting.size) this.#forget();
    if (place === 'running') this.#next();
  }

  #forget(): void {
    this.#clients = new Map([...this.#clients].filter(([, own]) => own > 0));
  }

  #next(): void {
    const [next] = this.#waiting;
    if (next === undefined || this.#running >= this.#limits.runningMax) return;
    this.#waiting.delete(next);
    this.#run(next);
  }

  #run(entry: Entry): void {
    entry.place = 'running';
    this.#running += 1;
    entry.start();
  }
}
