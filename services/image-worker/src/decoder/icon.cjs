'use strict';
// Icons and cursors: the largest picture of the directory, which is a PNG file or a bitmap with a mask behind it.

const limits = require('./limits.cjs');
const { toRaster } = require('./bmp.cjs');
const { readHeader, readPixels, rowBytesOf } = require('./dib.cjs');
const { refuse } = require('./refusal.cjs');
const { sniff } = require('./sniff.cjs');

const DIRECTORY_BYTES = 6;
const ENTRY_BYTES = 16;

/** `{png}` with the bytes of a PNG file, or `{raster}`. */
function readIcon(bytes) {
  const best = entriesOf(bytes).reduce((a, b) => (b.side > a.side || (b.side === a.side && b.depth > a.depth) ? b : a));
  const picture = bytes.subarray(best.at, best.at + best.bytes);
  return sniff(picture) === 'png' ? { png: picture } : { raster: readMasked(picture) };
}

function entriesOf(bytes) {
  const count = Math.min(bytes.readUInt16LE(4), limits.iconEntriesMax);
  const entries = [];
  for (let i = 0; i < count; i += 1) {
    const at = DIRECTORY_BYTES + i * ENTRY_BYTES;
    if (at + ENTRY_BYTES > bytes.length) break;
    const entry = { side: (bytes[at] || 256) * (bytes[at + 1] || 256), depth: bytes.readUInt16LE(at + 6), bytes: bytes.readUInt32LE(at + 8), at: bytes.readUInt32LE(at + 12) };
    if (entry.bytes > 0 && entry.at + entry.bytes <= bytes.length) entries.push(entry);
  }
  return entries.length > 0 ? entries : refuse('header');
}

function readMasked(bytes) {
  const header = readHeader(bytes, 0, { icon: true });
  // 32-bit icons carry their alpha in the fourth byte, unless all of them are 0: then the mask holds.
  const deep = header.depth === 32 && header.compression === 0;
  const pixels = readPixels(bytes, deep ? { ...header, masks: [0xff0000, 0x00ff00, 0x0000ff, 0xff000000] } : header);
  const hasAlpha = deep && pixels.some((pixel) => pixel >>> 24 !== 0);
  if (!hasAlpha) applyMask(bytes, header, pixels);
  return toRaster(header, pixels);
}

function applyMask(bytes, { width, height, depth, pixelsAt }, pixels) {
  const maskAt = pixelsAt + rowBytesOf(width, depth) * height;
  const rowBytes = rowBytesOf(width, 1);
  const present = maskAt + rowBytes * height <= bytes.length;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const byte = present ? bytes[maskAt + (height - 1 - y) * rowBytes + (x >> 3)] : 0;
      const clear = (byte >>> (7 - (x & 7))) & 1;
      const at = y * width + x;
      pixels[at] = clear === 1 ? 0 : (pixels[at] | 0xff000000) >>> 0;
    }
  }
}

module.exports = { readIcon };
