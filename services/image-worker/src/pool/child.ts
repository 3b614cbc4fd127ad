// One decoder process: its pipe, its clocks, its end. Whatever it does, every promise here settles.

import type { ChildProcess } from 'node:child_process';
import { type Code, type DecoderJob, encodeFrameHeader } from '@sekisho/contracts';
import { inTime } from '@sekisho/runtime';
import { type Frame, FrameReader, type Violation } from './frame-reader.ts';
import type { ChildFacts, ProcessClass } from './isolation.ts';
import { readCpuMs } from './proc-stat.ts';
import type { SandboxLayer } from '../sandbox/layers.ts';
import type { SpawnDecoder } from '../sandbox/spawn.ts';

const SAMPLE_MS = 100;
/** Kept, for its last words. */
const STDERR_BYTES_MAX = 4_096;
/** Read; what a library prints before it aborts is shorter. A child that floods its worker would cost that worker's time. */
const STDERR_READ_BYTES_MAX = 64 * 1_024;
/** All that a child says when it is loaded. */
const READY_JSON = '{}';
/** A killed process is gone within 35 ms; one stuck in the kernel must not hold a slot for ever. */
const EXIT_MS = 2_000;
/** From the exit to the end of what it had written. */
const LAST_WORDS_MS = 100;

export const KILL_REASONS = ['cpu', 'wall', 'deadline', 'protocol', 'refused', 'replaced', 'idle', 'evicted', 'start', 'walls', 'shutdown'] as const;
export type KillReason = (typeof KILL_REASONS)[number];

export interface RunLimits {
  readonly cpuMs: number;
  readonly wallMs: number;
  /** What the end of `wallMs` means: the picture took too long, or nobody waits any more. */
  readonly wallReason: 'wall' | 'deadline';
}

export type Run =
  | { readonly kind: 'frame'; readonly frame: Frame }
  | { readonly kind: 'end'; readonly code: Code };

export interface ChildHooks {
  ended?(child: DecoderChild): void;
  violated?(violation: Violation): void;
  killed?(reason: KillReason): void;
  /** It runs without walls that were asked for. */
  exposed?(missing: readonly SandboxLayer[]): void;
}

export class DecoderChild implements ChildFacts {
  readonly class: ProcessClass;
  token: string | undefined;
  busy = false;
  ready = false;
  pictures = 0;
  lifeCpuMs = 0;
  idleSinceMs = performance.now();
  /** False when it died or was killed before it was loaded. */
  readonly loaded: Promise<boolean>;
  readonly gone: Promise<void>;
  readonly pid: number | undefined;
  stderr = '';

  readonly #process: ChildProcess;
  readonly #cpuLimitMs: number;
  readonly #missingWalls: () => readonly SandboxLayer[];
  readonly #hooks: ChildHooks;
  readonly #reader = new FrameReader();
  #answer: ((frame: Frame | undefined) => void) | undefined;
  #seq = 0;
  #chargedMs = 0;
  #sampledAtMs = performance.now();
  #killedFor: KillReason | undefined;
  #signal: NodeJS.Signals | null = null;
  #over = false;

  constructor(of: ProcessClass, spawn: SpawnDecoder, options: { readonly startMs: number; readonly hooks: ChildHooks }) {
    this.class = of;
    this.#hooks = options.hooks;
    const spawned = spawn(of);
    this.#process = spawned.process;
    this.#cpuLimitMs = spawned.limits.processCpuS * 1_000;
    this.#missingWalls = spawned.missingWalls;
    this.pid = this.#process.pid;
    this.gone = new Promise((resolve) => {
      const end = (signal: NodeJS.Signals | null): void => {
        if (this.#over) return;
        this.#over = true;
        this.#signal = signal;
        this.#settle(undefined);
        resolve();
        this.#hooks.ended?.(this);
      };
      // Its last words may still be in the pipe when it is gone; they choose the code and go into the log.
      this.#process.once('close', (_code, signal) => end(signal));
      this.#process.once('exit', (_code, signal) => void setTimeout(end, LAST_WORDS_MS, signal));
      this.#process.once('error', () => end(null));
    });
    this.#listen();
    this.loaded = this.#load(options.startMs);
  }

  get alive(): boolean {
    return !this.#over && this.#killedFor === undefined;
  }

  kill(reason: KillReason): void {
    if (this.#over || this.#killedFor !== undefined) return;
    this.#killedFor = reason;
    this.#hooks.killed?.(reason);
    this.#process.kill('SIGKILL');
  }

  /** Resolves when the process is gone, at most after two seconds. */
  async whenGone(): Promise<void> {
    await inTime(this.gone, EXIT_MS, () => undefined);
  }

  /** One picture. The child must be loaded; an answer of the wrong form ends it. */
  async run(job: DecoderJob, body: Buffer, limits: RunLimits): Promise<Run> {
    if (!this.alive) return { kind: 'end', code: this.endCode };
    this.#seq += 1;
    this.pictures += 1;
    const answer = this.#expect({ seq: this.#seq, kinds: ['result', 'refusal'] });
    const stop = this.#watch(limits);
    this.#send(job, body);
    const frame = await answer;
    stop();
    if (frame === undefined) {
      await this.whenGone();
      return { kind: 'end', code: this.endCode };
    }
    this.#sample();
    return { kind: 'frame', frame };
  }

  /** CPU ms since the last call, the start of the process included. A dead one is charged up to its end. */
  takeCpuMs(): number {
    const cpuMs = this.lifeCpuMs - this.#chargedMs;
    this.#chargedMs = this.lifeCpuMs;
    return Math.max(0, Math.round(cpuMs));
  }

  #listen(): void {
    const { stdin, stdout, stderr } = this.#process;
    // EPIPE of a dying child: its exit tells the rest.
    stdin?.on('error', () => undefined);
    stdout?.on('error', () => undefined);
    stderr?.on('error', () => undefined);
    stdout?.on('data', (chunk: Buffer) => this.#receive(chunk));
    let stderrBytes = 0;
    stderr?.on('data', (chunk: Buffer) => {
      if (this.stderr.length < STDERR_BYTES_MAX) this.stderr += chunk.toString('latin1', 0, STDERR_BYTES_MAX - this.stderr.length);
      stderrBytes += chunk.length;
      if (stderrBytes > STDERR_READ_BYTES_MAX && this.alive) this.#violate('excess');
    });
  }

  #violate(violation: Violation): void {
    this.#hooks.violated?.(violation);
    this.kill('protocol');
  }

  #receive(chunk: Buffer): void {
    if (!this.alive) return;
    const step = this.#reader.push(chunk);
    if (step.kind === 'frame') this.#settle(step.frame);
    if (step.kind === 'violation') this.#violate(step.violation);
  }

