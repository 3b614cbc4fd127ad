// The project's own pictures: one of every type and shape that the contract names, made in code, the same in every run.

import { avifSequence } from './avif.ts';
import { encodeBmp, ico, iconBitmap } from './bmp.ts';
import { latin1 } from './bytes.ts';
import { encodeAnimatedWebp, encodeAvif, encodeGif, encodeJpeg, encodeWebp } from './encoders.ts';
import { gif, gifScriptPolyglot } from './gif.ts';
import { padJpeg } from './jpeg.ts';
import { paint, paintNoise } from './pixels.ts';
import { blankPng, encodeApng, encodePng, encodePng16, pngChunk } from './png.ts';
import { logoSvg, scriptSvg, XML_PROLOG } from './svg.ts';
import { tiff } from './tiff.ts';

export interface TestPicture {
  readonly name: string;
  /** What sniffing must say; also what an honest origin claims. */
  readonly type: string;
  /** Upright, after EXIF orientation; 0 where the file is no picture. */
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  /** Plays of an animation, 0 = endless; undefined where the file says none. */
  readonly loop?: number;
  bytes(): Promise<Buffer>;
}

interface Row {
  readonly type: string;
  readonly size: readonly [number, number];
  readonly frames?: number;
  readonly loop?: number;
  make(): Buffer | Promise<Buffer>;
}

const apngFrames = (width: number, height: number, frames: number): Buffer =>
  encodeApng(Array.from({ length: frames }, (_, index) => paint(width, height, 4, index)));

/** Three frames of noise: more than 1 MiB, at most 512 px a side. */
const heavyApng = (): Buffer => encodeApng([1, 2, 3].map((seed) => paintNoise(400, 400, seed)));

const iconOf = (...pictures: readonly { readonly side: number; readonly bytes: Buffer }[]): Buffer =>
  ico(pictures.map(({ side }, picture) => ({ width: side, height: side, picture })), pictures.map(({ bytes }) => bytes));

const HTML = '<!DOCTYPE html><html><body><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg><script>alert(1)</script></body></html>';
const PNG_TAIL = latin1('<script>alert(2)</script>PK\x03\x04zip');

