// What a decoder answered, as far as it can be checked here: a strict JSON shape, and bytes that are the picture the JSON
// speaks of. What the picture shows nobody can check; that is why a decoder sees pictures of one source only.

import { type Code, type DecoderRefusal, type DecoderResult, decoderRefusalSchema, decoderResultSchema } from '@sekisho/contracts';
import { readMediaHeader } from '@sekisho/media-header';
import type { Frame } from './frame-reader.ts';

export type Reply =
  | { readonly kind: 'result'; readonly result: DecoderResult; readonly body: Buffer }
  | { readonly kind: 'refusal'; readonly code: Code }
  | { readonly kind: 'lie'; readonly detail: string };

const REFUSAL_CODES: Readonly<Record<DecoderRefusal['reason'], Code>> = {
  decode: 'SEKISHO_IMAGE_DECODE',
  header: 'SEKISHO_IMAGE_HEADER',
  memory: 'SEKISHO_IMAGE_MEMORY',
  flat: 'SEKISHO_IMAGE_FLAT',
  type: 'SEKISHO_TYPE_NOT_CONVERTIBLE',
  size: 'SEKISHO_IMAGE_DECODE',
};

export function readReply(frame: Frame): Reply {
  const value = parseJson(frame.json);
  if (frame.kind === 'refusal') {
    const refusal = decoderRefusalSchema.safeParse(value);
    return refusal.success && isPlain(frame, refusal.data) ? { kind: 'refusal', code: REFUSAL_CODES[refusal.data.reason] } : lie('refusal without a known reason');
  }
  const result = decoderResultSchema.safeParse(value);
  if (!result.success) return lie('result of another shape');
  if (!isPlain(frame, result.data)) return lie('result in another spelling');
  return checkBody(result.data, frame.body) ?? { kind: 'result', result: result.data, body: frame.body };
}

/** Frames may be fewer than said: an encoder joins frames that are the same. */
function checkBody(result: DecoderResult, body: Buffer): Reply | undefined {
  const header = readMediaHeader(body);
  if (header.kind !== 'picture' || header.type !== result.type) return lie('bytes are not of the type said');
  if (header.width !== result.width || header.height !== result.height) return lie('dimensions are not those said');
  if (header.framesAtLeast > result.frames) return lie('more frames than said');
  return undefined;
}

/** As a decoder writes it. Double keys, blanks and other spellings of numbers mean different things to different readers. */
const isPlain = (frame: Frame, value: DecoderResult | DecoderRefusal): boolean => frame.json === JSON.stringify(value);

const lie = (detail: string): Reply => ({ kind: 'lie', detail });

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
