// AVIF files changed after encoding, and a sequence assembled from a still.

import { latin1, u16be, u32be } from './bytes.ts';

export function box(name: string, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([u32be(content.length + 8), latin1(name), content]);
}

/** A box with version and flags. */
export const fullBox = (name: string, version: number, ...parts: readonly Uint8Array[]): Buffer =>
  box(name, u32be(version << 24), ...parts);

/** The same file with other sides in all its `ispe` properties. */
export function forgeAvifSize(file: Buffer, width: number, height: number): Buffer {
  const forged = Buffer.from(file);
  let at = forged.indexOf('ispe');
  if (at < 0) throw new RangeError('the file has no ispe');
  for (; at >= 0; at = forged.indexOf('ispe', at + 4)) {
    forged.writeUInt32BE(width, at + 8);
    forged.writeUInt32BE(height, at + 12);
  }
  return forged;
}

export interface SequenceShape {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
}

/**
 * An animated AVIF: the still under the brand `avis`, and a movie box whose samples are all the still's own coded
 * picture. Enough for header readers and for decoders that look at the primary item; players may refuse it.
 */
export function avifSequence(still: Buffer, shape: SequenceShape): Buffer {
  const mdat = still.indexOf('mdat');
  if (mdat < 0) throw new RangeError('the file has no mdat');
  // Item offsets count from the start of the file: the brands keep their length.
  const brandsBytes = still.readUInt32BE(0);
  const names = Array.from({ length: brandsBytes / 4 - 4 }, (_, index) => latin1(SEQUENCE_BRANDS[index] ?? 'avis'));
  const brands = box('ftyp', latin1('avis'), u32be(0), ...names);
  const sampleBytes = still.readUInt32BE(mdat - 4) - 8;
  return Buffer.concat([brands, still.subarray(brandsBytes), movie(shape, { offset: mdat + 4, bytes: sampleBytes })]);
}

const SEQUENCE_BRANDS: readonly string[] = ['avis', 'avif', 'msf1', 'miaf', 'mif1', 'MA1B'];

interface Sample {
  readonly offset: number;
  readonly bytes: number;
}

const IDENTITY = Buffer.concat([0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000].map(u32be));
const TIMESCALE = 10;

function movie(shape: SequenceShape, sample: Sample): Buffer {
  const times = Buffer.concat([u32be(0), u32be(0)]);
  const head = fullBox('mvhd', 0, times, u32be(TIMESCALE), u32be(shape.frames), u32be(0x1_0000), u16be(0x100), Buffer.alloc(10), IDENTITY, Buffer.alloc(24), u32be(2));
  const trackHead = fullBox('tkhd', 0, times, u32be(1), u32be(0), u32be(shape.frames), Buffer.alloc(16), IDENTITY, u32be(shape.width * 0x1_0000), u32be(shape.height * 0x1_0000));
  const mediaHead = fullBox('mdhd', 0, times, u32be(TIMESCALE), u32be(shape.frames), u32be(0));
  const handler = fullBox('hdlr', 0, u32be(0), latin1('pict'), Buffer.alloc(13));
  const information = box('minf', fullBox('vmhd', 0, Buffer.alloc(8)), sampleTable(shape, sample));
  return box('moov', head, box('trak', trackHead, box('mdia', mediaHead, handler, information)));
}

function sampleTable(shape: SequenceShape, sample: Sample): Buffer {
  const entry = box('av01', Buffer.alloc(6), u16be(1), Buffer.alloc(16), u16be(shape.width), u16be(shape.height), Buffer.alloc(50), box('av1C', Buffer.from([0x81, 0, 0x0c, 0])));
  return box(
    'stbl',
    fullBox('stsd', 0, u32be(1), entry),
    fullBox('stts', 0, u32be(1), u32be(shape.frames), u32be(1)),
    fullBox('stsc', 0, u32be(1), u32be(1), u32be(1), u32be(1)),
    fullBox('stsz', 0, u32be(sample.bytes), u32be(shape.frames)),
    fullBox('stco', 0, u32be(shape.frames), ...Array.from({ length: shape.frames }, () => u32be(sample.offset))),
  );
}
