// JPEG files for decoders to choke on.

import { latin1, repeated, u16be } from './bytes.ts';

export const jpegSegment = (marker: number, data: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([0xff, marker]), u16be(data.length + 2), data]);

/**
 * A progressive grey picture of many AC scans, each a few bytes of end-of-band runs: work grows with scans x pixels,
 * the file hardly does.
 */
export function manyScansJpeg(width: number, height: number, scans: number): Buffer {
  const quantiser = jpegSegment(0xdb, Buffer.concat([Buffer.from([0]), Buffer.alloc(64, 1)]));
  const frame = jpegSegment(0xc2, Buffer.concat([Buffer.from([8]), u16be(height), u16be(width), Buffer.from([1, 1, 0x11, 0])]));
  // One AC code of one bit: symbol 0xE0, a run of blocks with 14 extra bits.
  const codes = jpegSegment(0xc4, Buffer.concat([Buffer.from([0x10, 1]), Buffer.alloc(15), Buffer.from([0xe0])]));
  const blocks = Math.ceil(width / 8) * Math.ceil(height / 8);
  const runs = Math.ceil(blocks / 32_767);
  const scan = Buffer.concat([jpegSegment(0xda, Buffer.from([1, 1, 0, 1, 63, 0])), runBits(runs)]);
  return Buffer.concat([latin1('\xFF\xD8'), quantiser, frame, codes, repeated(scan, scans), latin1('\xFF\xD9')]);
}

/** `runs` times a 0 and fourteen 1s, padded with 1s, each 0xFF stuffed. */
function runBits(runs: number): Buffer {
  const bits = `0${'1'.repeat(14)}`.repeat(runs);
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1');
  const bytes: number[] = [];
  for (let at = 0; at < padded.length; at += 8) {
    const byte = Number.parseInt(padded.slice(at, at + 8), 2);
    bytes.push(byte, ...(byte === 0xff ? [0] : []));
  }
  return Buffer.from(bytes);
}

/** The same file with other sides in its frame header. */
export function forgeJpegSize(file: Buffer, width: number, height: number): Buffer {
  const forged = Buffer.from(file);
  for (const marker of [0xc0, 0xc1, 0xc2]) {
    const at = forged.indexOf(Buffer.from([0xff, marker, 0]));
    if (at < 0) continue;
    forged.writeUInt16BE(height, at + 5);
    forged.writeUInt16BE(width, at + 7);
    return forged;
  }
  throw new RangeError('the file has no frame header');
}

/** `file` with `bytes` of application segments before everything else, as a huge colour profile would be. */
export function padJpeg(file: Buffer, bytes: number): Buffer {
  const segment = jpegSegment(0xe2, Buffer.concat([latin1('ICC_PROFILE\0\x01\x01'), Buffer.alloc(60_000, 0x20)]));
  return Buffer.concat([file.subarray(0, 2), repeated(segment, Math.ceil(bytes / segment.length)), file.subarray(2)]);
}
