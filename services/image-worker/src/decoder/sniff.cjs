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

const isIcon = (bytes) => bytes.readUInt16LE(0) === 0 && (bytes.readUInt16LE(2) === 1 || bytes.readUInt16LE(2) === 2);

const MAGIC = [
  ['png', (bytes) => ascii(bytes, 0, 8) === '\x89PNG\r\n\x1a\n'],
  ['jpeg', (bytes) => ascii(bytes, 0, 3) === '\xff\xd8\xff'],
  ['gif', (bytes) => /^GIF8[79]a$/.test(ascii(bytes, 0, 6))],
  ['webp', (bytes) => ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 12) === 'WEBP'],
  ['avif', (bytes) => ascii(bytes, 4, 8) === 'ftyp' && brandsOf(bytes).some((brand) => brand === 'avif' || brand === 'avis')],
  ['bmp', (bytes) => ascii(bytes, 0, 2) === 'BM'],
  ['icon', isIcon],
];

/** `png jpeg gif webp avif bmp icon`, or undefined. */
const sniff = (bytes) => (bytes.length < 12 ? undefined : MAGIC.find(([, fits]) => fits(bytes))?.[0]);

/** libvips knows the brand `avif` alone, though the still first picture of a sequence (`avis`) decodes all the same. */
function asStillAvif(bytes) {
  if (ascii(bytes, 8, 12) === 'avif') return bytes;
  const copy = Buffer.from(bytes);
  copy.write('avif', 8, 'latin1');
  return copy;
}

module.exports = { sniff, asStillAvif };
