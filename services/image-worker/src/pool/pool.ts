// The pool of decoder processes: blank ones kept warm, bound ones kept for the site they have served, all of them killed
// at the first thing that is not as it should be.

import { CLASS_LIMITS, type ClassLimits, type Code, type DecodeClass, type DecoderResult, type MediaMode } from '@sekisho/contracts';
import { inTime } from '@sekisho/runtime';
import { DecoderChild, type KillReason } from './child.ts';
import type { Violation } from './frame-reader.ts';
import { type IsolationMode, POOL_LIMITS, type ProcessClass, idleTooLong, lackingBlanks, longestIdle, pickChild, processClass, staysAfter } from './isolation.ts';
import { readReply } from './reply.ts';
import type { SandboxLayer } from '../sandbox/layers.ts';
import type { SpawnDecoder } from '../sandbox/spawn.ts';

/** A start takes 50 to 90 ms of CPU, but a worker whose share of a busy node is small waits seconds for that. */
const START_MS = 20_000;
const SWEEP_MS = 1_000;
const BACKOFF_MS = 250;
const BACKOFF_MS_MAX = 30_000;
/** A blank child that died before its first picture costs nobody that picture: the next one is tried, once. */
const ATTEMPTS = 2;

export interface DecodeRequest {
  /** Opaque token of the source's site. */
  readonly isolation: string;
  readonly class: DecodeClass;
  readonly mode: MediaMode;
  readonly body: Buffer;
  /** Ms until nobody waits any more. */
  readonly remainingMs: number;
}

export type DecodeOutcome =
  | { readonly ok: true; readonly result: DecoderResult; readonly body: Buffer; readonly cpuMs: number }
  | { readonly ok: false; readonly code: Code; readonly cpuMs: number; readonly detail?: string };

export interface PoolHooks {
  spawned?(of: ProcessClass): void;
  killed?(reason: KillReason): void;
  rejected?(why: Violation | 'lie'): void;
  /** A decoder ran without walls that were asked for. */
  exposed?(missing: readonly SandboxLayer[]): void;
  /** Last words of a child that died by itself; untrusted text. */
  died?(stderr: string): void;
}

export interface PoolOptions {
  /** Pictures decoded at once. */
  readonly slots: number;
  readonly isolation: IsolationMode;
  readonly spawn: SpawnDecoder;
  readonly hooks?: PoolHooks;
  /** For tests. */
  readonly startMs?: number;
  readonly limits?: Partial<Pick<ClassLimits, 'cpuMs' | 'wallMs'>>;
  readonly idleMs?: number;
}

export interface PoolStats {
  readonly blank: number;
  readonly bound: number;
  readonly busy: number;
}

