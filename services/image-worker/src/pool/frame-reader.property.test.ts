// Any stream that a decoder could write, against the pipe's rules written a second time: no crash, bounded memory, nothing
// accepted that is malformed. Readers with one rule less must be caught by the very same properties.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { FRAME_BODY_OUT_BYTES_MAX, FRAME_HEADER_BYTES, FRAME_JSON_BYTES_MAX, FRAME_KINDS, FRAME_MAGIC, encodeFrameHeader } from '@sekisho/contracts';
import { encodeFlatWebp } from '@sekisho/testkit';
import fc from 'fast-check';
import { type Expectation, FrameReader, type FrameStep } from './frame-reader.ts';
import { readReply } from './reply.ts';
import { type Stream, REFUSAL_TEXT, RESULT_JSON, RESULT_TEXT, streams, textOf } from './testing/streams.ts';

const SEQ = 7;
const EXPECTED: Expectation = { seq: SEQ, kinds: ['result', 'refusal'] };
const picture = await encodeFlatWebp(3, 2);

interface Reader {
  expect(expected: Expectation): void;
  push(chunk: Buffer): FrameStep;
  readonly isOpen: boolean;
}

/** The contract's rules over all bytes so far. */
function verdictOf(bytes: Buffer): FrameStep['kind'] {
  if (bytes.length < FRAME_HEADER_BYTES) return 'more';
  const [magic, seq, kind, jsonBytes, bodyBytes] = [0, 4, 8, 12, 16].map((at) => bytes.readUInt32LE(at)) as [number, number, number, number, number];
  const isResult = kind === FRAME_KINDS.result;
  if (magic !== FRAME_MAGIC || seq !== SEQ || !(isResult || kind === FRAME_KINDS.refusal)) return 'violation';
  if (jsonBytes > FRAME_JSON_BYTES_MAX || bodyBytes > (isResult ? FRAME_BODY_OUT_BYTES_MAX : 0)) return 'violation';
  const end = FRAME_HEADER_BYTES + jsonBytes + bodyBytes;
  return bytes.length < end ? 'more' : bytes.length === end ? 'frame' : 'violation';
}

function chunksOf({ bytes, cuts }: Stream): Buffer[] {
  if (cuts === 'single') return Array.from(bytes, (_byte, at) => bytes.subarray(at, at + 1));
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].toSorted((a, b) => a - b);
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

/** Step by step the reader says what the rules say; after a frame or a violation everything is one. */
function expectByTheRules(reader: Reader, stream: Stream): void {
  reader.expect(EXPECTED);
  let length = 0;
  let over = false;
  for (const chunk of chunksOf(stream)) {
    length += chunk.length;
    const said = reader.push(chunk);
    const right: FrameStep['kind'] = over ? 'violation' : verdictOf(stream.bytes.subarray(0, length));
    expect(said.kind).toBe(right);
    over = right !== 'more';
    if (said.kind !== 'frame') continue;
    const jsonEnd = FRAME_HEADER_BYTES + stream.bytes.readUInt32LE(12);
    expect(FRAME_KINDS[said.frame.kind]).toBe(stream.bytes[8]);
    expect(said.frame.json).toBe(stream.bytes.toString('utf8', FRAME_HEADER_BYTES, jsonEnd));
    expect(said.frame.body.equals(stream.bytes.subarray(jsonEnd, length))).toBe(true);
  }
  reader.expect(EXPECTED);
  if (over && length > 0 && reader instanceof FrameReader) reader.push(Buffer.alloc(1));
}

const RUNS = 1_000;
const byTheRules = (make: () => Reader): void => {
  fc.assert(fc.property(streams(SEQ, picture), (stream) => expectByTheRules(make(), stream)), { numRuns: RUNS });
};

/** A reader that sees each header as `change` makes it: with it, a rule of the header is gone. */
class Deceived implements Reader {
  readonly #inner = new FrameReader();
  readonly #change: (header: Buffer) => void;
  #head: Buffer | undefined = Buffer.alloc(0);

  constructor(change: (header: Buffer) => void) {
    this.#change = change;
  }

  get isOpen(): boolean {
    return this.#inner.isOpen;
  }

  expect(expected: Expectation): void {
    this.#inner.expect(expected);
  }

