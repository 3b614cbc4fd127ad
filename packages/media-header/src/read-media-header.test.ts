import { describe, expect, it } from '@jest/globals';
import {
  acTL, blankPng, bmp, type BombName, box, encodeApng, encodePng, fcTL, forgeJpegSize, fullBox, gif, ico, iconBitmap, jpegSegment,
  makeBomb, padJpeg, paint, png, PNG_SIGNATURE, pngChunk, riffChunk, svg, tiff, webp,
} from '@sekisho/testkit';
import { LIMITS } from '@sekisho/contracts';
import { checkHeaderLimits, HEADER_BYTES_MAX, type MediaHeader, pricedPixels, readMediaHeader } from './index.ts';
import type { PictureHeader } from './media-header.ts';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const picture = (type: string, width: number, height: number, ...frames: readonly [number?, boolean?]): object => {
  const [framesAtLeast = 1, animated = framesAtLeast > 1] = frames;
  return { kind: 'picture', type, width, height, framesAtLeast, animated };
};
const kindOf = (header: MediaHeader): string => header.kind;

const sof = (marker: number, width: number, height: number): Buffer =>
  jpegSegment(marker, Buffer.from([8, height >> 8, height & 255, width >> 8, width & 255, 1, 1, 0x11, 0]));
const jpeg = (...segments: readonly Buffer[]): Buffer => Buffer.concat([latin1('\xFF\xD8'), ...segments, latin1('\xFF\xDA\0\x02')]);
const app = (bytes: number): Buffer => jpegSegment(0xe1, Buffer.alloc(bytes, 0x20));

describe('readMediaHeader() PNG', () => {
  it.each([
    ['one pixel', blankPng({ width: 1, height: 1 }), picture('image/png', 1, 1)],
    ['largest side', png({ width: 0x7fffffff, height: 1 }, pngChunk('IDAT')), picture('image/png', 0x7fffffff, 1)],
    ['APNG', encodeApng([paint(8, 6, 4), paint(8, 6, 4, 1)]), picture('image/apng', 8, 6, 2)],
    ['APNG of one frame', encodeApng([paint(8, 6, 4)]), picture('image/apng', 8, 6, 1, false)],
    ['acTL with 0 frames is a still', png({ width: 8, height: 6 }, acTL(0), pngChunk('IDAT')), picture('image/png', 8, 6)],
    ['acTL behind IDAT is a still', png({ width: 8, height: 6 }, pngChunk('IDAT'), acTL(5), fcTL(0, 8, 6)), picture('image/png', 8, 6)],
    ['acTL behind text', png({ width: 8, height: 6 }, pngChunk('tEXt', Buffer.alloc(500)), acTL(5), pngChunk('IDAT')), picture('image/apng', 8, 6, 5)],
  ])('reads %s', (_name, bytes, expected) => {
    expect(readMediaHeader(bytes)).toEqual(expected);
  });

  it.each([
    ['width 0', png({ width: 0, height: 1 }, pngChunk('IDAT'))],
    ['height 0', png({ width: 1, height: 0 }, pngChunk('IDAT'))],
    ['width 2^31', png({ width: 0x80000000, height: 1 }, pngChunk('IDAT'))],
    ['RGB of 4 bits', png({ width: 1, height: 1, depth: 4, colour: 2 }, pngChunk('IDAT'))],
    ['colour type 5', png({ width: 1, height: 1, colour: 5 }, pngChunk('IDAT'))],
    ['signature only', PNG_SIGNATURE],
    ['another first chunk', Buffer.concat([PNG_SIGNATURE, pngChunk('CgBI', Buffer.alloc(4)), png({ width: 1, height: 1 }).subarray(8)])],
    ['no IDAT', png({ width: 9, height: 9 })],
    ['end before IDAT', png({ width: 9, height: 9 }, pngChunk('IDAT')).subarray(0, 40)],
  ])('says broken: %s', (_name, bytes) => {
    expect(readMediaHeader(bytes)).toMatchObject({ kind: 'broken', type: 'image/png' });
  });

  it('keeps the size when IDAT lies behind the bytes given', () => {
    const bytes = png({ width: 9, height: 7 }, pngChunk('iCCP', Buffer.alloc(100_000)), pngChunk('IDAT'));
    expect(readMediaHeader(bytes)).toEqual(picture('image/png', 9, 7));
  });
});

