// What a decoder lets libvips do: every loader and saver of the installed library is tried in a process that is confined
// as a decoder is, and in one that is not, which shows that the attempt itself is sound.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { encodeAvif, encodeGif, encodeJpeg, encodePng, encodeWebp, logoSvg, paint, tiff } from '@sekisho/testkit';
import sharp from 'sharp';

const require = createRequire(import.meta.url);
const { LOADERS, SAVERS } = require('./operations.cjs') as { readonly LOADERS: Readonly<Record<string, readonly string[]>>; readonly SAVERS: readonly string[] };
const folder = mkdtempSync(join(tmpdir(), 'sekisho-operations-'));
afterAll(() => rmSync(folder, { recursive: true }));

const CONFINED = ['raster', 'svg', 'none'] as const;
type Confined = (typeof CONFINED)[number];
/** Name of an attempt to whether it went well. */
type Answers = Readonly<Record<string, boolean>>;

/** By bytes and from a file. */
const FILES: Readonly<Record<string, () => Buffer | Promise<Buffer>>> = {
  png: () => encodePng(paint(16, 16, 3)), jpeg: () => encodeJpeg(16, 16), gif: () => encodeGif({ width: 16, height: 16, frames: 2, loop: 0 }),
  webp: () => encodeWebp(16, 16), avif: () => encodeAvif(16, 16), svg: () => Buffer.from(logoSvg()), tiff: () => tiff({ width: 16, height: 16 }),
  tiffDeflate: () => sharp({ create: { width: 16, height: 16, channels: 3, background: '#369' } }).tiff({ compression: 'deflate' }).toBuffer(),
  tiffJpeg: () => sharp({ create: { width: 16, height: 16, channels: 3, background: '#369' } }).tiff({ compression: 'jpeg' }).toBuffer(),
  tiffPyramid: () => sharp({ create: { width: 64, height: 64, channels: 3, background: '#369' } }).tiff({ pyramid: true, tile: true }).toBuffer(),
};
const ENDINGS: Readonly<Record<string, string>> = { tiffDeflate: 'tif', tiffJpeg: 'tif', tiffPyramid: 'tif' };
/** Nothing that sharp can reach reads these today. Were that to change, they would be blocked all the same. */
const FOREIGN: Readonly<Record<string, Buffer>> = {
  csv: Buffer.from('1,2\n3,4\n'), mat: Buffer.from('2 2\n1 2\n3 4\n'),
  pdf: Buffer.from('%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n'),
  ps: Buffer.from('%!PS-Adobe-3.0 EPSF-3.0\nshowpage\n'), ppm: Buffer.from('P6 1 1 255\nabc'), pfm: Buffer.from('PF\n1 1\n-1.0\n            '),
  fits: Buffer.from(`SIMPLE  =                    T${' '.repeat(50)}END`.padEnd(2_880)), rad: Buffer.from('#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 1\nabcd'),
  jxl: Buffer.from('ff0a0000000000000000000000000000', 'hex'), jp2: Buffer.from('0000000c6a5020200d0a870a00000014667479706a703220000000006a703220', 'hex'),
  j2k: Buffer.from('ff4fff51002f000000000001', 'hex'), heic: Buffer.from('000000186674797068656963000000006d69663168656963', 'hex'),
  dicom: Buffer.concat([Buffer.alloc(128), Buffer.from('DICM')]), exr: Buffer.from('762f310102000000', 'hex'), nifti: Buffer.concat([Buffer.from('5c010000', 'hex'), Buffer.alloc(340), Buffer.from('n+1\0')]),
  psd: Buffer.from('8BPS\0\x01\0\0\0\0\0\0\0\x03\0\0\0\x01\0\0\0\x01\0\x08\0\x03', 'latin1'), xcf: Buffer.from('gimp xcf v011\0'), matlab: Buffer.from('MATLAB 5.0 MAT-file'.padEnd(128)),
};
const SAVES = ['png', 'webp', 'jpeg', 'gif', 'tiff', 'avif', 'raw'] as const;
const SAVE_FILES = ['png', 'webp', 'jpg', 'gif', 'tif', 'avif', 'v', 'dzi', 'zip', 'szi'] as const;

const PROBE = `'use strict';
const [, , confined, folder, decoder] = process.argv;
const fs = require('node:fs');
const path = require('node:path');
const sharp = require(require.resolve('sharp', { paths: [decoder] }));
if (confined !== 'none') require(path.join(decoder, 'operations.cjs')).confine(sharp, confined);
const answers = {};
const attempt = async (name, act) => { try { await act(); answers[name] = true; } catch { answers[name] = false; } };
const made = () => sharp(Buffer.alloc(16 * 16 * 3, 0x80), { raw: { width: 16, height: 16, channels: 3 } });
(async () => {
  for (const name of fs.readdirSync(path.join(folder, 'in'))) {
    const file = path.join(folder, 'in', name);
    await attempt('bytes ' + name, () => sharp(fs.readFileSync(file)).stats());
    await attempt('file ' + name, () => sharp(file).stats());
  }
  for (const format of ${JSON.stringify(SAVES)}) await attempt('save ' + format, () => made().toFormat(format).toBuffer());
  for (const ending of ${JSON.stringify(SAVE_FILES)}) await attempt('save file ' + ending, () => made().toFile(path.join(folder, confined, 'out.' + ending)));
  process.stdout.write(JSON.stringify(answers));
})();
`;

