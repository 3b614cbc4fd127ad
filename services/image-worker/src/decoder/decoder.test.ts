import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import { FRAME_BODY_IN_BYTES_MAX, LIMITS, MEDIA_MODES } from '@sekisho/contracts';
import { bmp, dibHeader, encodeBmp, encodePng, ico, iconBitmap, paint } from '@sekisho/testkit';
import fc from 'fast-check';

const require = createRequire(import.meta.url);
interface Raster { readonly width: number; readonly height: number; readonly data: Buffer }
const limits = require('./limits.cjs') as Record<string, number>;
const { MODES } = require('./modes.cjs') as { readonly MODES: Record<string, object> };
const { readBmp } = require('./bmp.cjs') as { readBmp(bytes: Buffer): Raster };
const { readIcon } = require('./icon.cjs') as { readIcon(bytes: Buffer): { readonly png?: Buffer; readonly raster?: Raster } };
const { sniff } = require('./sniff.cjs') as { sniff(bytes: Buffer): string | undefined };
const { reasonOf } = require('./refusal.cjs') as { reasonOf(error: unknown, fallback?: string): string };

const reasonOfCall = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    return reasonOf(error, `unexpected ${String(error)}`);
  }
  return 'none';
};

describe('limits.cjs', () => {
  it.each(['framePixelsMax', 'totalPixelsMax', 'framesMax', 'resultBytesMax', 'svgBytesMax', 'svgSideMax'] as const)('%s is that of the contracts', (name) => {
    expect(limits[name]).toBe(LIMITS[name]);
  });
  it('takes as long a source as the pipe carries', () => {
    expect(limits['jobBytesMax']).toBe(FRAME_BODY_IN_BYTES_MAX);
  });
});

describe('modes.cjs', () => {
  it('knows the modes of the contracts', () => {
    expect(Object.keys(MODES).toSorted()).toEqual([...MEDIA_MODES].toSorted());
  });
});

/** RGBA of a picture with three bands. */
const opaque = ({ width, height, data }: Raster): Buffer =>
  Buffer.concat(Array.from({ length: width * height }, (_, i) => Buffer.concat([data.subarray(i * 3, i * 3 + 3), Buffer.from([255])])));

/** Header of a bitmap with any compression and palette. */
function indexed(head: { readonly width: number; readonly height: number; readonly depth: number; readonly compression?: number }, pixels: readonly number[]): Buffer {
  const dib = dibHeader(head);
  dib.writeUInt32LE(head.compression ?? 0, 16);
  const colours = Buffer.from(Array.from({ length: 2 ** head.depth }, (_, i) => [i, 0, 255 - i, 0]).flat());
  const offset = 14 + dib.length + colours.length;
  const file = Buffer.alloc(14);
  file.write('BM');
  file.writeUInt32LE(offset, 10);
  return Buffer.concat([file, dib, colours, Buffer.from(pixels)]);
}
/** Palette indices of the picture, row by row. */
const indices = ({ data }: Raster): number[] => Array.from({ length: data.length / 4 }, (_, i) => data[i * 4 + 2] ?? -1);