describe('readMediaHeader() JPEG', () => {
  it.each([
    ['baseline', jpeg(sof(0xc0, 300, 200)), 300, 200],
    ['progressive', jpeg(sof(0xc2, 65_500, 65_500)), 65_500, 65_500],
    ['arithmetic', jpeg(sof(0xc9, 3, 2)), 3, 2],
    ['after APP and DHT segments', jpeg(app(9_000), jpegSegment(0xc4, Buffer.alloc(30)), sof(0xc0, 30, 20)), 30, 20],
    ['after fill bytes', jpeg(latin1('\xFF\xFF\xFF'), sof(0xc0, 30, 20)), 30, 20],
    ['after stray bytes', jpeg(app(2), latin1('stray\0\xFF\0'), sof(0xc0, 30, 20)), 30, 20],
    ['frame just inside the window', jpeg(app(HEADER_BYTES_MAX - 4 - 2 - 9), sof(0xc0, 30, 20)), 30, 20],
    ['frame just outside the window', jpeg(app(HEADER_BYTES_MAX - 4 - 2 - 8), sof(0xc0, 30, 20)), 0, 0],
    ['frame far outside the window', padJpeg(jpeg(sof(0xc0, 30, 20)), 1_000_000), 0, 0],
  ])('reads %s', (_name, bytes, width, height) => {
    expect(readMediaHeader(bytes)).toEqual(picture('image/jpeg', width, height));
  });

  it.each([
    ['height 0 (DNL)', jpeg(sof(0xc0, 30, 0))],
    ['scan before frame', jpeg()],
    ['end before frame', latin1('\xFF\xD8\xFF\xD9\xFF\xFF')],
    ['segment length 1', jpeg(latin1('\xFF\xE0\0\x01'), sof(0xc0, 3, 2))],
    ['cut inside a segment', jpeg(app(300), sof(0xc0, 3, 2)).subarray(0, 100)],
  ])('says broken: %s', (_name, bytes) => {
    expect(readMediaHeader(bytes)).toMatchObject({ kind: 'broken', type: 'image/jpeg' });
  });

  it('with partial says unknown where a whole file would be broken', () => {
    const beginning = jpeg(app(3_000), sof(0xc0, 3, 2)).subarray(0, 1_000);
    expect(readMediaHeader(beginning, { partial: true })).toEqual(picture('image/jpeg', 0, 0));
    expect(kindOf(readMediaHeader(beginning))).toBe('broken');
  });

  it('reads a forged size, as a decoder would', () => {
    expect(readMediaHeader(forgeJpegSize(jpeg(sof(0xc0, 3, 2)), 60_000, 50_000))).toEqual(picture('image/jpeg', 60_000, 50_000));
  });
});

