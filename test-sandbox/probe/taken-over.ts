// One real decoder with the loader of the tests in it: it decodes, is attacked from within, and tells.

import { setTimeout } from 'node:timers/promises';
import { encodeFrameHeader } from '@sekisho/contracts';
import { FrameReader, type Frame } from '../../services/image-worker/src/pool/frame-reader.ts';
import type { ProcessClass } from '../../services/image-worker/src/pool/isolation.ts';
import type { SandboxLayer } from '../../services/image-worker/src/sandbox/layers.ts';
import type { SpawnDecoder, SpawnedDecoder } from '../../services/image-worker/src/sandbox/spawn.ts';
import { z } from 'zod';
import type { Told } from '../verdict.ts';

const STEP_MS = 60_000;
const HEAR_MS = 5_000;
const STDERR_BYTES_MAX = 1 << 20;

export interface AttackEnd {
  readonly told: readonly Told[];
  /** The attempt that has ended the process, or that put another program in its place. */
  readonly endedIn: string | undefined;
  /** How it has ended, `SIGSYS` or `exit 0`; undefined: it lives. */
  readonly end: string | undefined;
}

const lineSchema = z.union([z.object({ begin: z.string() }), z.object({ attempt: z.string(), verdict: z.string() })]);

/** The smallest pictures there are, one per class. */
const PICTURES: Readonly<Record<ProcessClass, { readonly mode: string; readonly body: Buffer }>> = {
  raster: { mode: 'preview', body: Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64') },
  svg: { mode: 'preview', body: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8" fill="red"/></svg>') },
};

export class TakenOver {
  readonly #class: ProcessClass;
  readonly #spawned: SpawnedDecoder;
  readonly #reader = new FrameReader();
  readonly #over: Promise<string>;
  #stderr = '';
  #seq = 0;
  #answer: ((frame: Frame | undefined) => void) | undefined;

  constructor(spawn: SpawnDecoder, of: ProcessClass) {
    this.#class = of;
    this.#spawned = spawn(of);
    const { stdin, stdout, stderr } = this.#spawned.process;
    for (const stream of [stdin, stdout, stderr]) stream?.on('error', () => undefined);
    stderr?.on('data', (chunk: Buffer) => {
      if (this.#stderr.length < STDERR_BYTES_MAX) this.#stderr += chunk.toString('utf8');
    });
    stdout?.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#over = new Promise((resolve) => {
      this.#spawned.process.once('error', (error) => resolve(error.message));
      this.#spawned.process.once('close', (code, signal) => {
        this.#settle(undefined);
        resolve(signal ?? `exit ${code}`);
      });
    });
  }

  get pid(): number {
    return this.#spawned.process.pid ?? -1;
  }

  /** @throws when it does not start, lacks other walls than these, or does not decode. */
  async start(expected: readonly SandboxLayer[]): Promise<void> {
    const ready = await this.#frame({ seq: 0, kinds: ['ready'] });
    if (ready === undefined) throw new Error(`the decoder does not start: ${await this.#ended()} ${this.#stderr.slice(0, 2_000)}`);
    const missing = this.#spawned.missingWalls();
    if (missing.join(',') !== expected.join(',')) throw new Error(`missing walls: ${missing.join(',')}, not ${expected.join(',')}`);
    if (!(await this.decodes())) throw new Error(`the decoder does not decode: ${this.#stderr.slice(0, 2_000)}`);
  }

  async decodes(): Promise<boolean> {
    const { mode, body } = PICTURES[this.#class];
    const frame = await this.#job(mode, body);
    return frame?.kind === 'result' && frame.body.toString('latin1', 8, 12) === 'WEBP';
  }

  async hold(bytes: string): Promise<void> {
    if ((await this.#job('hold', Buffer.from(bytes)))?.kind !== 'result') throw new Error('the decoder beside does not hold');
  }

  async attack(facts: unknown, names: readonly string[]): Promise<AttackEnd> {
    const frame = await this.#job('attack', Buffer.from(JSON.stringify({ facts, names })));
    if (frame?.kind === 'refusal') throw new Error(`the attack itself failed: ${this.#stderr.slice(-2_000)}`);
    const end = frame === undefined ? await this.#ended() : undefined;
    if (end === undefined) await this.#hear(names.length);
    const lines = this.#lines();
    const told = lines.filter((line) => 'attempt' in line);
    const begun = lines.flatMap((line) => ('begin' in line ? [line.begin] : []));
    const endedIn = begun.find((name) => !told.some(({ attempt }) => attempt === name));
    return { told, endedIn: end === undefined ? undefined : (endedIn ?? begun.at(-1)), end };
  }

  async stop(): Promise<void> {
    this.#spawned.process.kill('SIGKILL');
    await this.#over;
  }

  /** What it has told on one pipe may come after its answer on the other. */
  async #hear(attempts: number): Promise<void> {
    for (let waited = 0; waited < HEAR_MS && this.#lines().filter((line) => 'attempt' in line).length < attempts; waited += 10) await setTimeout(10);
  }

  #ended(): Promise<string> {
    // A program in the place of the decoder may wait for its input.
    this.#spawned.process.stdin?.end();
    const timer = globalThis.setTimeout(() => this.#spawned.process.kill('SIGKILL'), STEP_MS);
    return this.#over.finally(() => clearTimeout(timer));
  }

  #lines(): readonly z.output<typeof lineSchema>[] {
    const texts = this.#stderr.split('\n').flatMap((text) => (text.includes('{"') ? [text.slice(text.indexOf('{"'))] : []));
    return texts.flatMap((text) => {
      const parsed = lineSchema.safeParse(jsonOf(text));
      return parsed.success ? [parsed.data] : [];
    });
  }

  #job(mode: string, body: Buffer): Promise<Frame | undefined> {
    this.#seq += 1;
    const json = Buffer.from(JSON.stringify({ class: this.#class, mode }));
    const answer = this.#frame({ seq: this.#seq, kinds: ['result', 'refusal'] });
    const header = encodeFrameHeader({ kind: 'job', seq: this.#seq, jsonBytes: json.length, bodyBytes: body.length });
    this.#spawned.process.stdin?.write(Buffer.concat([header, json, body]));
    return answer;
  }

  async #frame(expected: Parameters<FrameReader['expect']>[0]): Promise<Frame | undefined> {
    this.#reader.expect(expected);
    const answer = new Promise<Frame | undefined>((resolve) => {
      this.#answer = resolve;
    });
    const timer = globalThis.setTimeout(() => this.#spawned.process.kill('SIGKILL'), STEP_MS);
    const frame = await answer;
    clearTimeout(timer);
    return frame;
  }

  #receive(chunk: Buffer): void {
    const step = this.#reader.push(chunk);
    if (step.kind === 'frame') this.#settle(step.frame);
    if (step.kind === 'violation') this.#spawned.process.kill('SIGKILL');
  }

  #settle(frame: Frame | undefined): void {
    this.#answer?.(frame);
    this.#answer = undefined;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
