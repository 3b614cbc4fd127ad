// The worker's end of the decoder pipe. The child is assumed hostile: nothing is allocated by a declared size, and the
// first byte that does not fit ends the reader for good.

import { FRAME_BODY_OUT_BYTES_MAX, FRAME_HEADER_BYTES, type FrameHeader, type FrameKind, parseFrameHeader } from '@sekisho/contracts';

export interface Expectation {
  readonly seq: number;
  readonly kinds: readonly FrameKind[];
}

export interface Frame {
  readonly kind: FrameKind;
  /** JSON text as it came. */
  readonly json: string;
  readonly body: Buffer;
}

export type Violation = 'unasked' | 'header' | 'kind' | 'seq' | 'body' | 'excess';
export type FrameStep =
  | { readonly kind: 'more' }
  | { readonly kind: 'frame'; readonly frame: Frame }
  | { readonly kind: 'violation'; readonly violation: Violation };

const NOTHING = Buffer.alloc(0);
const MORE: FrameStep = { kind: 'more' };
const violation = (of: Violation): FrameStep => ({ kind: 'violation', violation: of });

/** Reads one frame per `expect`; bytes outside of one, and any byte behind its end, are violations. */
export class FrameReader {
  #expected: Expectation | undefined;
  #header: FrameHeader | undefined;
  /** Its first `#bytes` bytes are those of the frame so far. */
  #held: Buffer = NOTHING;
  #bytes = 0;
  #broken: FrameStep | undefined;

  /** Opens the reader for one frame. */
  expect(expected: Expectation): void {
    this.#expected = expected;
  }

  get isOpen(): boolean {
    return this.#expected !== undefined;
  }

  push(chunk: Buffer): FrameStep {
    if (chunk.length === 0) return this.#broken ?? MORE;
    const step = this.#broken ?? this.#take(chunk);
    if (step.kind === 'violation') {
      this.#broken = step;
      this.#reset();
    }
    return step;
  }

  #take(chunk: Buffer): FrameStep {
    if (this.#expected === undefined) return violation('unasked');
    this.#hold(chunk);
    if (this.#header === undefined) {
      if (this.#bytes < FRAME_HEADER_BYTES) return MORE;
      const step = this.#readHeader(this.#expected);
      if (step !== undefined) return step;
    }
    return this.#finish();
  }

  #readHeader(expected: Expectation): FrameStep | undefined {
    const header = parseFrameHeader(this.#held.subarray(0, this.#bytes), FRAME_BODY_OUT_BYTES_MAX);
    if (header === undefined) return violation('header');
    if (!expected.kinds.includes(header.kind)) return violation('kind');
    if (header.seq !== expected.seq) return violation('seq');
    if (header.kind !== 'result' && header.bodyBytes > 0) return violation('body');
    this.#header = header;
    return undefined;
  }

  #finish(): FrameStep {
    const header = this.#header;
    if (header === undefined) return MORE;
    const jsonEnd = FRAME_HEADER_BYTES + header.jsonBytes;
    const end = jsonEnd + header.bodyBytes;
    if (this.#bytes < end) return MORE;
    if (this.#bytes > end) return violation('excess');
    const frame: Frame = { kind: header.kind, json: this.#held.toString('utf8', FRAME_HEADER_BYTES, jsonEnd), body: this.#held.subarray(jsonEnd, end) };
    this.#reset();
    return { kind: 'frame', frame };
  }

  /** A list of chunks would take four hundred bytes for each one that a child writes alone. */
  #hold(chunk: Buffer): void {
    const bytes = this.#bytes + chunk.length;
    if (this.#bytes === 0) {
      this.#held = chunk;
    } else if (bytes > this.#held.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * this.#held.length));
      this.#held.copy(grown, 0, 0, this.#bytes);
      this.#held = grown;
    }
    if (this.#held !== chunk) chunk.copy(this.#held, this.#bytes);
    this.#bytes = bytes;
  }

  #reset(): void {
    this.#expected = undefined;
    this.#header = undefined;
    this.#held = NOTHING;
    this.#bytes = 0;
  }
}
