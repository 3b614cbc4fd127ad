// Files that end too early, are two things at once, or nothing at all.

import { bmp } from './bmp.ts';
import { type BombRow, cut } from './bomb-row.ts';
import { latin1 } from './bytes.ts';
import { encodeAvif, encodeJpeg, encodeWebp } from './encoders.ts';
import { gif, gifScriptPolyglot } from './gif.ts';
import { paint } from './pixels.ts';
import { blankPng, encodePng, pngChunk } from './png.ts';
import { logoSvg } from './svg.ts';
import { tiff } from './tiff.ts';

const HTML = '<!DOCTYPE html><script>alert(1)</script>';
/** A page behind the picture, and an archive behind that. */
const TAIL = latin1('<script>alert(2)</script>PK\x03\x04zip');

export const BROKEN = {
  'png-cut': { type: 'image/png', expected: 'any', why: 'cut in the middle', make: () => cut(encodePng(paint(64, 64, 3)), 0.5) },
  'jpeg-cut': { type: 'image/jpeg', expected: 'any', why: 'cut in the middle', make: async () => cut(await encodeJpeg(64, 48), 0.7) },
  'webp-cut': { type: 'image/webp', expected: 'any', why: 'cut in the middle', make: async () => cut(await encodeWebp(64, 64), 0.5) },
  'avif-cut': { type: 'image/avif', expected: 'reject', why: 'cut in the middle', make: async () => cut(await encodeAvif(64, 64), 0.6) },
  'gif-cut': { type: 'image/gif', expected: 'any', why: 'cut in the middle', make: () => cut(gif({ width: 8, height: 8, frames: 9, loop: 0 }), 0.5) },
  'bmp-cut': { type: 'image/bmp', expected: 'any', why: 'cut in the middle', make: () => cut(bmp({ width: 64, height: 64 }, Buffer.alloc(64 * 64 * 3)), 0.5) },
  'tiff-cut': { type: 'image/tiff', expected: 'reject', why: 'cut in the middle', make: () => cut(tiff({ width: 64, height: 64 }), 0.5) },
  'svg-cut': { type: 'image/svg+xml', expected: 'any', why: 'cut in the middle', make: () => cut(latin1(logoSvg()), 0.8) },
  'gif-script': { type: 'image/gif', expected: 'any', why: 'a script when read as one', make: gifScriptPolyglot },
  'png-html': { type: 'image/png', expected: 'any', why: 'a page inside and behind the picture', make: () => Buffer.concat([blankPng({ width: 8, height: 8, colour: 2 }, pngChunk('tEXt', latin1(`Comment\0${HTML}`))), TAIL]) },
  'svg-in-png': { type: 'image/png', expected: 'any', why: 'a PNG with an SVG behind it', make: () => Buffer.concat([encodePng(paint(16, 16, 3)), latin1(logoSvg())]) },
  'pdf-png': { type: 'application/pdf', expected: 'reject', byHeader: true, why: 'a PDF with a PNG behind it', make: () => Buffer.concat([latin1('%PDF-1.7\n'), encodePng(paint(16, 16, 3))]) },
  'ps-magic': { type: 'application/postscript', expected: 'reject', byHeader: true, why: 'what other libraries hand to an interpreter', make: () => latin1('%!PS\n(/etc/passwd) (r) file\n') },
  empty: { type: 'application/octet-stream', expected: 'reject', byHeader: true, why: 'nothing', make: () => Buffer.alloc(0) },
  'one-byte': { type: 'application/octet-stream', expected: 'reject', byHeader: true, why: 'one byte', make: () => Buffer.from([0x89]) },
  'text-only': { type: 'text/plain', expected: 'reject', byHeader: true, why: 'a text', make: () => latin1('hello world, this is a text') },
  'zeros-1m': { type: 'application/octet-stream', expected: 'reject', byHeader: true, why: 'a MiB of zeros', make: () => Buffer.alloc(1024 * 1024) },
} as const satisfies Record<string, BombRow>;
