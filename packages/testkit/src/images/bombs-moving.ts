// Animations: frames, canvases, and both multiplied.

import type { BombRow } from './bomb-row.ts';
import { encodeFlatWebp } from './encoders.ts';
import { gif } from './gif.ts';
import { paint } from './pixels.ts';
import { encodeApng } from './png.ts';
import { animatedWebp, pictureChunk } from './webp.ts';

/** Animated WebP of `frames` frames of 8x8 on a canvas of the given side. */
export async function webpFrames(frames: number, canvas: number): Promise<Buffer> {
  const chunk = pictureChunk(await encodeFlatWebp(8, 8));
  return animatedWebp({ canvasWidth: canvas, canvasHeight: canvas, frames, frameWidth: 8, frameHeight: 8, chunk });
}

const gifOf = (side: number, frames: number, frameSide = 1): Buffer =>
  gif({ width: side, height: side, frames, loop: 0, frameWidth: frameSide, frameHeight: frameSide });

export const MOVING = {
  'gif-65535': { type: 'image/gif', expected: 'any', byHeader: true, why: 'a 4 gigapixel screen with one pixel', make: () => gif({ width: 65_535, height: 65_535, frames: 1 }) },
  'gif-16000': { type: 'image/gif', expected: 'any', byHeader: true, why: '50 frames of a pixel on a screen of 256 megapixels', make: () => gifOf(16_000, 50) },
  'gif-many-frames': { type: 'image/gif', expected: 'any', why: '100,000 frames of one pixel: 0.6 s for metadata alone', make: () => gifOf(1, 100_000) },
  'gif-512-100k': { type: 'image/gif', expected: 'any', why: '100,000 frames on 512x512: more than 25 s without limits', make: () => gifOf(512, 100_000) },
  'gif-300x300-2900': { type: 'image/gif', expected: 'any', why: '2,900 frames of 300x300: 261 megapixels', make: () => gifOf(300, 2_900) },
  'gif-577-300': { type: 'image/gif', expected: 'any', why: '300 frames and 99.9 megapixels: just inside both limits', make: () => gifOf(577, 300, 577) },
  'webp-canvas-16383': { type: 'image/webp', expected: 'reject', byHeader: true, why: '268 megapixel canvas in 92 bytes: 1.2 GB', make: () => webpFrames(1, 16_383) },
  'webp-many-frames': { type: 'image/webp', expected: 'any', why: '6,000 frames', make: () => webpFrames(6_000, 256) },
  'webp-20k-frames': { type: 'image/webp', expected: 'any', why: '20,000 frames of 8x8: a second for metadata alone', make: () => webpFrames(20_000, 8) },
  'webp-4096-2000': { type: 'image/webp', expected: 'any', why: '2,000 frames on 4096x4096: 134 GB of frames in 96 kB', make: () => webpFrames(2_000, 4_096) },
  'webp-577-300': { type: 'image/webp', expected: 'any', why: '300 frames and 99.9 megapixels: just inside both limits', make: () => webpFrames(300, 577) },
  'apng-1000-frames': { type: 'image/apng', expected: 'any', why: '1,000 frames: only the first may be looked at', make: () => encodeApng(Array.from({ length: 1_000 }, () => paint(8, 8, 4))) },
} as const satisfies Record<string, BombRow>;
