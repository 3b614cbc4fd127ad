// Is the result of a worker what was asked for? The worker handles strangers' bytes: type, size, dimensions and numbers
// are checked here against the bytes themselves before anything is cached, priced or sent. Pure.

import { type Code, type ImageReplyOk, LIMITS, type MediaMode, type ResultType } from '@sekisho/contracts';
import { type PictureHeader, readMediaHeader } from '@sekisho/media-header';

interface ModeBounds {
  readonly type: ResultType;
  readonly widthMax: number;
  readonly heightMax: number;
  readonly animated: boolean;
}

/** Widest WebP there is; emoji and avatars are bounded by height alone, as Misskey's own proxy does it. */
const WEBP_SIDE_MAX = 16_383;
const webp = (widthMax: number, heightMax: number, animated = false): ModeBounds => ({ type: 'image/webp', widthMax, heightMax, animated });

export const MODE_BOUNDS: Readonly<Record<MediaMode, ModeBounds>> = {
  asis: webp(LIMITS.svgSideMax, LIMITS.svgSideMax),
  emoji: webp(WEBP_SIDE_MAX, 128, true),
  avatar: webp(WEBP_SIDE_MAX, 320, true),
  'emoji-static': webp(WEBP_SIDE_MAX, 128),
  'avatar-static': webp(WEBP_SIDE_MAX, 320),
  static: webp(498, 422),
  preview: webp(200, 200),
  badge: { type: 'image/png', widthMax: 96, heightMax: 96, animated: false },
};

const PNG_END = Buffer.from('0000000049454e44ae426082', 'hex');

/** What is wrong with the result, for the log; undefined when it may be used. */
export function checkResult(mode: MediaMode, reply: ImageReplyOk, body: Buffer): string | undefined {
  if (body.length !== reply.bytes) return 'length is not that of the reply';
  if (body.length > LIMITS.resultBytesMax) return 'longer than a result may be';
  const header = readMediaHeader(body);
  if (header.kind !== 'picture') return 'no picture';
  if (header.type !== reply.type) return 'type is not that of the reply';
  if (!isWhole(reply.type, body)) return 'bytes do not end with the picture';
  return checkAgainstReply(reply, header) ?? checkAgainstMode(MODE_BOUNDS[mode], reply, header);
}

function checkAgainstReply(reply: ImageReplyOk, header: PictureHeader): string | undefined {
  if (header.width !== reply.width || header.height !== reply.height) return 'dimensions are not those of the reply';
  if (header.framesAtLeast > reply.frames) return 'more frames than in the reply';
  return undefined;
}

function checkAgainstMode(bounds: ModeBounds, reply: ImageReplyOk, header: PictureHeader): string | undefined {
  if (reply.type !== bounds.type) return 'type does not fit the mode';
  if (reply.width > bounds.widthMax || reply.height > bounds.heightMax) return 'dimensions do not fit the mode';
  if (!bounds.animated && (reply.frames > 1 || header.animated)) return 'animated in a still mode';
  return undefined;
}

/** Nothing stands behind the picture: no room for a second file in a cache entry. */
function isWhole(type: ResultType, body: Buffer): boolean {
  if (type === 'image/png') return body.length > PNG_END.length && body.subarray(-PNG_END.length).equals(PNG_END);
  return body.length >= 12 && body.readUInt32LE(4) === body.length - 8;
}

/** What a worker may say of a picture. Any other code, of an upstream or a limit say, would be a lie about somebody else. */
const WORKER_CODES: ReadonlySet<Code> = new Set<Code>([
  'SEKISHO_IMAGE_HEADER', 'SEKISHO_IMAGE_DECODE', 'SEKISHO_IMAGE_FLAT', 'SEKISHO_IMAGE_CPU', 'SEKISHO_IMAGE_WALL',
  'SEKISHO_IMAGE_MEMORY', 'SEKISHO_IMAGE_CRASH', 'SEKISHO_IMAGE_PROTOCOL', 'SEKISHO_IMAGE_SPAWN', 'SEKISHO_TYPE_NOT_CONVERTIBLE',
  'SEKISHO_DEADLINE', 'SEKISHO_REDIS_AWAY', 'SEKISHO_SHUTTING_DOWN', 'SEKISHO_CONTRACT_VERSION', 'SEKISHO_CONTRACT_INVALID',
  'SEKISHO_INTERNAL',
]);
export const isWorkerCode = (code: Code): boolean => WORKER_CODES.has(code);

/** CPU as a worker says it, in ms, held to what can be true: never negative, never above the wall time of the job. */
export const clampCpuMs = (cpuMs: number, wallMs: number): number => Math.min(Math.max(0, cpuMs), Math.max(0, Math.ceil(wallMs)));
