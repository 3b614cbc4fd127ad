// The picture shown instead of a broken one when a client asks for `fallback`: 256 x 256 colour bars, drawn at start, so
// that no binary lies in the repository.

import { crc32, deflateSync } from 'node:zlib';

const SIDE = 256;
/** SMPTE order: white, yellow, cyan, green, magenta, red, blue, black. */
const BARS = [0xffffff, 0xffff00, 0x00ffff, 0x00ff00, 0xff00ff, 0xff0000, 0x0000ff, 0x000000] as const;
const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** The placeholder as PNG (8 bit, palette): a few hundred bytes. */
export function drawPlaceholder(): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(SIDE, 0);
  header.writeUInt32BE(SIDE, 4);
  header.writeUInt8(8, 8);
  header.writeUInt8(3, 9);
  const palette = Buffer.alloc(BARS.length * 3);
  BARS.forEach((colour, index) => palette.writeUIntBE(colour, index * 3, 3));
  const row = Buffer.alloc(SIDE + 1);
  for (let x = 0; x < SIDE; x++) row.writeUInt8(Math.floor((x * BARS.length) / SIDE), x + 1);
  const pixels = deflateSync(Buffer.concat(Array.from({ length: SIDE }, () => row)));
  return Buffer.concat([SIGNATURE, chunk('IHDR', header), chunk('PLTE', palette), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]);
}