describe('readMediaHeader() GIF', () => {
  it.each([
    ['still', gif({ width: 9, height: 8, frames: 1 }), picture('image/gif', 9, 8)],
    ['animated', gif({ width: 9, height: 8, frames: 7, loop: 0 }), picture('image/gif', 9, 8, 7)],
    ['frames larger than the screen', gif({ width: 9, height: 8, frames: 1, frameWidth: 400, frameHeight: 300 }), picture('image/gif', 400, 300)],
    ['screen of 0x0', gif({ width: 0, height: 0, frames: 1, frameWidth: 4, frameHeight: 3 }), picture('image/gif', 4, 3)],
    ['without trailer', gif({ width: 9, height: 8, frames: 2 }).subarray(0, -1), picture('image/gif', 9, 8, 2)],
    ['87a', Buffer.concat([latin1('GIF87a'), gif({ width: 9, height: 8, frames: 1 }).subarray(6)]), picture('image/gif', 9, 8)],
  ])('reads %s', (_name, bytes, expected) => {
    expect(readMediaHeader(bytes)).toEqual(expected);
  });

  it('counts only frames inside the bytes given and calls the rest animated', () => {
    const header = readMediaHeader(gif({ width: 9, height: 8, frames: 100_000, loop: 0 }));
    expect(header).toMatchObject({ kind: 'picture', animated: true });
    expect((header as PictureHeader).framesAtLeast).toBeGreaterThan(2_500);
  });

  it('calls a file that goes on behind its only frame animated', () => {
    const bytes = gif({ width: 9, height: 8, frames: 1 }).subarray(0, -1);
    expect(readMediaHeader(bytes, { partial: true })).toEqual(picture('image/gif', 9, 8, 1, true));
    expect(readMediaHeader(bytes)).toEqual(picture('image/gif', 9, 8, 1, false));
  });

  it('says unknown for a screen of one side when no frame is in the bytes given', () => {
    const bytes = gif({ width: 0, height: 5, frames: 1, loop: 0 }).subarray(0, 25);
    expect(readMediaHeader(bytes, { partial: true })).toEqual(picture('image/gif', 0, 0, 1, true));
  });

  it.each([
    ['no frame', gif({ width: 9, height: 8, frames: 0, loop: 0 })],
    ['end inside the screen', latin1('GIF89a\x09\0\x08')],
    ['sides of 0', gif({ width: 0, height: 0, frames: 1, frameWidth: 0, frameHeight: 0 })],
  ])('says broken: %s', (_name, bytes) => {
    expect(readMediaHeader(bytes)).toMatchObject({ kind: 'broken', type: 'image/gif' });
  });
});

const vp8 = (width: number, height: number): Buffer =>
  riffChunk('VP8 ', Buffer.concat([Buffer.from([0x10, 0, 0, 0x9d, 1, 0x2a, width & 255, width >> 8, height & 255, height >> 8])]));
const vp8l = (width: number, height: number, version = 0): Buffer => {
  const bits = Buffer.alloc(5, 0x2f);
  bits.writeUInt32LE(((width - 1) | ((height - 1) << 14) | (version << 29)) >>> 0, 1);
  return riffChunk('VP8L', bits);
};
const vp8x = (flags: number, width: number, height: number): Buffer => {
  const data = Buffer.alloc(10);
  data[0] = flags;
  data.writeUIntLE(width - 1, 4, 3);
  data.writeUIntLE(height - 1, 7, 3);
  return riffChunk('VP8X', data);
};
const anmf = riffChunk('ANMF', Buffer.alloc(25));

describe('readMediaHeader() WebP', () => {
  it.each([
    ['lossy', webp(vp8(320, 240)), picture('image/webp', 320, 240)],
    ['lossy with scaling bits', webp(vp8(320 | 0x4000, 240 | 0x8000)), picture('image/webp', 320, 240)],
    ['lossless', webp(vp8l(1, 16_384)), picture('image/webp', 1, 16_384)],
    ['extended still', webp(vp8x(0x10, 16_777_216, 5), vp8(9, 5)), picture('image/webp', 16_777_216, 5)],
    ['animated', webp(vp8x(2, 30, 20), riffChunk('ANIM', Buffer.alloc(6)), anmf, anmf, anmf), picture('image/webp', 30, 20, 3)],
    ['animated, no frame seen', webp(vp8x(2, 30, 20)), picture('image/webp', 30, 20, 1, true)],
    ['frames without the animation flag', webp(vp8x(0, 30, 20), anmf, anmf), picture('image/webp', 30, 20)],
  ])('reads %s', (_name, bytes, expected) => {
    expect(readMediaHeader(bytes)).toEqual(expected);
  });

  it.each([
    ['no picture chunk first', webp(riffChunk('EXIF', Buffer.alloc(20)), vp8(3, 2))],
    ['no key frame', webp(riffChunk('VP8 ', Buffer.from('110000 9d012a 0100 0100'.replaceAll(' ', ''), 'hex')))],
    ['lossless version 1', webp(vp8l(3, 2, 1))],
    ['sides of 0', webp(vp8(0, 0))],
    ['container only', webp()],
  ])('says broken: %s', (_name, bytes) => {
    expect(readMediaHeader(bytes)).toMatchObject({ kind: 'broken', type: 'image/webp' });
  });

  it('leaves other RIFF files alone', () => {
    expect(kindOf(readMediaHeader(latin1('RIFF\0\0\0\0WAVEfmt \x10\0\0\0\0\0\0\0')))).toBe('other');
  });
});

