// WebP containers around a picture chunk that an encoder made.

import { latin1, repeated, u24le, u32le } from './bytes.ts';

export const riffChunk = (name: string, data: Uint8Array): Buffer =>
  Buffer.concat([latin1(name), u32le(data.length), data, Buffer.alloc(data.length % 2)]);

export const webp = (...chunks: readonly Buffer[]): Buffer => {
  const body = Buffer.concat([latin1('WEBP'), ...chunks]);
  return Buffer.concat([latin1('RIFF'), u32le(body.length), body]);
};

/** The `VP8 ` or `VP8L` chunk of a still file. */
export function pictureChunk(file: Buffer): Buffer {
  let at = 12;
  while (at + 8 <= file.length) {
    const length = file.readUInt32LE(at + 4);
    const end = at + 8 + length + (length % 2);
    if (file.toString('latin1', at, at + 3) === 'VP8' && file[at + 3] !== 0x58) return file.subarray(at, end);
    at = end;
  }
  throw new RangeError('the file holds no picture chunk');
}

export interface WebpAnimation {
  readonly canvasWidth: number;
  readonly canvasHeight: number;
  readonly frames: number;
  /** Sides of the picture in `chunk`. */
  readonly frameWidth: number;
  readonly frameHeight: number;
  readonly chunk: Buffer;
}

/** The same frame many times on a canvas of any size. */
export function animatedWebp(shape: WebpAnimation): Buffer {
  const canvas = Buffer.concat([Buffer.from([0x02, 0, 0, 0]), u24le(shape.canvasWidth - 1), u24le(shape.canvasHeight - 1)]);
  const placement = Buffer.concat([u24le(0), u24le(0), u24le(shape.frameWidth - 1), u24le(shape.frameHeight - 1), u24le(100)]);
  const frame = riffChunk('ANMF', Buffer.concat([placement, Buffer.from([0]), shape.chunk]));
  return webp(riffChunk('VP8X', canvas), riffChunk('ANIM', Buffer.alloc(6)), repeated(frame, shape.frames));
}
