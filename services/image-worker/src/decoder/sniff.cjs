'use strict';
// Which decoder gets the bytes: by magic alone. What others said about the type is no reason to run a parser.

const ascii = (bytes, from, to) => bytes.toString('latin1', from, to);
const BRANDS_BYTES_MAX = 512;

/** Brands of an ISO file, major one first. */
function brandsOf(bytes) {
  const end = Math.min(bytes.readUInt32BE(0), bytes.length, BRANDS_BYTES_MAX);
  const brands = [ascii(bytes, 8, 12)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(ascii(bytes, at, at + 4));
  return brands;
}

/** `png jpeg gif webp avif bmp icon`, or undefined. */
function sniff(bytes) {
  if (bytes.length < 12) return undefined;
  if (ascii(bytes, 0, 8) === '\x89PNG\r\n\x1a\n') return 'png';
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return 'jpeg';
  if (/^GIF8[79]a$/.test(ascii(bytes, 0, 6))) return 'gif';
  if (ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 12) === 'WEBP') return 'webp';
  if (ascii(bytes, 4, 8) === 'ftyp' && brandsOf(bytes).some((brand) => brand === 'avif' || brand === 'avis')) return 'avif';
  if (ascii(bytes, 0, 2) === 'BM') return 'bmp';
  if (bytes.readUInt16LE(0) === 0 && (bytes.readUInt16LE(2) === 1 || bytes.readUInt16LE(2) === 2)) return 'icon';
  return undefined;
}

/** libvips knows the brand `avif` alone, though the still first picture of a sequence (`avis`) decodes all the same. */
function asStillAvif(bytes) {
  if (ascii(bytes, 8, 12) === 'avif') return bytes;
  const copy = Buffer.from(bytes);
  copy.write('avif', 8, 'latin1');
  return copy;
}

module.exports = { sniff, asStillAvif };