const ftyp = (major: string, ...brands: readonly string[]): Buffer => box('ftyp', latin1(major), Buffer.alloc(4), latin1(brands.join('')));
const u32 = (value: number): Buffer => { const bytes = Buffer.alloc(4); bytes.writeUInt32BE(value); return bytes; };
const ispe = (width: number, height: number): Buffer => fullBox('ispe', 0, u32(width), u32(height));
const meta = (...properties: readonly Buffer[]): Buffer =>
  fullBox('meta', 0, fullBox('hdlr', 0, Buffer.alloc(20)), box('iprp', box('ipco', box('free', Buffer.alloc(3)), ...properties)));
const sequence = (...counts: readonly number[]): Buffer => {
  const pairs = counts.flatMap((count) => [u32(count), u32(1)]);
  const stts = fullBox('stts', 0, u32(counts.length), ...pairs);
  const size = Buffer.alloc(28);
  size.writeUInt16BE(50, 24);
  size.writeUInt16BE(40, 26);
  const stsd = fullBox('stsd', 0, u32(1), box('av01', size, Buffer.alloc(50)));
  return box('moov', fullBox('mvhd', 0, Buffer.alloc(96)), box('trak', box('mdia', box('minf', box('stbl', stsd, stts)))));
};

describe('readMediaHeader() AVIF', () => {
  it.each([
    ['still', Buffer.concat([ftyp('avif', 'mif1', 'miaf'), meta(ispe(30, 20))]), picture('image/avif', 30, 20)],
    ['under mif1', Buffer.concat([ftyp('mif1', 'avif'), meta(ispe(30, 20))]), picture('image/avif', 30, 20)],
    ['largest item', Buffer.concat([ftyp('avif'), meta(ispe(30, 20), ispe(4_000, 3_000), ispe(100, 90))]), picture('image/avif', 4_000, 3_000)],
    ['sides of 2^32 - 1', Buffer.concat([ftyp('avif'), meta(ispe(0xffffffff, 0xffffffff))]), picture('image/avif', 0xffffffff, 0xffffffff)],
    ['meta behind other boxes', Buffer.concat([ftyp('avif'), box('free', Buffer.alloc(999)), meta(ispe(3, 2))]), picture('image/avif', 3, 2)],
    ['sequence', Buffer.concat([ftyp('avis', 'avif'), meta(ispe(30, 20)), sequence(4, 1)]), picture('image/avif', 50, 40, 5)],
    ['sequence of one', Buffer.concat([ftyp('avis'), sequence(1)]), picture('image/avif', 50, 40, 1, false)],
    ['sequence with its samples elsewhere', Buffer.concat([ftyp('avis'), meta(ispe(30, 20))]), picture('image/avif', 30, 20, 2)],
    ['sequence of 2^33 declared samples', Buffer.concat([ftyp('avis'), sequence(0xffffffff, 0xffffffff)]), picture('image/avif', 50, 40, 0xffffffff)],
    ['meta behind 64 KiB of pixels', Buffer.concat([ftyp('avif'), box('mdat', Buffer.alloc(70_000)), meta(ispe(3, 2))]), picture('image/avif', 0, 0)],
    ['properties that leave the window', Buffer.concat([ftyp('avif'), meta(ispe(3, 2), box('free', Buffer.alloc(70_000)), ispe(60_000, 60_000))]), picture('image/avif', 0, 0)],
  ])('reads %s', (_name, bytes, expected) => {
    expect(readMediaHeader(bytes)).toEqual(expected);
  });

  it.each([
    ['no meta', ftyp('avif', 'mif1')],
    ['no ispe', Buffer.concat([ftyp('avif'), meta()])],
    ['box of 4 bytes in front of a sound one', Buffer.concat([ftyp('avif'), u32(4), meta(ispe(3, 2))])],
    ['box smaller than its header', Buffer.concat([ftyp('avif'), latin1('\0\0\0\x04meta'), meta(ispe(3, 2))])],
  ])('says broken: %s', (_name, bytes) => {
    expect(readMediaHeader(bytes)).toMatchObject({ kind: 'broken', type: 'image/avif' });
  });

  it.each([
    ['HEIC', Buffer.concat([ftyp('heic', 'mif1'), meta(ispe(3, 2))])],
    ['HEIC under mif1', Buffer.concat([ftyp('mif1', 'heic'), meta(ispe(3, 2))])],
    ['MP4', ftyp('isom', 'avc1')],
    ['MP4 that lists avif', Buffer.concat([ftyp('isom', 'avif'), meta(ispe(3, 2))])],
  ])('says other: %s', (_name, bytes) => {
    expect(kindOf(readMediaHeader(bytes))).toBe('other');
  });
});

