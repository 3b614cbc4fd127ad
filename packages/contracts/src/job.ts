// Border gateway -> image-worker: a BullMQ job and a reply over the work Redis. The worker learns neither client nor URL;
// whoever owns it can only lie about this picture, so the gateway checks type, size and dimensions of the result itself.

import { z } from 'zod';
import { CODE_NAMES, type Code } from './codes.ts';
import { idSchema, isolationSchema } from './ids.ts';
import { LIMITS } from './limits.ts';
import { DECODE_CLASSES, MEDIA_MODES, RESULT_TYPES } from './media.ts';

export const JOB_VERSION = 1;
export const REPLY_CHARS_MAX = 1_024;

export const imageJobSchema = z.strictObject({
  v: z.literal(JOB_VERSION),
  jobId: idSchema,
  sourceId: idSchema,
  outId: idSchema,
  isolation: isolationSchema,
  class: z.enum(DECODE_CLASSES),
  mode: z.enum(MEDIA_MODES),
  /** Absolute, in ms of Redis TIME; later the worker refuses without decoding. */
  deadlineAtMs: z.int().min(0),
  /** Gateway process whose `done` channel hears of the end. */
  replyTo: idSchema,
});
export type ImageJob = z.infer<typeof imageJobSchema>;

const msSchema = z.int().min(0).max(600_000);
const replyOkSchema = z.strictObject({
  v: z.literal(JOB_VERSION),
  jobId: idSchema,
  ok: z.literal(true),
  type: z.enum(RESULT_TYPES),
  width: z.int().min(1).max(65_535),
  height: z.int().min(1).max(65_535),
  frames: z.int().min(1).max(LIMITS.framesMax),
  /** The input had more frames than the cap, so this is its still first frame. */
  framesCapped: z.boolean().optional(),
  bytes: z.int().min(1).max(LIMITS.resultBytesMax),
  cpuMs: msSchema,
  waitMs: msSchema,
});
const replyFailedSchema = z.strictObject({
  v: z.literal(JOB_VERSION),
  jobId: idSchema,
  ok: z.literal(false),
  code: z.enum(CODE_NAMES as [Code, ...Code[]]),
  cpuMs: msSchema,
});
export const imageReplySchema = z.discriminatedUnion('ok', [replyOkSchema, replyFailedSchema]);
export type ImageReply = z.infer<typeof imageReplySchema>;
export type ImageReplyOk = z.infer<typeof replyOkSchema>;

export type ParsedJob =
  | { readonly ok: true; readonly job: ImageJob }
  | { readonly ok: false; readonly code: Code; readonly detail: string };

/** Job data as a job; never throws. */
export function parseImageJob(value: unknown): ParsedJob {
  const parsed = imageJobSchema.safeParse(value);
  if (parsed.success) return { ok: true, job: parsed.data };
  const version = typeof value === 'object' && value !== null && 'v' in value ? value.v : undefined;
  const code = version !== undefined && version !== JOB_VERSION ? 'SEKISHO_CONTRACT_VERSION' : 'SEKISHO_CONTRACT_INVALID';
  return { ok: false, code, detail: z.prettifyError(parsed.error).slice(0, 300) };
}

/** Text of a reply; undefined when it is not one, which the gateway treats as an attack on the worker. */
export function parseImageReply(text: string): ImageReply | undefined {
  if (text.length > REPLY_CHARS_MAX) return undefined;
  try {
    const parsed = imageReplySchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
