// Streams that a decoder could write, hostile ones above all: valid frames with one thing changed, cut anywhere.

import { FRAME_BODY_OUT_BYTES_MAX, FRAME_HEADER_BYTES, FRAME_JSON_BYTES_MAX, encodeFrameHeader } from '@sekisho/contracts';
import fc from 'fast-check';

export interface Stream {
  readonly bytes: Buffer;
  /** Places of the cuts, or one byte at a time. */
  readonly cuts: readonly number[] | 'single';
}

/** What a decoder says about a WebP of 3x2. */
export const RESULT_JSON = '{"type":"image/webp","width":3,"height":2,"frames":1,"framesCapped":false}';

/** All that may be accepted for it: joined frames, and whether there were more, are the decoder's word. */
export const RESULT_TEXT = /^\{"type":"image\/webp","width":3,"height":2,"frames":(?:[1-9]\d?|[12]\d\d|300),"framesCapped":(?:true|false)\}$/;
export const REFUSAL_TEXT = /^\{"reason":"(?:decode|header|memory|flat|type|size)"\}$/;

/** `text` itself and what only looks like it. */
export function textOf(text: string): fc.Arbitrary<string> {
  const inside = text.slice(1);
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant(text) },
    fc.constantFrom(
      ` ${text}`, `${text}\n`, `\ufeff${text}`, `${text}\0`, text.replaceAll(':', ': '), `${text}${text}`, `[${text}]`, `/**/${text}`, text.replace('}', ',}'), text.replaceAll('"', "'"),
      `{"__proto__":{"polluted":1},${inside}`, `{"constructor":{"prototype":{"polluted":1}},${inside}`, `{"toString":1,${inside}`, `{"":1,${inside}`,
      text.replace('3', '3.0'), text.replace('3', '3e0'), text.replace('3', '03'), text.replace('3', '0x3'), text.replace('3', '-3'), text.replace('3', '1e999'), text.replace('3', '9007199254740993'),
      text.replace('3', '"3"'), text.replace('3', '[3]'), text.replace('3', 'null'), text.replace('3', '9'.repeat(400)), text.replace('"w', '"\\u0077'), text.replace('type', 'typ\ufffd'),
      text.replace('"width":3', '"width":9,"width":3'), text.replace('"width":3', '"width":3,"width":9'), text.replace('"width":3', '"width":3,"Width":3'), text.replace('"reason"', '"reason":"flat","reason"'),
      text.replace('decode', 'at /etc/passwd'), text.replace('decode', '__proto__'), text.replace('decode', 'flat'), text.replace('webp', 'svg+xml'), text.replace('webp', 'png'), text.replace('false', '0'), text.replace('false', 'true'),
      '', '{}', 'null', '[]', '0', '"', '{', '['.repeat(FRAME_JSON_BYTES_MAX), '{"a":'.repeat(FRAME_JSON_BYTES_MAX / 5), `${'['.repeat(2_000)}${']'.repeat(2_000)}`, `{"a":"${'\\ud800'.repeat(600)}"}`,
    ),
    fc.json({ maxDepth: 3 }),
    fc.tuple(fc.nat(text.length), fc.string({ maxLength: 3 })).map(([at, extra]) => `${text.slice(0, at)}${extra}${text.slice(at)}`),
    fc.nat(text.length).map((at) => text.slice(0, at)),
  );
}

const LENGTHS = [0, 1, FRAME_JSON_BYTES_MAX - 1, FRAME_JSON_BYTES_MAX, FRAME_JSON_BYTES_MAX + 1, FRAME_BODY_OUT_BYTES_MAX - 1, FRAME_BODY_OUT_BYTES_MAX, FRAME_BODY_OUT_BYTES_MAX + 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

type Change = (frame: Buffer) => Buffer;
const written = (at: number, value: (old: number) => number): Change => (frame) => {
  const changed = Buffer.from(frame);
  changed.writeUInt32LE(value(changed.readUInt32LE(at)) >>> 0, at);
  return changed;
};

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Change>((frame) => frame) },
  fc.tuple(fc.nat(FRAME_HEADER_BYTES - 1), fc.integer({ min: 1, max: 255 })).map(([at, bits]): Change => (frame) => {
    const changed = Buffer.from(frame);
    changed[at] = (changed[at] ?? 0) ^ bits;
    return changed;
  }),
  fc.tuple(fc.constantFrom(4, 8, 12, 16), fc.constantFrom(-2, -1, 1, 2, 256)).map(([at, by]) => written(at, (old) => old + by)),
  fc.tuple(fc.constantFrom(12, 16), fc.constantFrom(...LENGTHS)).map(([at, length]) => written(at, () => length)),
  fc.uint8Array({ minLength: 1, maxLength: 40 }).map((more): Change => (frame) => Buffer.concat([frame, more])),
  fc.uint8Array({ minLength: 1, maxLength: 40 }).map((more): Change => (frame) => Buffer.concat([more, frame])),
  fc.constant<Change>((frame) => Buffer.concat([frame, frame])),
  fc.nat().map((at): Change => (frame) => frame.subarray(0, at % (frame.length + 1))),
  fc.nat().map((at): Change => (frame) => Buffer.concat([frame.subarray(0, at % frame.length), frame.subarray((at % frame.length) + 1)])),
  fc.uint8Array({ maxLength: 60 }).map((bytes): Change => () => Buffer.from(bytes)),
);

/** Answers to job `seq`, right and wrong ones. */
export function streams(seq: number, picture: Buffer): fc.Arbitrary<Stream> {
  const frame = fc.oneof(
    fc.tuple(textOf(RESULT_JSON), fc.oneof(fc.constant(picture), fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)))).map(([text, body]) => encode('result', seq, text, body)),
    fc.tuple(textOf('{"reason":"decode"}'), fc.constantFrom(Buffer.alloc(0), Buffer.alloc(1))).map(([text, body]) => encode('refusal', seq, text, body)),
    fc.constantFrom('ready' as const, 'job' as const).map((kind) => encode(kind, seq, '{}', Buffer.alloc(0))),
    fc.constant(encode('result', seq, '', Buffer.alloc(0))),
  );
  return fc.record({
    bytes: fc.tuple(frame, change).map(([bytes, changed]) => changed(bytes)),
    cuts: fc.oneof(fc.constant('single' as const), fc.array(fc.nat(), { maxLength: 12 })),
  });
}

function encode(kind: 'ready' | 'job' | 'result' | 'refusal', seq: number, text: string, body: Buffer): Buffer {
  const json = Buffer.from(text);
  return Buffer.concat([encodeFrameHeader({ kind, seq, jsonBytes: json.length, bodyBytes: body.length }), json, body]);
}