describe('readMediaHeader() BMP, ICO and TIFF', () => {
  const core = latin1(`BM${'\0'.repeat(12)}\x0C\0\0\0\x05\0\x04\0\x01\0\x18\0`);
  const pngIcon = encodePng(paint(64, 48, 4));
  const bigTiff = latin1('II+\0\x08\0\0\0');
  it.each([
    ['BMP', bmp({ width: 20, height: 10 }, Buffer.alloc(600)), picture('image/bmp', 20, 10)],
    ['BMP top-down', bmp({ width: 20, height: -10 }, Buffer.alloc(600)), picture('image/bmp', 20, 10)],
    ['BMP of height -2^31', bmp({ width: 1, height: -0x80000000 }, Buffer.alloc(6)), picture('image/bmp', 1, 0x80000000)],
    ['BMP core header', core, picture('image/bmp', 5, 4)],
    ['ICO with a PNG that is larger than its directory says', ico([{ width: 16, height: 16, picture: 0 }], [pngIcon]), picture('image/x-icon', 64, 48)],
    ['ICO with a bitmap', ico([{ width: 32, height: 24, picture: 0 }], [iconBitmap(paint(32, 24, 4))]), picture('image/x-icon', 32, 24)],
    ['ICO, largest entry', ico([0, 1].map((index) => ({ width: 16, height: 16, picture: index })), [iconBitmap(paint(16, 16, 4)), pngIcon]), picture('image/x-icon', 64, 48)],
    ['ICO with an entry outside', ico([0, 1].map((index) => ({ width: 16, height: 16, picture: index })), [Buffer.concat([iconBitmap(paint(16, 16, 4)), Buffer.alloc(70_000)]), pngIcon]), picture('image/x-icon', 0, 0)],
    ['CUR', Buffer.concat([latin1('\0\0\x02\0'), ico([{ width: 16, height: 16, picture: 0 }], [pngIcon]).subarray(4)]), picture('image/x-icon', 64, 48)],
    ['TIFF', tiff({ width: 30, height: 20 }), picture('image/tiff', 30, 20)],
    ['BigTIFF', bigTiff, picture('image/tiff', 0, 0)],
  ])('reads %s', (_name, bytes, expected) => {
    expect(readMediaHeader(bytes)).toEqual(expected);
  });

  it.each([
    ['BMP of 40 bits', bmp({ width: 2, height: 2, depth: 40 }, Buffer.alloc(20)), 'image/bmp'],
    ['BMP of negative width', bmp({ width: -2, height: 2 }, Buffer.alloc(20)), 'image/bmp'],
    ['ICO of 256 entries', ico(Array.from({ length: 256 }, () => ({ width: 9, height: 9, picture: 0 })), [pngIcon]), 'image/x-icon'],
    ['ICO whose entry is text', ico([{ width: 9, height: 9, picture: 0 }], [Buffer.alloc(60, 0x20)]), 'image/x-icon'],
    ['TIFF with its directory behind the end', tiff({ width: 30, height: 20 }).subarray(0, 30), 'image/tiff'],
  ])('says broken: %s', (_name, bytes, type) => {
    expect(readMediaHeader(bytes)).toMatchObject({ kind: 'broken', type });
  });

  it.each([
    ['text that begins with BM', latin1('BMW is a maker of cars in Bavaria')],
    ['an icon without entries', latin1(`\0\0\x01\0\0\0${'\0'.repeat(30)}`)],
    ['Canon raw', latin1('II*\0\x10\0\0\0CR\x02\0')],
  ])('says other: %s', (_name, bytes) => {
    expect(kindOf(readMediaHeader(bytes))).toBe('other');
  });
});