const ROWS = {
  'png-emoji': { type: 'image/png', size: [256, 256], make: () => encodePng(paint(256, 256, 4)) },
  'png-avatar': { type: 'image/png', size: [400, 400], make: () => encodePng(paint(400, 400, 3)) },
  'png-wide': { type: 'image/png', size: [600, 100], make: () => encodePng(paint(600, 100, 4)) },
  'png-16bit': { type: 'image/png', size: [64, 48], make: () => encodePng16(64, 48) },
  'png-flat': { type: 'image/png', size: [8, 8], make: () => blankPng({ width: 8, height: 8, colour: 2 }) },
  'png-html-tail': {
    type: 'image/png',
    size: [32, 32],
    make: () => Buffer.concat([encodePng(paint(32, 32, 3)), PNG_TAIL]),
  },
  'apng-small': { type: 'image/apng', size: [64, 64], frames: 3, loop: 0, make: () => apngFrames(64, 64, 3) },
  'apng-wide': { type: 'image/apng', size: [600, 40], frames: 2, loop: 0, make: () => apngFrames(600, 40, 2) },
  'apng-heavy': { type: 'image/apng', size: [400, 400], frames: 3, loop: 0, make: heavyApng },
  'jpeg-photo': { type: 'image/jpeg', size: [640, 480], make: () => encodeJpeg(640, 480) },
  'jpeg-progressive': { type: 'image/jpeg', size: [320, 240], make: () => encodeJpeg(320, 240, { progressive: true }) },
  'jpeg-orientation-6': { type: 'image/jpeg', size: [240, 320], make: () => encodeJpeg(320, 240, { orientation: 6 }) },
  'jpeg-cmyk': { type: 'image/jpeg', size: [160, 120], make: () => encodeJpeg(160, 120, { cmyk: true }) },
  'jpeg-late-frame': { type: 'image/jpeg', size: [320, 240], make: async () => padJpeg(await encodeJpeg(320, 240), 120_000) },
  'gif-loop-3': { type: 'image/gif', size: [96, 96], frames: 4, loop: 3, make: () => encodeGif({ width: 96, height: 96, frames: 4, loop: 3 }) },
  'gif-endless': { type: 'image/gif', size: [96, 96], frames: 3, loop: 0, make: () => encodeGif({ width: 96, height: 96, frames: 3, loop: 0 }) },
  'gif-no-loop': { type: 'image/gif', size: [16, 16], frames: 3, make: () => gif({ width: 16, height: 16, frames: 3, frameWidth: 16, frameHeight: 16 }) },
  // The comment mark is read as a screen of 10,799 pixels; decoders believe the frame instead.
  'gif-script': { type: 'image/gif', size: [1, 1], make: gifScriptPolyglot },
  'webp-still': { type: 'image/webp', size: [320, 240], make: () => encodeWebp(320, 240) },
  'webp-lossless': { type: 'image/webp', size: [128, 128], make: () => encodeWebp(128, 128, true) },
  'webp-animated': { type: 'image/webp', size: [96, 96], frames: 5, loop: 2, make: () => encodeAnimatedWebp({ width: 96, height: 96, frames: 5, loop: 2 }) },
  'avif-still': { type: 'image/avif', size: [160, 120], make: () => encodeAvif(160, 120) },
  // sharp writes no animated AVIF: this one is assembled, see avifSequence().
  'avif-animated': {
    type: 'image/avif',
    size: [96, 96],
    frames: 3,
    make: async () => avifSequence(await encodeAvif(96, 96), { width: 96, height: 96, frames: 3 }),
  },
  bmp: { type: 'image/bmp', size: [61, 40], make: () => encodeBmp(paint(61, 40, 3)) },
  'ico-png': { type: 'image/x-icon', size: [64, 64], make: () => iconOf({ side: 16, bytes: encodePng(paint(16, 16, 4)) }, { side: 64, bytes: encodePng(paint(64, 64, 4)) }) },
  'ico-bmp': { type: 'image/x-icon', size: [32, 32], make: () => iconOf({ side: 32, bytes: iconBitmap(paint(32, 32, 4)) }) },
  svg: { type: 'image/svg+xml', size: [64, 64], make: () => latin1(logoSvg()) },
  'svg-prolog': { type: 'image/svg+xml', size: [64, 64], make: () => latin1(`${XML_PROLOG}\n<!-- drawn by hand -->\n${logoSvg()}`) },
  'svg-script': { type: 'image/svg+xml', size: [64, 64], make: () => latin1(scriptSvg()) },
  tiff: { type: 'image/tiff', size: [32, 24], make: () => tiff({ width: 32, height: 24 }) },
  text: { type: 'text/plain', size: [0, 0], frames: 0, make: () => latin1('Hello, this is only a text.\n') },
  html: { type: 'text/html', size: [0, 0], frames: 0, make: () => latin1(HTML) },
  empty: { type: 'application/octet-stream', size: [0, 0], frames: 0, make: () => Buffer.alloc(0) },
  'png-text-chunk': {
    type: 'image/png',
    size: [16, 16],
    make: () => blankPng({ width: 16, height: 16, colour: 2 }, pngChunk('tEXt', latin1('Comment\0<script>alert(1)</script>'))),
  },
} as const satisfies Record<string, Row>;

export type PictureName = keyof typeof ROWS;

const made = new Map<string, Promise<Buffer>>();

/** The bytes of a picture, made once per process. Do not write into them. */
export function makePicture(name: PictureName): Promise<Buffer> {
  const row: Row = ROWS[name];
  const known = made.get(name);
  const bytes = known ?? Promise.resolve(row.make());
  if (known === undefined) made.set(name, bytes);
  return bytes;
}

const toPicture = (name: PictureName): TestPicture => {
  const row: Row = ROWS[name];
  const [width, height] = row.size;
  const loop = row.loop === undefined ? {} : { loop: row.loop };
  return { name, type: row.type, width, height, frames: row.frames ?? 1, ...loop, bytes: () => makePicture(name) };
};

export const PICTURE_NAMES = Object.keys(ROWS) as readonly PictureName[];
export const PICTURES = Object.fromEntries(PICTURE_NAMES.map((name) => [name, toPicture(name)])) as Readonly<Record<PictureName, TestPicture>>;