  push(chunk: Buffer): FrameStep {
    if (this.#head === undefined || !this.#inner.isOpen) return this.#inner.push(chunk);
    this.#head = Buffer.concat([this.#head, chunk]);
    if (this.#head.length < FRAME_HEADER_BYTES) return { kind: 'more' };
    const head = this.#head;
    this.#head = undefined;
    this.#change(head);
    return this.#inner.push(head);
  }
}

/** A reader whose inner one is replaced, opened or spared bytes. */
class Forgiving implements Reader {
  #inner = new FrameReader();
  readonly #rule: 'violations' | 'unasked' | 'excess';
  #seen = Buffer.alloc(0);

  constructor(rule: 'violations' | 'unasked' | 'excess') {
    this.#rule = rule;
  }

  get isOpen(): boolean {
    return this.#inner.isOpen;
  }

  expect(expected: Expectation): void {
    this.#inner.expect(expected);
  }

  push(chunk: Buffer): FrameStep {
    if (this.#rule === 'unasked' && !this.#inner.isOpen) this.#inner.expect(EXPECTED);
    const step = this.#inner.push(this.#rule === 'excess' ? this.#shortened(chunk) : chunk);
    if (this.#rule === 'violations' && step.kind === 'violation') {
      this.#inner = new FrameReader();
      this.#inner.expect(EXPECTED);
    }
    return step;
  }

  #shortened(chunk: Buffer): Buffer {
    const before = this.#seen.length;
    this.#seen = Buffer.concat([this.#seen, chunk]);
    if (this.#seen.length < FRAME_HEADER_BYTES) return chunk;
    const end = FRAME_HEADER_BYTES + this.#seen.readUInt32LE(12) + this.#seen.readUInt32LE(16);
    return chunk.subarray(0, Math.max(0, end - before));
  }
}

describe('FrameReader on any stream', () => {
  it('says what the rules say, chunk by chunk', () => {
    byTheRules(() => new FrameReader());
  });

  it.each<[string, () => Reader]>([
    ['the magic', () => new Deceived((header) => void header.writeUInt32LE(FRAME_MAGIC, 0))],
    ['the number of the job', () => new Deceived((header) => void header.writeUInt32LE(SEQ, 4))],
    ['the kind', () => new Deceived((header) => void header.writeUInt32LE(FRAME_KINDS.result, 8))],
    ['the three zeros behind the kind', () => new Deceived((header) => void header.fill(0, 9, 12))],
    ['the length of the JSON', () => new Deceived((header) => void header.writeUInt32LE(Math.min(FRAME_JSON_BYTES_MAX, header.readUInt32LE(12)), 12))],
    ['the length of the body', () => new Deceived((header) => void header.writeUInt32LE(Math.min(FRAME_BODY_OUT_BYTES_MAX, header.readUInt32LE(16)), 16))],
    ['that a refusal has no body', () => new Deceived((header) => { if (header[8] === FRAME_KINDS.refusal) header.writeUInt32LE(0, 16); })],
    ['the end of the body', () => new Deceived((header) => void header.writeUInt32LE(0, 16))],
    ['bytes behind the end', () => new Forgiving('excess')],
    ['bytes that nobody asked for', () => new Forgiving('unasked')],
    ['that a violation is for good', () => new Forgiving('violations')],
  ])('catches a reader that does not look at %s', (_rule, make) => {
    expect(() => byTheRules(make)).toThrow();
  });
});

describe('readReply() on any answer', () => {
  type Judge = typeof readReply;
  /** Accepted is the one text of each value, with the picture that it speaks of, and nothing else. */
  const byTheText = (judge: Judge): void => {
    fc.assert(
      fc.property(textOf(RESULT_JSON), fc.option(fc.tuple(fc.nat(picture.length - 1), fc.integer({ min: 1, max: 255 })), { nil: undefined }), (json, change) => {
        const body = Buffer.from(picture);
        if (change !== undefined) body[change[0]] = (body[change[0]] ?? 0) ^ change[1];
        const reply = judge({ kind: 'result', json, body });
        if (reply.kind === 'result') expect(json).toMatch(RESULT_TEXT);
        else expect(reply.kind).toBe('lie');
        if (json === RESULT_JSON && change === undefined) expect(reply.kind).toBe('result');
        expect(Object.keys(Object.prototype)).toEqual([]);
        expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
      }),
      { numRuns: RUNS },
    );
  };

  it('accepts the right text alone', () => {
    byTheText(readReply);
  });

  it('catches a reader of JSON that is as lenient as JSON.parse', () => {
    const lenient: Judge = (frame) => {
      try {
        const { type, width, height, frames, framesCapped } = JSON.parse(frame.json) as Record<string, unknown>;
        return readReply({ ...frame, json: JSON.stringify({ type, width, height, frames, framesCapped }) });
      } catch {
        return readReply(frame);
      }
    };
    expect(() => byTheText(lenient)).toThrow();
  });

  it('never takes a refusal but a known one in its one spelling', () => {
    const text = '{"reason":"decode"}';
    fc.assert(fc.property(textOf(text), (json) => {
      const reply = readReply({ kind: 'refusal', json, body: Buffer.alloc(0) });
      expect(reply.kind).toBe(REFUSAL_TEXT.test(json) ? 'refusal' : 'lie');
    }), { numRuns: RUNS });
  });
});

describe('memory', () => {
  const BYTES = 256 * 1_024;
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const held = (): number => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  /** As node hands out what a pipe brings: a buffer of its own for each read. */
  const drip = (take: (chunk: Buffer) => void): number => {
    const before = held();
    for (let at = 0; at < BYTES; at += 1) take(Buffer.from(new ArrayBuffer(1)));
    return held() - before;
  };

  it('of a body that comes in single bytes stays near its length', () => {
    const reader = new FrameReader();
    reader.expect(EXPECTED);
    reader.push(Buffer.from(encodeFrameHeader({ kind: 'result', seq: SEQ, jsonBytes: 2, bodyBytes: FRAME_BODY_OUT_BYTES_MAX })));
    expect(drip((chunk) => void reader.push(chunk))).toBeLessThan(BYTES * 16);
    expect(reader.isOpen).toBe(true);
  });

  it('of a list of the same chunks does not', () => {
    const kept: Buffer[] = [];
    expect(drip((chunk) => void kept.push(chunk))).toBeGreaterThan(BYTES * 100);
    expect(kept).toHaveLength(BYTES);
  });
});