const utf16 = (text: string, bigEndian: boolean): Buffer => {
  const bytes = Buffer.from(text, 'utf16le');
  return bigEndian ? bytes.swap16() : bytes;
};
const LOGO = svg({ width: 64, height: 32 }, '');

describe('readMediaHeader() SVG', () => {
  it.each([
    ['plain', LOGO, 64, 32],
    ['blanks in front', ` \n\t${LOGO}`, 64, 32],
    ['byte order mark', `\u00ef\u00bb\u00bf${LOGO}`, 64, 32],
    ['prolog, comment with svg, doctype', `<?xml version="1.0"?><!-- <html> --><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x>y">${LOGO}`, 64, 32],
    ['internal subset', `<!DOCTYPE svg [<!-- ]> --><!ENTITY a "]>"> <!ENTITY b '>'>]>${LOGO}`, 64, 32],
    ['prefix', '<svg:svg xmlns:svg="http://www.w3.org/2000/svg" width="9" height="8"/>', 9, 8],
    ['viewBox only', '<svg viewBox="0 0 256 128"/>', 256, 128],
    ['viewBox with commas', "<svg viewBox='-1,-1,25.5,12'/>", 26, 12],
    ['percentages', '<svg width="100%" height="100%" viewBox="0 0 40 30"/>', 40, 30],
    ['units', '<svg width="1in" height="2.54cm"/>', 96, 96],
    ['em and exponent', '<svg width="2em" height="1e3"/>', 32, 1_000],
    ['one gigapixel', '<svg width="32000" height="32000"/>', 32_000, 32_000],
    ['sides beyond 32 bits', '<svg width="1e300" height="5"/>', 0xffffffff, 5],
    ['nothing', '<svg xmlns="http://www.w3.org/2000/svg"/>', 0, 0],
    ['an entity as width', '<!DOCTYPE svg [<!ENTITY w "9">]><svg width="&w;" height="9"/>', 0, 0],
    ['a negative width', '<svg width="-5" height="5"/>', 0, 0],
    ['no number', '<svg width="Infinity" height="0x10"/>', 0, 0],
  ])('reads %s', (_name, text, width, height) => {
    expect(readMediaHeader(latin1(text))).toEqual(picture('image/svg+xml', width, height));
  });

  it.each([
    ['UTF-16 LE with mark', utf16(`\ufeff${LOGO}`, false)],
    ['UTF-16 BE with mark', utf16(`\ufeff${LOGO}`, true)],
    ['UTF-16 LE', utf16(LOGO, false)],
    ['UTF-16 BE', utf16(LOGO, true)],
  ])('reads %s', (_name, bytes) => {
    expect(readMediaHeader(bytes)).toEqual(picture('image/svg+xml', 64, 32));
  });

  it.each([
    ['HTML with a picture inside', `<!DOCTYPE html><html><body>${LOGO}</body></html>`],
    ['HTML without a head', `<!DOCTYPE html>${LOGO}`],
    ['html element', `<html>${LOGO}</html>`],
    ['XHTML', `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">${LOGO}</html>`],
    ['comment that never ends', `<!-- ${LOGO}`],
    ['doctype that never ends', `<!DOCTYPE svg [ ${LOGO}`],
    ['a longer name', '<svgfoo width="9" height="9"/>'],
    ['text in front', `hello ${LOGO}`],
    ['upper case', '<SVG width="9" height="9"/>'],
    ['a name cut short', '<svg'],
    ['JSON', '{"a": "<svg>"}'],
    ['65 comments', `${'<!---->'.repeat(65)}${LOGO}`],
  ])('says other: %s', (_name, text) => {
    expect(kindOf(readMediaHeader(latin1(text)))).toBe('other');
  });

  it('says broken when the root tag does not end, unknown when the file goes on', () => {
    const bytes = latin1('<svg width="9" height="9" data-x="');
    expect(readMediaHeader(bytes)).toMatchObject({ kind: 'broken', type: 'image/svg+xml' });
    expect(readMediaHeader(bytes, { partial: true })).toEqual(picture('image/svg+xml', 0, 0));
  });
});

