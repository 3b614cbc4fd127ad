// PNG and APNG, written by hand.

import { crc32, deflateSync } from 'node:zlib';
import { latin1, u16be, u32be, zlibConstant } from './bytes.ts';
import type { Raster } from './pixels.ts';

export const PNG_SIGNATURE = latin1('\x89PNG\r\n\x1A\n');

export function pngChunk(name: string, data: Uint8Array = Buffer.alloc(0)): Buffer {
  const body = Buffer.concat([latin1(name), data]);
  return Buffer.concat([u32be(data.length), body, u32be(crc32(body))]);
}

export interface PngHead {
  readonly width: number;
  readonly height: number;
  readonly depth?: number;
  /** 0 grey, 2 RGB, 3 palette, 4 grey + alpha, 6 RGBA. */
  readonly colour?: number;
}

export const ihdr = (head: PngHead): Buffer =>
  pngChunk('IHDR', Buffer.concat([u32be(head.width), u32be(head.height), Buffer.from([head.depth ?? 8, head.colour ?? 6, 0, 0, 0])]));

/** A file of the given chunks between signature, IHDR and IEND. */
export const png = (head: PngHead, ...chunks: readonly Buffer[]): Buffer =>
  Buffer.concat([PNG_SIGNATURE, ihdr(head), ...chunks, pngChunk('IEND')]);

/** Black (or transparent) pixels of any size in milliseconds. */
export function blankPng(head: PngHead, ...before: readonly Buffer[]): Buffer {
  const samples = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }[head.colour ?? 6] ?? 4;
  const rowBytes = 1 + Math.ceil((head.width * samples * (head.depth ?? 8)) / 8);
  return png(head, ...before, pngChunk('IDAT', zlibConstant(0, rowBytes * head.height)));
}

const colourOf = (raster: Raster): number => (raster.channels === 4 ? 6 : 2);

/** Rows with filter 0, compressed. */
function scanlines(raster: Raster): Buffer {
  const rowBytes = raster.width * raster.channels;
  const rows = Buffer.alloc((rowBytes + 1) * raster.height);
  for (let y = 0; y < raster.height; y += 1) raster.data.copy(rows, y * (rowBytes + 1) + 1, y * rowBytes, (y + 1) * rowBytes);
  return deflateSync(rows, { level: 6 });
}

export const encodePng = (raster: Raster): Buffer =>
  png({ width: raster.width, height: raster.height, colour: colourOf(raster) }, pngChunk('IDAT', scanlines(raster)));

/** A 16-bit RGB picture: a plain ramp. */
export function encodePng16(width: number, height: number): Buffer {
  const rows = Buffer.alloc((1 + width * 6) * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = y * (1 + width * 6) + 1 + x * 6;
      rows.writeUInt16BE(Math.floor((x * 65_535) / width), at);
      rows.writeUInt16BE(Math.floor((y * 65_535) / height), at + 2);
      rows.writeUInt16BE(((x * y) & 0xffff) >>> 0, at + 4);
    }
  }
  return png({ width, height, depth: 16, colour: 2 }, pngChunk('IDAT', deflateSync(rows)));
}

export const acTL = (frames: number, plays = 0): Buffer => pngChunk('acTL', Buffer.concat([u32be(frames), u32be(plays)]));

/** Frame control with full canvas and 100 ms. */
export const fcTL = (sequence: number, width: number, height: number): Buffer =>
  pngChunk(
    'fcTL',
    Buffer.concat([u32be(sequence), u32be(width), u32be(height), u32be(0), u32be(0), u16be(1), u16be(10), Buffer.from([0, 0])]),
  );

/** An APNG of frames of one size, the first of them the default image. */
export function encodeApng(frames: readonly Raster[], plays = 0): Buffer {
  const [first] = frames;
  if (first === undefined) throw new RangeError('an APNG needs a frame');
  const chunks = [acTL(frames.length, plays)];
  let sequence = 0;
  for (const [index, frame] of frames.entries()) {
    chunks.push(fcTL(sequence, frame.width, frame.height));
    sequence += 1;
    const data = scanlines(frame);
    if (index === 0) {
      chunks.push(pngChunk('IDAT', data));
    } else {
      chunks.push(pngChunk('fdAT', Buffer.concat([u32be(sequence), data])));
      sequence += 1;
    }
  }
  return png({ width: first.width, height: first.height, colour: colourOf(first) }, ...chunks);
}
