import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import { LIMITS } from '@sekisho/contracts';
import { encodeBmp, ico, iconBitmap, paint } from '@sekisho/testkit';
import fc from 'fast-check';

interface Raster {
  readonly width: number;
  readonly height: number;
  readonly data: Buffer;
}
const load = createRequire(import.meta.url);
const { readBmp } = load('./bmp.cjs') as { readBmp: (bytes: Buffer) => Raster };
const { readIcon } = load('./icon.cjs') as { readIcon: (bytes: Buffer) => { readonly png?: Buffer; readonly raster?: Raster } };

const bmpFile = encodeBmp(paint(13, 7, 3));
const iconFile = ico([{ width: 16, height: 16, picture: 0 }], [iconBitmap(paint(16, 16, 4))]);

/** A refusal of the closed set, or a raster whose bytes are exactly those of its size. */
function holds(read: () => Raster | undefined): boolean {
  let raster: Raster | undefined;
  try {
    raster = read();
  } catch (error) {
    // Reading past the end is a RangeError of Buffer; the child maps any error to a refusal.
    return error instanceof Error || (typeof error === 'object' && error !== null && 'message' in error);
  }
  if (raster === undefined) return true;
  const { width, height, data } = raster;
  return width > 0 && height > 0 && width * height <= LIMITS.framePixelsMax && data.length === width * height * 4;
}

const changed = (file: Buffer) =>
  fc.array(fc.tuple(fc.nat(Math.min(file.length - 1, 80)), fc.nat(255)), { minLength: 1, maxLength: 8 }).map((changes) => {
    const bytes = Buffer.from(file);
    for (const [at, value] of changes) bytes[at] = value;
    return bytes;
  });

describe('readBmp() and readIcon()', () => {
  it('read what they are made for', () => {
    expect(readBmp(bmpFile)).toMatchObject({ width: 13, height: 7 });
    expect(readIcon(iconFile).raster).toMatchObject({ width: 16, height: 16 });
  });

  it('survive every truncation', () => {
    for (let length = 0; length < bmpFile.length; length += 1) expect(holds(() => readBmp(bmpFile.subarray(0, length)))).toBe(true);
    for (let length = 0; length < iconFile.length; length += 1) expect(holds(() => readIcon(iconFile.subarray(0, length)).raster)).toBe(true);
  });

  it('never give a raster of another length than its size says, whatever the header claims', () => {
    fc.assert(fc.property(changed(bmpFile), (bytes) => holds(() => readBmp(bytes))), { numRuns: 2_000 });
    fc.assert(fc.property(changed(iconFile), (bytes) => holds(() => readIcon(bytes).raster)), { numRuns: 2_000 });
  });

  it('hold no more memory than the limits, for a header of 65,535 squared', () => {
    const bytes = Buffer.from(bmpFile);
    bytes.writeInt32LE(65_535, 18);
    bytes.writeInt32LE(65_535, 22);
    const before = process.memoryUsage().arrayBuffers;
    expect(() => readBmp(bytes)).toThrow();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  });
});