describe('readMediaHeader() everything else', () => {
  it.each([
    ['empty', ''], ['text', 'hello world'], ['PDF', '%PDF-1.7'], ['PSD', '8BPS\0\x01'], ['gzip', '\x1F\x8B\x08\0'],
    ['JPEG XL', '\xFF\x0A\xFA\x7F'], ['ogg', 'OggS\0\x02'], ['webm', '\x1A\x45\xDF\xA3'], ['zip', 'PK\x03\x04'],
  ])('says other: %s', (_name, text) => {
    expect(readMediaHeader(latin1(text))).toEqual({ kind: 'other' });
  });
});

describe('checkHeaderLimits()', () => {
  const header = (width: number, height: number, framesAtLeast = 1): PictureHeader => ({
    kind: 'picture', type: 'image/png', width, height, framesAtLeast, animated: framesAtLeast > 1,
  });
  it.each([
    ['50 megapixels', header(10_000, 5_000), true],
    ['one row more', header(10_000, 5_001), false],
    ['an unknown size', header(0, 0), true],
    ['301 frames', header(100, 100, 301), true],
    ['sides of 2^32 - 1', header(0xffffffff, 0xffffffff), false],
  ])('%s', (_name, value, ok) => {
    expect(checkHeaderLimits(value, LIMITS)).toEqual(ok ? { ok: true } : { ok: false, code: 'SEKISHO_IMAGE_HEADER' });
  });

  it.each([
    ['a still', header(100, 50), 5_000],
    ['frames', header(100, 50, 3), 15_000],
    ['at most 300 frames', header(100, 50, 100_000), 1_500_000],
    ['the limit for an unknown size', header(0, 0), LIMITS.framePixelsMax],
  ])('pricedPixels() counts %s', (_name, value, pixels) => {
    expect(pricedPixels(value, LIMITS)).toBe(pixels);
  });

  const byHand: readonly BombName[] = ['png-16000', 'png-header-2g', 'gif-65535', 'webp-lossless-header', 'bmp-65535', 'svg-32000'];
  it.each(byHand)('refuses %s', async (name) => {
    const bomb = readMediaHeader(await makeBomb(name));
    expect(bomb.kind).toBe('picture');
    expect(checkHeaderLimits(bomb as PictureHeader, LIMITS).ok).toBe(false);
  });
});
