import { describe, expect, it } from '@jest/globals';
import { FRAME_BODY_OUT_BYTES_MAX, FRAME_HEADER_BYTES, FRAME_JSON_BYTES_MAX, type FrameKind, encodeFrameHeader } from '@sekisho/contracts';
import fc from 'fast-check';
import { FrameReader, type FrameStep } from './frame-reader.ts';

interface Parts {
  readonly kind?: FrameKind;
  readonly seq?: number;
  readonly json?: string;
  readonly body?: Uint8Array;
}

function frame({ kind = 'result', seq = 7, json = '{}', body = new Uint8Array() }: Parts = {}): Buffer {
  const text = Buffer.from(json);
  return Buffer.concat([encodeFrameHeader({ kind, seq, jsonBytes: text.length, bodyBytes: body.length }), text, body]);
}

function opened(): FrameReader {
  const reader = new FrameReader();
  reader.expect({ seq: 7, kinds: ['result', 'refusal'] });
  return reader;
}

/** Steps of all chunks; the reader is asked on after a violation, as a hostile child would go on writing. */
const feed = (reader: FrameReader, chunks: readonly Buffer[]): FrameStep[] => chunks.map((chunk) => reader.push(chunk));

function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

const violationOf = (steps: readonly FrameStep[]): string | undefined =>
  steps.flatMap((step) => (step.kind === 'violation' ? [step.violation] : []))[0];

describe('FrameReader', () => {
  it('reads the same frame however its bytes are cut', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), fc.uint8Array({ maxLength: 500 }), fc.array(fc.nat(), { maxLength: 20 }), (json, body, cuts) => {
        const steps = feed(opened(), cutAt(frame({ json, body }), cuts));
        const ends = steps.filter((step) => step.kind !== 'more');
        expect(ends).toHaveLength(1);
        expect(ends[0]).toMatchObject({ kind: 'frame', frame: { kind: 'result', json: Buffer.from(json).toString('utf8') } });
        expect(ends[0]?.kind === 'frame' && ends[0].frame.body.equals(body)).toBe(true);
      }),
    );
  });

  it('never takes a frame whose magic, seq or kind was changed', () => {
    const good = frame({ body: Buffer.from('body') });
    fc.assert(
      fc.property(fc.nat({ max: 11 }), fc.integer({ min: 1, max: 255 }), fc.array(fc.nat(), { maxLength: 5 }), (at, change, cuts) => {
        const bad = Buffer.from(good);
        bad[at] = (bad[at] ?? 0) ^ change;
        const steps = feed(opened(), cutAt(bad, cuts));
        // A result with a body whose kind became `refusal` is no refusal: refusals have none.
        expect(steps.some((step) => step.kind === 'frame')).toBe(false);
        expect(violationOf(steps)).toBeDefined();
      }),
    );
  });

  it('never takes more or other bytes than the header says, whatever its lengths become', () => {
    const good = frame({ json: '{"a":1}', body: Buffer.alloc(64) });
    fc.assert(
      fc.property(fc.integer({ min: 12, max: 19 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bad = Buffer.from(good);
        bad[at] = (bad[at] ?? 0) ^ change;
        const step = opened().push(bad);
        if (step.kind !== 'frame') return;
        expect(FRAME_HEADER_BYTES + bad.readUInt32LE(12) + bad.readUInt32LE(16)).toBe(bad.length);
      }),
    );
  });

  it('never throws and never returns a frame for random bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 8 }), (chunks) => {
        expect(feed(opened(), chunks.map((chunk) => Buffer.from(chunk))).some((step) => step.kind === 'frame')).toBe(false);
      }),
    );
  });

  it.each<[string, Buffer, string]>([
    ['a byte behind the frame', Buffer.concat([frame(), Buffer.from([0])]), 'excess'],
    ['a second frame at once', Buffer.concat([frame(), frame()]), 'excess'],
    ['another seq', frame({ seq: 8 }), 'seq'],
    ['an unasked kind', frame({ kind: 'ready' }), 'kind'],
    ['a job, as if it were the parent', frame({ kind: 'job' }), 'kind'],
    ['a refusal with a body', frame({ kind: 'refusal', body: Buffer.from('x') }), 'body'],
    ['too long a JSON', encodeHead({ jsonBytes: FRAME_JSON_BYTES_MAX + 1 }), 'header'],
    ['too long a body', encodeHead({ bodyBytes: FRAME_BODY_OUT_BYTES_MAX + 1 }), 'header'],
    ['text', Buffer.from('(decoder) warning: something happened'), 'header'],
  ])('refuses %s', (_name, bytes, violation) => {
    expect(violationOf([opened().push(bytes)])).toBe(violation);
  });

  it.each<[string, Buffer]>([
    ['the longest JSON', encodeHead({ jsonBytes: FRAME_JSON_BYTES_MAX })],
    ['the longest body', encodeHead({ bodyBytes: FRAME_BODY_OUT_BYTES_MAX })],
  ])('waits for %s without allocating it', (_name, bytes) => {
    expect(opened().push(bytes)).toEqual({ kind: 'more' });
  });

  it('refuses every byte outside of an open job, before and after one', () => {
    expect(new FrameReader().push(Buffer.from([0]))).toMatchObject({ violation: 'unasked' });
    const reader = opened();
    expect(reader.push(frame())).toMatchObject({ kind: 'frame' });
    expect(reader.isOpen).toBe(false);
    expect(reader.push(Buffer.from([0]))).toMatchObject({ violation: 'unasked' });
  });

  it('stays broken, also when opened again', () => {
    const reader = opened();
    reader.push(Buffer.from('x'.repeat(FRAME_HEADER_BYTES)));
    reader.expect({ seq: 7, kinds: ['result'] });
    expect(reader.push(frame())).toMatchObject({ kind: 'violation' });
  });
});

function encodeHead(sizes: { readonly jsonBytes?: number; readonly bodyBytes?: number }): Buffer {
  return Buffer.from(encodeFrameHeader({ kind: 'result', seq: 7, jsonBytes: 2, bodyBytes: 0, ...sizes }));
}