  #expect(expected: Parameters<FrameReader['expect']>[0]): Promise<Frame | undefined> {
    this.#reader.expect(expected);
    return new Promise((resolve) => {
      this.#answer = resolve;
    });
  }

  #settle(frame: Frame | undefined): void {
    this.#answer?.(frame);
    this.#answer = undefined;
  }

  /** A child that dies or hangs while loading would otherwise be waited for without end. */
  async #load(startMs: number): Promise<boolean> {
    const timer = setTimeout(() => this.kill('start'), startMs);
    const frame = await this.#expect({ seq: 0, kinds: ['ready'] });
    clearTimeout(timer);
    if (frame !== undefined && frame.json !== READY_JSON) this.#violate('body');
    this.ready = frame !== undefined && this.alive && this.#isWalled();
    return this.ready;
  }

  /** Before any byte of a stranger: what it says afterwards, or has done to itself, does not count. */
  #isWalled(): boolean {
    const missing = this.#missingWalls();
    if (missing.length === 0) return true;
    this.#hooks.exposed?.(missing);
    this.kill('walls');
    return false;
  }

  #send(job: DecoderJob, body: Buffer): void {
    const json = Buffer.from(JSON.stringify(job));
    const { stdin } = this.#process;
    stdin?.cork();
    stdin?.write(encodeFrameHeader({ kind: 'job', seq: this.#seq, jsonBytes: json.length, bodyBytes: body.length }));
    stdin?.write(json);
    stdin?.write(body);
    stdin?.uncork();
  }

  /** Kills at the limits of one picture. Between two samples at most 100 ms pass. */
  #watch(limits: RunLimits): () => void {
    this.#sample();
    const beforeMs = this.lifeCpuMs;
    const sampler = setInterval(() => {
      this.#sample();
      if (this.lifeCpuMs - beforeMs >= limits.cpuMs) this.kill('cpu');
    }, SAMPLE_MS);
    const wall = setTimeout(() => {
      this.#sample();
      this.kill(limits.wallReason);
    }, limits.wallMs);
    return () => {
      clearInterval(sampler);
      clearTimeout(wall);
      if (!this.alive) this.#addUnseen();
    };
  }

  #sample(): void {
    const cpuMs = this.pid === undefined ? undefined : readCpuMs(this.pid);
    if (cpuMs === undefined) return;
    this.lifeCpuMs = Math.max(this.lifeCpuMs, cpuMs);
    this.#sampledAtMs = performance.now();
  }

  /** A dead process cannot be asked: the time since its last sample counts in full, or dying early would be a discount. */
  #addUnseen(): void {
    this.lifeCpuMs += Math.min(performance.now() - this.#sampledAtMs, 2 * SAMPLE_MS);
  }

  /** Why it ended; meaningful once it has. */
  get endCode(): Code {
    if (this.#killedFor !== undefined) return KILL_CODES[this.#killedFor];
    // A call that no decoder makes: its filter kills for it.
    if (this.#signal === 'SIGSYS') return 'SEKISHO_IMAGE_VIOLATION';
    // RLIMIT_CPU ends with SIGXCPU, or with SIGKILL when soft and hard limit are the same.
    if (this.#signal === 'SIGXCPU' || (this.#signal === 'SIGKILL' && this.lifeCpuMs > this.#cpuLimitMs - CPU_LIMIT_SLACK_MS)) return 'SEKISHO_IMAGE_CPU';
    return OUT_OF_MEMORY.test(this.stderr) ? 'SEKISHO_IMAGE_MEMORY' : 'SEKISHO_IMAGE_CRASH';
  }
}

/** What may be between the last look at a process's CPU and its death at RLIMIT_CPU. */
const CPU_LIMIT_SLACK_MS = 500;

/** Last words of Rust, V8, GLib and C++; they choose between two codes of the same meaning to a client, no more. */
const OUT_OF_MEMORY = /memory allocation of|out of memory|failed to allocate|bad_alloc|Cannot allocate memory/i;

const KILL_CODES: Readonly<Record<KillReason, Code>> = {
  cpu: 'SEKISHO_IMAGE_CPU',
  wall: 'SEKISHO_IMAGE_WALL',
  deadline: 'SEKISHO_DEADLINE',
  protocol: 'SEKISHO_IMAGE_PROTOCOL',
  start: 'SEKISHO_IMAGE_SPAWN',
  walls: 'SEKISHO_IMAGE_SANDBOX',
  shutdown: 'SEKISHO_SHUTTING_DOWN',
  refused: 'SEKISHO_IMAGE_CRASH',
  replaced: 'SEKISHO_IMAGE_CRASH',
  idle: 'SEKISHO_IMAGE_CRASH',
  evicted: 'SEKISHO_IMAGE_CRASH',
};
