// Small builders of binary formats. Written for tests: they build what they are told, valid or not.

import { constants, crc32, deflateRawSync } from 'node:zlib';

export const u16be = (value: number): Buffer => Buffer.from([(value >>> 8) & 0xff, value & 0xff]);
export const u16le = (value: number): Buffer => Buffer.from([value & 0xff, (value >>> 8) & 0xff]);
export const u24le = (value: number): Buffer => Buffer.from([value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff]);

export function u32be(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export function u32le(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

export const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

/** `count` copies of `part`, in one allocation. */
export const repeated = (part: Uint8Array, count: number): Buffer => Buffer.alloc(part.length * count, part);

/** Deterministic numbers below 2^32 (xorshift32): tests must see the same bytes in every run. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}

const BLOCK_BYTES = 1024 * 1024;
const ADLER = 65_521n;

/**
 * Raw deflate stream of `count` times the same byte. One MiB is compressed with a full flush and repeated: such blocks
 * refer to nothing before them, so a bomb of any size costs milliseconds and its own compressed length in memory.
 */
export function deflateConstant(byte: number, count: number): Buffer {
  const whole = Math.floor(count / BLOCK_BYTES);
  const block = whole === 0 ? Buffer.alloc(0) : flushed(byte, BLOCK_BYTES);
  const rest = deflateRawSync(Buffer.alloc(count % BLOCK_BYTES, byte), { level: 9 });
  return Buffer.concat([repeated(block, whole), rest]);
}

const flushed = (byte: number, count: number): Buffer =>
  deflateRawSync(Buffer.alloc(count, byte), { level: 9, finishFlush: constants.Z_FULL_FLUSH });

/** The same with zlib's header and checksum, as PNG wants it. */
export function zlibConstant(byte: number, count: number): Buffer {
  const length = BigInt(count);
  const value = BigInt(byte);
  const low = (1n + value * length) % ADLER;
  const high = (length + (value * length * (length + 1n)) / 2n) % ADLER;
  return Buffer.concat([Buffer.from([0x78, 0xda]), deflateConstant(byte, count), u16be(Number(high)), u16be(Number(low))]);
}

/** gzip of `head`, then `count` times the same byte, then `tail`. */
export function gzipConstant(byte: number, count: number, around: { readonly head?: Buffer; readonly tail?: Buffer } = {}): Buffer {
  const head = around.head ?? Buffer.alloc(0);
  const tail = around.tail ?? Buffer.alloc(0);
  const begin = deflateRawSync(head, { level: 9, finishFlush: constants.Z_FULL_FLUSH });
  const blocks = Math.ceil(count / BLOCK_BYTES);
  const middle = repeated(flushed(byte, BLOCK_BYTES), blocks);
  let sum = crc32(head);
  const block = Buffer.alloc(BLOCK_BYTES, byte);
  for (let index = 0; index < blocks; index += 1) sum = crc32(block, sum);
  sum = crc32(tail, sum);
  const length = head.length + blocks * BLOCK_BYTES + tail.length;
  const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
  return Buffer.concat([header, begin, middle, deflateRawSync(tail), u32le(sum), u32le(length)]);
}