export class DecoderPool {
  readonly #options: PoolOptions;
  readonly #children = new Set<DecoderChild>();
  readonly #sweeper: NodeJS.Timeout;
  #running = 0;
  #failedStarts = 0;
  #backoff: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#sweeper = setInterval(() => this.#sweep(), Math.min(SWEEP_MS, options.idleMs ?? SWEEP_MS));
    this.#sweeper.unref();
    this.#refill();
  }

  /** Resolves with true once every blank child that was started first is loaded, false when one is not. */
  async warm(): Promise<boolean> {
    const loaded = await Promise.all([...this.#children].map(async (child) => await child.loaded));
    return loaded.every(Boolean);
  }

  /** False while the process that was started last did not load. */
  get healthy(): boolean {
    return this.#failedStarts === 0;
  }

  get stats(): PoolStats {
    const all = this.#live();
    const busy = all.filter((child) => child.busy).length;
    const blank = all.filter((child) => child.token === undefined).length;
    return { blank, busy, bound: all.length - blank - busy };
  }

  /** One picture, at most `slots` at once; never throws. */
  async decode(request: DecodeRequest): Promise<DecodeOutcome> {
    if (this.#closed) return failed('SEKISHO_SHUTTING_DOWN', 0);
    // The gateway has looked at this too; a worker relies on nobody.
    if (request.body.length > CLASS_LIMITS[request.class].bodyBytesMax) return failed('SEKISHO_IMAGE_HEADER', 0, 'source longer than its class allows');
    if (this.#running >= this.#options.slots) return failed('SEKISHO_IMAGE_SPAWN', 0, 'more decodes than slots');
    this.#running += 1;
    try {
      return await this.#attempt(request);
    } finally {
      this.#running -= 1;
      this.#refill();
    }
  }

  /** Kills every child; running decodes end as refused. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sweeper);
    clearTimeout(this.#backoff);
    const children = [...this.#children];
    for (const child of children) child.kill('shutdown');
    await Promise.all(children.map(async (child) => await child.whenGone()));
  }

  async #attempt(request: DecodeRequest): Promise<DecodeOutcome> {
    const startedAtMs = performance.now();
    let code: Code = 'SEKISHO_IMAGE_SPAWN';
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const child = this.#take(request);
      const waitedMs = performance.now() - startedAtMs;
      const loaded = await inTime(child.loaded, Math.max(0, request.remainingMs - waitedMs), () => false);
      if (loaded) return await this.#serve(child, request, performance.now() - startedAtMs);
      this.#drop(child, 'start');
      if (child.stderr !== '') this.#options.hooks?.died?.(child.stderr);
      if (this.#closed) return failed('SEKISHO_SHUTTING_DOWN', 0);
      if (child.endCode === 'SEKISHO_IMAGE_SANDBOX') code = child.endCode;
    }
    return failed(code, 0);
  }

  /** Bound before anything is awaited, so that two requests never get the same child. */
  #take(request: DecodeRequest): DecoderChild {
    const wanted = { class: processClass(request.class), token: request.isolation };
    const child = pickChild(this.#live(), wanted) ?? this.#spawn(wanted.class);
    child.token = request.isolation;
    child.busy = true;
    return child;
  }

  async #serve(child: DecoderChild, request: DecodeRequest, waitedMs: number): Promise<DecodeOutcome> {
    const { isolation } = this.#options;
    const run = await child.run({ class: request.class, mode: request.mode }, request.body, this.#limits(request, waitedMs));
    const cpuMs = child.takeCpuMs();
    if (run.kind === 'end') {
      if (child.stderr !== '') this.#options.hooks?.died?.(child.stderr);
      this.#children.delete(child);
      return failed(run.code, cpuMs);
    }
    const reply = readReply(run.frame);
    if (reply.kind === 'result') {
      child.busy = false;
      child.idleSinceMs = performance.now();
      if (!staysAfter(child, isolation)) this.#drop(child, 'replaced');
      return { ok: true, result: reply.result, body: reply.body, cpuMs };
    }
    const lied = reply.kind === 'lie';
    if (lied) this.#options.hooks?.rejected?.('lie');
    this.#drop(child, lied ? 'protocol' : 'refused');
    await child.whenGone();
    return lied ? failed('SEKISHO_IMAGE_PROTOCOL', cpuMs, reply.detail) : failed(reply.code, cpuMs);
  }

  #limits(request: DecodeRequest, waitedMs: number): Parameters<DecoderChild['run']>[2] {
    const { cpuMs, wallMs } = { ...CLASS_LIMITS[request.class], ...this.#options.limits };
    const remainingMs = Math.max(1, request.remainingMs - waitedMs);
    return { cpuMs, wallMs: Math.min(wallMs, remainingMs), wallReason: remainingMs < wallMs ? 'deadline' : 'wall' };
  }

  #live(): DecoderChild[] {
    return [...this.#children].filter((child) => child.alive);
  }

  #spawn(of: ProcessClass): DecoderChild {
    if (!this.#hasRoom) {
      const oldest = longestIdle(this.#live());
      if (oldest !== undefined) this.#drop(oldest, 'evicted');
    }
    const { hooks } = this.#options;
    const child = new DecoderChild(of, this.#options.spawn, {
      startMs: this.#options.startMs ?? START_MS,
      hooks: {
        ended: (ended) => this.#ended(ended),
        killed: (reason) => hooks?.killed?.(reason),
        violated: (violation) => hooks?.rejected?.(violation),
        exposed: (missing) => hooks?.exposed?.(missing),
      },
    });
    this.#children.add(child);
    hooks?.spawned?.(of);
    void child.loaded.then((loaded) => {
      this.#failedStarts = loaded ? 0 : this.#failedStarts + 1;
    });
    return child;
  }

  #drop(child: DecoderChild, reason: KillReason): void {
    child.kill(reason);
    this.#children.delete(child);
  }

  #ended(child: DecoderChild): void {
    const known = this.#children.delete(child);
    if (!known || child.busy) return;
    if (child.stderr !== '') this.#options.hooks?.died?.(child.stderr);
    // Blank children that keep dying must not turn into a loop of spawns.
    this.#refillLater();
  }

  /** After an answer, so that a start does not compete with it for the core. */
  #refill(): void {
    if (this.#failedStarts > 0) this.#refillLater();
    else if (this.#backoff === undefined) this.#fill();
  }

  #fill(): void {
    if (this.#closed) return;
    const lacking = lackingBlanks(this.#live(), this.#options.slots);
    // Never by eviction: a bound child that leaves for a blank one costs a start for the next picture of its site.
    for (let i = 0; i < lacking.raster && this.#hasRoom; i += 1) this.#spawn('raster');
    for (let i = 0; i < lacking.svg && this.#hasRoom; i += 1) this.#spawn('svg');
  }

  get #hasRoom(): boolean {
    return this.#children.size < POOL_LIMITS.childrenPerSlot * this.#options.slots;
  }

  #refillLater(): void {
    if (this.#closed || this.#backoff !== undefined) return;
    const delayMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** Math.min(this.#failedStarts, 10));
    this.#backoff = setTimeout(() => {
      this.#backoff = undefined;
      this.#fill();
    }, delayMs);
    this.#backoff.unref();
  }

  #sweep(): void {
    for (const child of idleTooLong(this.#live(), performance.now(), this.#options.idleMs)) this.#drop(child, 'idle');
  }
}

const failed = (code: Code, cpuMs: number, detail?: string): DecodeOutcome =>
  detail === undefined ? { ok: false, code, cpuMs } : { ok: false, code, cpuMs, detail };
