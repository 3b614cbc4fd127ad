// Whatever is asked and whatever decoders do, no process is handed pictures of two sites. The pool is the product's; its
// processes are objects that speak the pipe protocol and misbehave at random.

import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { CLASS_LIMITS, DECODE_CLASSES, FRAME_HEADER_BYTES, encodeFrameHeader, parseFrameHeader } from '@sekisho/contracts';
import { encodeFlatWebp } from '@sekisho/testkit';
import fc from 'fast-check';
import type { SpawnedDecoder } from '../sandbox/spawn.ts';
import { type IsolationMode, POOL_LIMITS, type ProcessClass } from './isolation.ts';
import { DecoderPool } from './pool.ts';

const ACTS = ['good', 'refuse', 'lie', 'stray', 'twice', 'crash', 'hang', 'late'] as const;
type Act = (typeof ACTS)[number];
const STARTS = ['well', 'dies', 'bare'] as const;
type Start = (typeof STARTS)[number];

const webp = await encodeFlatWebp(3, 2);
const RESULT = { type: 'image/webp', width: 3, height: 2, frames: 1, framesCapped: false };
const JOB_BYTES_MAX = 1_024;

interface Seen {
  readonly class: ProcessClass;
  readonly start: Start;
  readonly tokens: string[];
  readonly acts: Act[];
}

/** A decoder without a process. */
class FakeDecoder extends EventEmitter {
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly stdin: Writable;
  readonly pid = undefined;
  readonly #seen: Seen;
  #input = Buffer.alloc(0);
  #over = false;

  constructor(seen: Seen) {
    super();
    this.#seen = seen;
    this.stdin = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.#take(chunk);
        done();
      },
    });
    setImmediate(() => (seen.start === 'dies' ? this.#end(null) : this.#say('ready', 0, {})));
  }

  kill(signal: NodeJS.Signals): boolean {
    setImmediate(() => this.#end(signal));
    return true;
  }

  #take(chunk: Buffer): void {
    this.#input = Buffer.concat([this.#input, chunk]);
    if (this.#input.length < FRAME_HEADER_BYTES) return;
    const header = parseFrameHeader(this.#input.subarray(0, FRAME_HEADER_BYTES), JOB_BYTES_MAX);
    if (header === undefined) throw new Error('the pool sent something else than a job');
    const end = FRAME_HEADER_BYTES + header.jsonBytes + header.bodyBytes;
    if (this.#input.length < end) return;
    const [token = '', act] = this.#input.toString('utf8', FRAME_HEADER_BYTES + header.jsonBytes, end).split(' ');
    this.#input = this.#input.subarray(end);
    this.#seen.tokens.push(token);
    this.#act(ACTS.find((name) => name === act) ?? 'crash', header.seq);
  }

  #act(act: Act, seq: number): void {
    this.#seen.acts.push(act);
    const good = (): void => this.#say('result', seq, RESULT, webp);
    const acts: Readonly<Record<Act, () => void>> = {
      good,
      refuse: () => this.#say('refusal', seq, { reason: 'decode' }),
      lie: () => this.#say('result', seq, { ...RESULT, width: 4 }, webp),
      stray: () => this.#say('result', seq + 1, RESULT, webp),
      twice: () => {
        good();
        good();
      },
      crash: () => this.#end('SIGSEGV'),
      hang: () => undefined,
      late: () => void setTimeout(good, 3),
    };
    acts[act]();
  }

  #say(kind: 'ready' | 'result' | 'refusal', seq: number, value: unknown, body: Buffer = Buffer.alloc(0)): void {
    if (this.#over) return;
    const json = Buffer.from(JSON.stringify(value));
    this.stdout.write(Buffer.concat([encodeFrameHeader({ kind, seq, jsonBytes: json.length, bodyBytes: body.length }), json, body]));
  }

  #end(signal: NodeJS.Signals | null): void {
    if (this.#over) return;
    this.#over = true;
    this.emit('exit', signal === null ? 1 : null, signal);
  }
}

const picture = fc.record({ token: fc.constantFrom('a', 'b', 'c', 'd'), class: fc.constantFrom(...DECODE_CLASSES), act: fc.oneof({ weight: 5, arbitrary: fc.constant('good' as const) }, { weight: 3, arbitrary: fc.constantFrom(...ACTS) }) });
/** `starts` is used up by the first processes. */
const run = fc.record({ pictures: fc.array(picture, { minLength: 1, maxLength: 40 }), starts: fc.array(fc.constantFrom(...STARTS), { maxLength: 12 }), slots: fc.integer({ min: 1, max: 3 }) });

async function play(isolation: IsolationMode, { pictures, starts, slots }: typeof run extends fc.Arbitrary<infer T> ? T : never): Promise<Seen[]> {
  const all: Seen[] = [];
  const coming = [...starts];
  const spawn = (of: ProcessClass): SpawnedDecoder => {
    const seen: Seen = { class: of, start: coming.shift() ?? 'well', tokens: [], acts: [] };
    all.push(seen);
    // Of a child process the pool uses no more than this.
    const process = new FakeDecoder(seen) as unknown as ChildProcess;
    return { process, limits: CLASS_LIMITS[of], missingWalls: () => (seen.start === 'bare' ? ['seccomp'] : []) };
  };
  const pool = new DecoderPool({ slots, isolation, spawn, limits: { wallMs: 15 } });
  const waiting = [...pictures];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await pool.decode({ isolation: next.token, class: next.class, mode: 'emoji', body: Buffer.from(`${next.token} ${next.act}`), remainingMs: 5_000 });
    }
  };
  await Promise.all(Array.from({ length: slots }, work));
  await pool.close();
  return all;
}

const LAST: ReadonlySet<Act> = new Set<Act>(['refuse', 'lie', 'stray', 'crash', 'hang']);

describe('DecoderPool', () => {
  it.each(['site', 'image'] as const)('%s: never hands pictures of two sites to one process, nor any to one that has failed', async (isolation) => {
    let shared = 0;
    await fc.assert(fc.asyncProperty(run, async (given) => {
      for (const { start, tokens, acts } of await play(isolation, given)) {
        expect(new Set(tokens).size).toBeLessThanOrEqual(1);
        expect(tokens.length).toBeLessThanOrEqual(isolation === 'site' ? POOL_LIMITS.picturesMax : 1);
        if (start !== 'well') expect(tokens).toEqual([]);
        expect(acts.slice(0, -1).filter((act) => LAST.has(act))).toEqual([]);
        shared = Math.max(shared, tokens.length);
      }
    }), { numRuns: 60 });
    // The control: processes are shared where they may be, so that the above could fail.
    if (isolation === 'site') expect(shared).toBeGreaterThan(2);
  }, 60_000);
});
