// GIF files whose frames are one pixel of six bytes: the cheapest way to many frames.

import { latin1, repeated, u16le } from './bytes.ts';

export interface GifShape {
  /** Logical screen. */
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  /** Undefined: no NETSCAPE extension, plays once. */
  readonly loop?: number | undefined;
  /** Area each frame claims; its data always is one pixel. Default 1x1. */
  readonly frameWidth?: number;
  readonly frameHeight?: number;
}

const PALETTE = Buffer.from([0, 0, 0, 255, 255, 255]);

export function gif(shape: GifShape): Buffer {
  const screen = Buffer.concat([latin1('GIF89a'), u16le(shape.width), u16le(shape.height), Buffer.from([0x80, 0, 0]), PALETTE]);
  const loop = shape.loop === undefined ? Buffer.alloc(0) : Buffer.concat([latin1('\x21\xFF\x0BNETSCAPE2.0\x03\x01'), u16le(shape.loop), Buffer.from([0])]);
  const frame = gifFrame(shape.frameWidth ?? 1, shape.frameHeight ?? 1);
  return Buffer.concat([screen, loop, repeated(frame, shape.frames), Buffer.from([0x3b])]);
}

/** Graphic control (100 ms), descriptor, and LZW data of clear code, pixel 0, end. */
function gifFrame(width: number, height: number): Buffer {
  const control = Buffer.from([0x21, 0xf9, 4, 0, 10, 0, 0, 0]);
  const descriptor = Buffer.concat([Buffer.from([0x2c]), u16le(0), u16le(0), u16le(width), u16le(height), Buffer.from([0])]);
  return Buffer.concat([control, descriptor, Buffer.from([2, 2, 0x44, 1, 0])]);
}

/** Read as a script, the whole GIF is a comment followed by code; read as a picture it is a wide black line. */
export const gifScriptPolyglot = (): Buffer =>
  Buffer.concat([
    latin1('GIF89a/*'),
    u16le(1),
    Buffer.from([0x80, 0, 0]),
    PALETTE,
    gifFrame(1, 1),
    Buffer.from([0x3b]),
    latin1('*/=1;alert(document.domain)//'),
  ]);
