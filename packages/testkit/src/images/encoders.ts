// sharp, for the formats nobody writes by hand. Loaded when first needed: most tests never touch a native library.

import type { Sharp } from 'sharp';
import { paint, paintFrames, type Raster } from './pixels.ts';

async function open(raster: Raster, pageHeight?: number): Promise<Sharp> {
  const { default: sharp } = await import('sharp');
  const { width, height, channels } = raster;
  return sharp(raster.data, { raw: { width, height, channels, ...(pageHeight === undefined ? {} : { pageHeight }) } });
}

export interface JpegOptions {
  /** EXIF orientation 1 to 8. */
  readonly orientation?: number;
  readonly cmyk?: boolean;
  readonly progressive?: boolean;
}

export async function encodeJpeg(width: number, height: number, options: JpegOptions = {}): Promise<Buffer> {
  let image = (await open(paint(width, height, 3))).jpeg({ quality: 80, progressive: options.progressive ?? false });
  if (options.orientation !== undefined) image = image.withMetadata({ orientation: options.orientation });
  if (options.cmyk === true) image = image.toColourspace('cmyk');
  return image.toBuffer();
}

export const encodeWebp = async (width: number, height: number, lossless = false): Promise<Buffer> =>
  (await open(paint(width, height, 4))).webp({ quality: 80, lossless, effort: 0 }).toBuffer();

/** One colour, lossless: a picture chunk of a few bytes. */
export const encodeFlatWebp = async (width: number, height: number): Promise<Buffer> =>
  (await open({ width, height, channels: 4, data: Buffer.alloc(width * height * 4, 0x80) })).webp({ lossless: true, effort: 0 }).toBuffer();

/** A large picture of one colour: next to no bytes, all the memory. */
export async function encodeFlat(format: 'webp' | 'avif', side: number): Promise<Buffer> {
  const { default: sharp } = await import('sharp');
  const image = sharp({ create: { width: side, height: side, channels: 3, background: '#808080' }, limitInputPixels: false });
  return await (format === 'webp' ? image.webp({ lossless: true, effort: 0 }) : image.avif({ quality: 1, effort: 0 })).toBuffer();
}

export const encodeAvif = async (width: number, height: number): Promise<Buffer> =>
  (await open(paint(width, height, 4))).avif({ quality: 50, effort: 0 }).toBuffer();

export interface AnimationShape {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly loop: number;
}

const animation = async ({ width, height, frames }: AnimationShape): Promise<Sharp> =>
  open(paintFrames(width, height, frames), height);

export const encodeGif = async (shape: AnimationShape): Promise<Buffer> =>
  (await animation(shape)).gif({ loop: shape.loop, delay: delays(shape), effort: 1 }).toBuffer();

export const encodeAnimatedWebp = async (shape: AnimationShape): Promise<Buffer> =>
  (await animation(shape)).webp({ loop: shape.loop, delay: delays(shape), effort: 0, quality: 70 }).toBuffer();

const delays = ({ frames }: AnimationShape): number[] => Array.from({ length: frames }, () => 100);