const answers = new Map<Confined, Answers>();
const answerOf = (confined: Confined, name: string): boolean | undefined => answers.get(confined)?.[name];

beforeAll(async () => {
  mkdirSync(join(folder, 'in'));
  for (const [name, make] of Object.entries(FILES)) writeFileSync(join(folder, 'in', `${name}.${ENDINGS[name] ?? name}`), await make());
  for (const [name, bytes] of Object.entries(FOREIGN)) writeFileSync(join(folder, 'in', `foreign.${name}`), bytes);
  await sharp({ create: { width: 16, height: 16, channels: 3, background: '#369' } }).toFile(join(folder, 'in', 'vips.v'));
  writeFileSync(join(folder, 'probe.cjs'), PROBE);
  for (const confined of CONFINED) {
    mkdirSync(join(folder, confined));
    answers.set(confined, JSON.parse(execFileSync(process.execPath, [join(folder, 'probe.cjs'), confined, folder, import.meta.dirname], { encoding: 'utf8', timeout: 60_000 })) as Answers);
  }
}, 120_000);

const inputs = [...Object.keys(FILES).map((name) => `${name}.${ENDINGS[name] ?? name}`), 'vips.v'];
const READS: Readonly<Record<'raster' | 'svg', readonly string[]>> = {
  raster: ['png.png', 'jpeg.jpeg', 'gif.gif', 'webp.webp', 'avif.avif'],
  svg: ['svg.svg'],
};
/** Read from files alone. */
const NO_BYTES = 'vips.v';

describe.each(['raster', 'svg'] as const)('a decoder for %s', (own) => {
  it.each(inputs)('reads %s only if it is one of its own, and only from memory', (name) => {
    expect(answerOf(own, `bytes ${name}`)).toBe(READS[own].includes(name));
    expect(answerOf(own, `file ${name}`)).toBe(false);
    // The control: without confinement all of them can be read.
    expect([answerOf('none', `bytes ${name}`), answerOf('none', `file ${name}`)]).toEqual([name !== NO_BYTES, true]);
  });

  it.each(Object.keys(FOREIGN))('does not read %s', (name) => {
    expect([answerOf(own, `bytes foreign.${name}`), answerOf(own, `file foreign.${name}`)]).toEqual([false, false]);
  });

  it.each(SAVES)('writes %s to memory only for a result', (format) => {
    // Raw pixels are no encoder: they are the copy of a picture to JavaScript.
    expect(answerOf(own, `save ${format}`)).toBe(['png', 'webp', 'raw'].includes(format));
    expect(answerOf('none', `save ${format}`)).toBe(true);
  });

  it.each(SAVE_FILES)('writes no file of %s', (ending) => {
    expect(answerOf(own, `save file ${ending}`)).toBe(false);
    expect(answerOf('none', `save file ${ending}`)).toBe(true);
  });

  it('leaves no file', () => {
    expect(readdirSync(join(folder, own))).toEqual([]);
  });
});

describe('the installed library', () => {
  /** Families of loaders and savers that it was looked through for. */
  const KNOWN = {
    Load: ['Csv', 'Heif', 'Jp2k', 'Jpeg', 'Matrix', 'Nsgif', 'Openslide', 'Pdf', 'Png', 'Raw', 'Svg', 'Tiff', 'Uhdr', 'Vips', 'Webp'],
    Save: ['AvifTarget', 'Cgif', 'Csv', 'Dz', 'Heif', 'Jpeg', 'Matrix', 'Png', 'Raw', 'Tiff', 'Uhdr', 'Vips', 'Webp'],
  } as const;
  const native = dirname(require.resolve(`@img/sharp-libvips-linux-${process.arch}/lib`));
  const library = readFileSync(join(native, readdirSync(native).find((name) => name.startsWith('libvips-cpp.so')) ?? ''), 'latin1');
  const names = (kind: 'Load' | 'Save'): string[] => [...new Set([...library.matchAll(new RegExp(`(?<=\\0)VipsForeign${kind}[A-Z][A-Za-z0-9]*(?=\\0)`, 'g'))].map(([name]) => name))];
  const familyOf = (name: string): string => name.replace(/^VipsForeign(Load|Save)/, '').replace(/(Buffer|File|Source|Mime|(?<!Avif)Target)$/, '');

  it.each(['Load', 'Save'] as const)('has no kind of %s that nobody has looked at', (kind) => {
    expect([...new Set(names(kind).map(familyOf))].toSorted()).toEqual(KNOWN[kind]);
  });

  it('has each operation that is unblocked', () => {
    const all = [...names('Load'), ...names('Save')];
    for (const name of [...Object.values(LOADERS).flat(), ...SAVERS]) expect(all).toContain(name);
  });
});
