import { describe, expect, it } from '@jest/globals';
import { makeStream, STREAM_BYTES_MIN, STREAM_TYPES, streamByte } from './streams.ts';

const MAGIC = {
  'video/mp4': ['ftypisom', 4],
  'video/webm': ['webm', 24],
  'audio/mpeg': ['ID3', 0],
  'audio/ogg': ['OpusHead', 28],
  'audio/flac': ['fLaC', 0],
  'audio/wav': ['WAVEfmt ', 8],
} as const;

describe('makeStream()', () => {
  it.each(STREAM_TYPES)('%s has its magic, its exact length and bytes by position', (type) => {
    const [magic, at] = MAGIC[type];
    const stream = makeStream(type, 70_000);
    expect(stream.length).toBe(70_000);
    expect(stream.toString('latin1', at, at + magic.length)).toBe(magic);
    for (const position of [STREAM_BYTES_MIN, 4_096, 65_535, 65_536, 69_999]) expect(stream[position]).toBe(streamByte(position));
  });

  it.each(STREAM_TYPES)('%s of the least length keeps its beginning', (type) => {
    expect(makeStream(type, STREAM_BYTES_MIN).subarray(0, 40)).not.toEqual(Buffer.from(Array.from({ length: 40 }, (_, at) => streamByte(at))));
    expect(() => makeStream(type, STREAM_BYTES_MIN - 1)).toThrow(RangeError);
  });

  it('differs between neighbouring ranges, so that a shifted range is noticed', () => {
    const stream = makeStream('video/mp4', 300_000);
    const window = stream.subarray(100_000, 100_256);
    for (let shift = 1; shift <= 64; shift += 1) expect(stream.subarray(100_000 + shift, 100_256 + shift).equals(window)).toBe(false);
    expect(stream.subarray(165_536, 165_792).equals(window)).toBe(false);
  });
});
