// Border image-worker -> decoder child: frames over stdin and stdout. The child is assumed hostile; the worker checks
// every field and kills on the first byte that does not fit.
//
//   u32le magic "SKD1" | u32le jobSeq | u8 kind | u24 zero | u32le jsonBytes | u32le bodyBytes | JSON | body

import { z } from 'zod';
import { LIMITS } from './limits.ts';
import { DECODE_CLASSES, MEDIA_MODES, RESULT_TYPES } from './media.ts';

export const FRAME_HEADER_BYTES = 20;
export const FRAME_MAGIC = 0x31_44_4b_53; // "SKD1" read as u32le
export const FRAME_JSON_BYTES_MAX = 4_096;
export const FRAME_BODY_IN_BYTES_MAX = LIMITS.pictureBytesMax;
export const FRAME_BODY_OUT_BYTES_MAX = LIMITS.resultBytesMax;

export const FRAME_KINDS = { ready: 0, job: 1, result: 2, refusal: 3 } as const;
export type FrameKind = keyof typeof FRAME_KINDS;

export interface FrameHeader {
  readonly kind: FrameKind;
  readonly seq: number;
  readonly jsonBytes: number;
  readonly bodyBytes: number;
}

export function encodeFrameHeader(header: FrameHeader): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, FRAME_MAGIC, true);
  view.setUint32(4, header.seq, true);
  view.setUint32(8, FRAME_KINDS[header.kind], true);
  view.setUint32(12, header.jsonBytes, true);
  view.setUint32(16, header.bodyBytes, true);
  return bytes;
}

/** The header, or undefined for anything that does not fit exactly, sizes included. */
export function parseFrameHeader(bytes: Uint8Array, bodyBytesMax: number): FrameHeader | undefined {
  if (bytes.length < FRAME_HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, FRAME_HEADER_BYTES);
  const kind = kindOf(view.getUint32(8, true));
  const jsonBytes = view.getUint32(12, true);
  const bodyBytes = view.getUint32(16, true);
  if (view.getUint32(0, true) !== FRAME_MAGIC || kind === undefined) return undefined;
  if (jsonBytes > FRAME_JSON_BYTES_MAX || bodyBytes > bodyBytesMax) return undefined;
  return { kind, seq: view.getUint32(4, true), jsonBytes, bodyBytes };
}

const kindOf = (value: number): FrameKind | undefined =>
  (Object.keys(FRAME_KINDS) as FrameKind[]).find((kind) => FRAME_KINDS[kind] === value);

/** JSON of a `job` frame; the body is the source, whose type the decoder finds by its magic. */
export const decoderJobSchema = z.strictObject({
  class: z.enum(DECODE_CLASSES),
  mode: z.enum(MEDIA_MODES),
});
export type DecoderJob = z.infer<typeof decoderJobSchema>;

/** JSON of a `result` frame; the body is the encoded picture. */
export const decoderResultSchema = z.strictObject({
  type: z.enum(RESULT_TYPES),
  width: z.int().min(1).max(65_535),
  height: z.int().min(1).max(65_535),
  frames: z.int().min(1).max(LIMITS.framesMax),
  framesCapped: z.boolean(),
});
export type DecoderResult = z.infer<typeof decoderResultSchema>;

/** JSON of a `refusal` frame. `reason` is a closed set: text of libraries never crosses the pipe. */
export const DECODER_REFUSALS = ['decode', 'header', 'memory', 'flat', 'type', 'size'] as const;
export const decoderRefusalSchema = z.strictObject({ reason: z.enum(DECODER_REFUSALS) });
export type DecoderRefusal = z.infer<typeof decoderRefusalSchema>;
