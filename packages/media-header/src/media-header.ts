// What a header can say, and the three ways to say it.

import type { ConvertibleType } from '@sekisho/contracts';
import type { HeaderReader } from './header-reader.ts';

export type PictureType = ConvertibleType | 'image/tiff';

export interface PictureHeader {
  readonly kind: 'picture';
  readonly type: PictureType;
  /** Pixels before any EXIF or `irot` turn, at most 2^32 - 1. Both 0: not found in the bytes given; price the worst. */
  readonly width: number;
  readonly height: number;
  /** Frames seen or, for APNG and AVIF, declared; at least 1. */
  readonly framesAtLeast: number;
  /** False only where there is certainly one frame. A GIF that goes on behind the bytes given counts as animated. */
  readonly animated: boolean;
}

/** The magic of a picture type, but nothing a decoder could use. */
export interface BrokenHeader {
  readonly kind: 'broken';
  readonly type: PictureType;
  /** For logs; a constant text without bytes of the file. */
  readonly reason: string;
}

export interface OtherHeader {
  readonly kind: 'other';
}

export type MediaHeader = PictureHeader | BrokenHeader | OtherHeader;

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Frames {
  readonly framesAtLeast: number;
  readonly animated: boolean;
}

const U32_MAX = 0xffff_ffff;
const ONE_FRAME: Frames = { framesAtLeast: 1, animated: false };
export const OTHER: OtherHeader = { kind: 'other' };

export function picture(type: PictureType, size: Size, frames: Frames = ONE_FRAME): PictureHeader {
  const known = size.width > 0 && size.height > 0;
  return {
    kind: 'picture',
    type,
    width: known ? Math.min(size.width, U32_MAX) : 0,
    height: known ? Math.min(size.height, U32_MAX) : 0,
    framesAtLeast: Math.min(Math.max(1, frames.framesAtLeast), U32_MAX),
    animated: frames.animated,
  };
}

export const broken = (type: PictureType, reason: string): BrokenHeader => ({ kind: 'broken', type, reason });

/** A zero side is never a picture; returned as 0x0 it would pass for "unknown" and hide the fault. */
export const sized = (type: PictureType, size: Size, frames: Frames = ONE_FRAME): MediaHeader =>
  size.width > 0 && size.height > 0 ? picture(type, size, frames) : broken(type, 'a side is zero');

/** The size lies behind the bytes given: unknown if the file goes on there, else the file is cut short. */
export const notFound = (reader: HeaderReader, type: PictureType, frames: Frames = ONE_FRAME): MediaHeader =>
  reader.partial ? picture(type, { width: 0, height: 0 }, frames) : broken(type, 'the file ends inside its header');