describe('readBmp()', () => {
  it('reads 24 bit pixels', () => {
    const picture = paint(7, 5, 3);
    expect(readBmp(encodeBmp(picture))).toEqual({ width: 7, height: 5, data: opaque(picture) });
  });

  it('reads rows from the top when the height is negative', () => {
    const row = (value: number): number[] => [value, value, value, 0];
    const top = readBmp(bmp({ width: 1, height: -2 }, Buffer.from([...row(1), ...row(2)])));
    const bottom = readBmp(bmp({ width: 1, height: 2 }, Buffer.from([...row(1), ...row(2)])));
    expect([top.data[0], top.data[4], bottom.data[0], bottom.data[4]]).toEqual([1, 2, 2, 1]);
  });

  it.each<[string, Buffer, number[]]>([
    ['1 bit', indexed({ width: 3, height: 1, depth: 1 }, [0b1010_0000, 0, 0, 0]), [1, 0, 1]],
    ['4 bit', indexed({ width: 3, height: 1, depth: 4 }, [0x1f, 0x20, 0, 0]), [1, 15, 2]],
    ['8 bit', indexed({ width: 3, height: 1, depth: 8 }, [9, 8, 7, 0]), [9, 8, 7]],
    ['RLE8: run, literal, end of line, end', indexed({ width: 4, height: 2, depth: 8, compression: 1 }, [4, 5, 0, 0, 0, 3, 1, 2, 3, 0, 0, 1]), [1, 2, 3, 0, 5, 5, 5, 5]],
    ['RLE8: jump', indexed({ width: 3, height: 2, depth: 8, compression: 1 }, [0, 2, 1, 1, 1, 9, 0, 1]), [0, 9, 0, 0, 0, 0]],
    ['RLE4', indexed({ width: 4, height: 1, depth: 4, compression: 2 }, [4, 0x12, 0, 1]), [1, 2, 1, 2]],
    ['RLE8 that runs out of the picture', indexed({ width: 2, height: 1, depth: 8, compression: 1 }, [255, 5, 255, 6, 0, 1]), [5, 5]],
  ])('reads %s', (_name, file, expected) => {
    expect(indices(readBmp(file))).toEqual(expected);
  });

  it('passes over runs that leave the picture, however many', () => {
    // Work is counted in reads of the palette, not in time.
    const runs = Array.from({ length: 10_000 }, () => [255, 5]).flat();
    const file = indexed({ width: 2, height: 2, depth: 8, compression: 1 }, [...runs, 0, 0, 1, 3, 0, 1]);
    const { readHeader, readPixels } = require('./dib.cjs') as {
      readHeader(bytes: Buffer, at: number, options: object): { palette: Uint32Array };
      readPixels(bytes: Buffer, header: object): Uint32Array;
    };
    const header = readHeader(file, 14, { pixelsAt: file.readUInt32LE(10) });
    let reads = 0;
    const palette = new Proxy(header.palette, { get: (target, key) => { reads += 1; return Reflect.get(target, key) as unknown; } });
    const pixels = readPixels(file, { ...header, palette });
    expect([...pixels].map((pixel) => (pixel >>> 16) & 0xff)).toEqual([3, 0, 5, 5]);
    expect(reads).toBeLessThanOrEqual(8);
  });

  it('reads 16 bit fields', () => {
    const picture = readBmp(bmp({ width: 2, height: 1, depth: 16 }, Buffer.from([0x00, 0x7c, 0x1f, 0x00])));
    expect([...picture.data]).toEqual([255, 0, 0, 255, 0, 0, 255, 255]);
  });

  it.each<[string, Buffer, string]>([
    ['too many pixels', bmp({ width: 4_001, height: 4_000 }, Buffer.alloc(64)), 'header'],
    ['the largest size without its pixels', bmp({ width: 4_000, height: 4_000 }, Buffer.alloc(64)), 'decode'],
    ['a width of 2^31 - 1', bmp({ width: 0x7fff_ffff, height: 1 }, Buffer.alloc(64)), 'header'],
    ['a height of -2^31', bmp({ width: 1, height: -0x8000_0000 }, Buffer.alloc(64)), 'header'],
    ['no width', bmp({ width: 0, height: 1 }, Buffer.alloc(64)), 'header'],
    ['40 bits per pixel', bmp({ width: 1, height: 1, depth: 40 }, Buffer.alloc(64)), 'header'],
    ['missing pixels', encodeBmp(paint(7, 5, 3)).subarray(0, 100), 'decode'],
    ['nothing behind the magic', Buffer.from('BM'), 'header'],
    ['a header size of 2^32 - 1', Buffer.concat([Buffer.alloc(14), Buffer.alloc(64, 0xff)]), 'header'],
  ])('refuses %s', (_name, file, reason) => {
    expect(reasonOfCall(() => readBmp(file))).toBe(reason);
  });

  it('ends as picture or refusal for every change of a file, in bounded memory', () => {
    const good = encodeBmp(paint(9, 9, 3));
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 })), { maxLength: 8 }), fc.nat({ max: good.length }), (changes, length) => {
      const bytes = Buffer.from(good);
      for (const [at, value] of changes) bytes[at] = value;
      expect(['none', 'header', 'decode']).toContain(reasonOfCall(() => readBmp(bytes.subarray(0, length))));
    }));
  });
});

describe('readIcon()', () => {
  const small = iconBitmap(paint(8, 8, 4));
  const png = encodePng(paint(64, 64, 4));
  const icon = ico([{ width: 8, height: 8, picture: 0 }, { width: 64, height: 64, picture: 1 }], [small, png]);

  it('takes the largest picture', () => {
    expect(readIcon(icon).png?.equals(png)).toBe(true);
  });

  it('reads a bitmap with alpha', () => {
    const picture = paint(8, 8, 4);
    expect(readIcon(ico([{ width: 8, height: 8, picture: 0 }], [small])).raster).toEqual({ width: 8, height: 8, data: Buffer.from(picture.data) });
  });

  it('takes the mask where all alpha is zero', () => {
    const bytes = iconBitmap({ width: 8, height: 1, channels: 4, data: Buffer.alloc(32) });
    bytes[bytes.length - 4] = 0b1000_0001;
    const raster = readIcon(ico([{ width: 8, height: 1, picture: 0 }], [bytes])).raster;
    expect(Array.from({ length: 8 }, (_, i) => raster?.data[i * 4 + 3])).toEqual([0, 255, 255, 255, 255, 255, 255, 0]);
  });

  it('ends as picture or refusal for every change of a file', () => {
    const good = ico([{ width: 8, height: 8, picture: 0 }], [small]);
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat({ max: 80 }), fc.nat({ max: 255 })), { maxLength: 6 }), (changes) => {
      const bytes = Buffer.from(good);
      for (const [at, value] of changes) bytes[at] = value;
      expect(['none', 'header', 'decode']).toContain(reasonOfCall(() => readIcon(bytes)));
    }));
  });
});

describe('sniff()', () => {
  it('knows nothing that is too short or foreign', () => {
    expect(sniff(Buffer.alloc(0))).toBeUndefined();
    expect(sniff(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg">'))).toBeUndefined();
    expect(sniff(Buffer.from('%PDF-1.7 and so on'))).toBeUndefined();
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      sniff(Buffer.from(bytes));
    }));
  });
});

describe('reasonOf()', () => {
  it.each([
    ['Input image exceeds pixel limit', 'header'],
    ['vips_image_write: out of memory', 'memory'],
    ['VipsJpeg: premature end of JPEG image', 'decode'],
  ])('calls %j %s', (message, reason) => {
    expect(reasonOf(new Error(message))).toBe(reason);
  });
});
