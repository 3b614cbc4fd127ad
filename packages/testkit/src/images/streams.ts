// Media that streams: a real beginning, then bytes that depend on their position alone, so that ranges can be compared.

import { latin1, u16be, u16le, u32be, u32le } from './bytes.ts';
import { box } from './avif.ts';

export const STREAM_TYPES = ['video/mp4', 'video/webm', 'audio/mpeg', 'audio/ogg', 'audio/flac', 'audio/wav'] as const;
export type StreamType = (typeof STREAM_TYPES)[number];

/** Length of the longest beginning; the shortest stream. */
export const STREAM_BYTES_MIN = 256;

/** The byte at a position behind the beginning. */
export const streamByte = (position: number): number =>
  (position * 31 + (position >>> 8) * 17 + (position >>> 16) * 7) & 0xff;

/** A medium of exactly `bytes` bytes. Nothing can play it; type sniffers know it. */
export function makeStream(type: StreamType, bytes: number): Buffer {
  if (bytes < STREAM_BYTES_MIN) throw new RangeError(`a stream has at least ${STREAM_BYTES_MIN} bytes`);
  const stream = Buffer.allocUnsafe(bytes);
  for (let at = 0; at < bytes; at += 1) stream[at] = streamByte(at);
  BEGINNINGS[type](bytes).copy(stream);
  return stream;
}

const BEGINNINGS: Readonly<Record<StreamType, (bytes: number) => Buffer>> = {
  'video/mp4': (bytes) => {
    const brands = box('ftyp', latin1('isom'), u32be(512), latin1('isomiso2avc1mp41'));
    return Buffer.concat([brands, u32be(bytes - brands.length), latin1('mdat')]);
  },
  'video/webm': () =>
    Buffer.concat([
      Buffer.from('1a45dfa39f4286810142f7810142f2810442f38108428284', 'hex'),
      latin1('webm'),
      // Version 4, read version 2; then a segment of unknown length.
      Buffer.from('42878104428581021853806701ffffffffffffff', 'hex'),
    ]),
  // ID3v2.4 without frames, then a frame header: MPEG-1 layer III, 128 kbit/s, 44.1 kHz.
  'audio/mpeg': () => Buffer.concat([latin1('ID3\x04\0\0\0\0\0\0'), Buffer.from([0xff, 0xfb, 0x90, 0x64])]),
  'audio/ogg': () => {
    const head = Buffer.concat([latin1('OpusHead\x01\x02'), u16le(312), u32le(48_000), Buffer.from([0, 0, 0])]);
    const page = Buffer.concat([latin1('OggS\0\x02'), Buffer.alloc(8), u32le(1), u32le(0), u32le(0), Buffer.from([1, head.length])]);
    return Buffer.concat([page, head]);
  },
  // STREAMINFO, the last metadata block: 4096 samples a block, 44.1 kHz, stereo, 16 bit.
  'audio/flac': () =>
    Buffer.concat([latin1('fLaC\x80\0\0\x22'), u16be(4096), u16be(4096), Buffer.alloc(6), Buffer.from('0ac442f0', 'hex'), Buffer.alloc(20)]),
  'audio/wav': (bytes) =>
    Buffer.concat([
      latin1('RIFF'), u32le(bytes - 8), latin1('WAVEfmt '), u32le(16), u16le(1), u16le(2),
      u32le(44_100), u32le(176_400), u16le(4), u16le(16), latin1('data'), u32le(bytes - 44),
    ]),
};
