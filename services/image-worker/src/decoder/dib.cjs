'use strict';
// Device independent bitmaps, as in BMP files and icons: libvips has no loader for them. Written for hostile input: every
// size is checked against the limits and against the bytes that are there before anything is allocated.

const limits = require('./limits.cjs');
const { refuse } = require('./refusal.cjs');

const RGB = 0;
const RLE8 = 1;
const RLE4 = 2;
const BITFIELDS = 3;
const ALPHA_BITFIELDS = 6;
const DEPTHS = { [RGB]: [1, 4, 8, 16, 24, 32], [RLE8]: [8], [RLE4]: [4], [BITFIELDS]: [16, 32], [ALPHA_BITFIELDS]: [16, 32] };
const CORE_HEADER_BYTES = 12;
const INFO_HEADER_BYTES = [40, 52, 56, 64, 108, 124];
const DEFAULT_MASKS = { 16: [0x7c00, 0x03e0, 0x001f, 0], 32: [0xff0000, 0x00ff00, 0x0000ff, 0] };
const OPAQUE = 0xff000000;

/**
 * Header of the bitmap at `at`. `icon`: the height counts a second, one-bit picture (the mask).
 * Palette and pixels follow; `pixelsAt` is the place a BMP file header names, undefined in icons.
 */
function readHeader(bytes, at, { icon = false, pixelsAt } = {}) {
  if (at + CORE_HEADER_BYTES > bytes.length) refuse('header');
  const size = bytes.readUInt32LE(at);
  const core = size === CORE_HEADER_BYTES;
  if ((!core && !INFO_HEADER_BYTES.includes(size)) || at + size > bytes.length) refuse('header');
  const head = core ? readCore(bytes, at) : readInfo(bytes, at, size);
  const height = icon ? Math.floor(Math.abs(head.height) / 2) : Math.abs(head.height);
  const shape = { ...head, topDown: head.height < 0, height };
  checkShape(shape);
  const paletteAt = at + size + maskBytesBehind(shape, size);
  const palette = readPalette(bytes, paletteAt, shape, core ? 3 : 4);
  return { ...shape, palette: palette.colours, pixelsAt: pixelsAt ?? palette.end };
}

const readCore = (bytes, at) => ({
  width: bytes.readUInt16LE(at + 4), height: bytes.readUInt16LE(at + 6), depth: bytes.readUInt16LE(at + 10),
  compression: RGB, coloursUsed: 0, masks: DEFAULT_MASKS[16],
});

function readInfo(bytes, at, size) {
  const depth = bytes.readUInt16LE(at + 14);
  const compression = bytes.readUInt32LE(at + 16);
  const masks = compression === BITFIELDS || compression === ALPHA_BITFIELDS
    ? readMasks(bytes, at, compression === ALPHA_BITFIELDS || size >= 56)
    : DEFAULT_MASKS[depth];
  return {
    width: bytes.readInt32LE(at + 4), height: bytes.readInt32LE(at + 8), depth, compression,
    coloursUsed: bytes.readUInt32LE(at + 32), masks,
  };
}

function readMasks(bytes, at, withAlpha) {
  if (at + 56 > bytes.length) refuse('header');
  return [40, 44, 48].map((offset) => bytes.readUInt32LE(at + offset)).concat(withAlpha ? bytes.readUInt32LE(at + 52) : 0);
}

/** Masks stand inside a header of 52 bytes and more, behind one of 40. */
const maskBytesBehind = ({ compression }, size) =>
  size !== 40 ? 0 : { [BITFIELDS]: 12, [ALPHA_BITFIELDS]: 16 }[compression] ?? 0;

function checkShape({ width, height, depth, compression }) {
  if (width < 1 || height < 1 || !DEPTHS[compression]?.includes(depth)) refuse('header');
  if (width * height > limits.scriptPixelsMax) refuse('header');
}

function readPalette(bytes, at, { depth, coloursUsed }, entryBytes) {
  if (depth > 8) return { colours: undefined, end: at };
  const most = 2 ** depth;
  const wanted = coloursUsed === 0 ? most : Math.min(coloursUsed, most);
  const count = Math.min(wanted, Math.floor((bytes.length - at) / entryBytes));
  if (count < 1) refuse('header');
  // Unused entries stay black, so that an index past the palette is no read outside of it.
  const colours = new Uint32Array(most).fill(OPAQUE);
  for (let i = 0; i < count; i += 1) colours[i] = bgr(bytes, at + i * entryBytes);
  return { colours, end: at + count * entryBytes };
}

const bgr = (bytes, at) => (OPAQUE | (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2]) >>> 0;

const rowBytesOf = (width, depth) => Math.ceil((width * depth) / 32) * 4;

/** RGBA pixels, top row first. */
function readPixels(bytes, header) {
  if (header.compression === RLE8 || header.compression === RLE4) return readRuns(bytes, header);
  const { width, height, depth, pixelsAt } = header;
  const rowBytes = rowBytesOf(width, depth);
  if (pixelsAt + rowBytes * height > bytes.length) refuse('decode');
  const out = new Uint32Array(width * height);
  const readRow = rowReader(header);
  for (let y = 0; y < height; y += 1) {
    const row = header.topDown ? y : height - 1 - y;
    readRow(bytes, pixelsAt + y * rowBytes, out.subarray(row * width, (row + 1) * width));
  }
  return out;
}

function rowReader({ depth, palette, masks }) {
  if (depth <= 8) return (bytes, at, out) => readIndexed(bytes, at, out, { depth, palette });
  if (depth === 24) return readTrueColour;
  const fields = masks.map(fieldOf);
  const width = depth / 8;
  return (bytes, at, out) => {
    for (let x = 0; x < out.length; x += 1) out[x] = pack(bytes.readUIntLE(at + x * width, width), fields);
  };
}

function readTrueColour(bytes, at, out) {
  for (let x = 0, from = at; x < out.length; x += 1, from += 3) out[x] = bgr(bytes, from);
}

function readIndexed(bytes, at, out, { depth, palette }) {
  const perByte = 8 / depth;
  const mask = 2 ** depth - 1;
  for (let x = 0; x < out.length; x += 1) {
    const shift = 8 - depth * ((x % perByte) + 1);
    out[x] = palette[(bytes[at + Math.floor(x / perByte)] >>> shift) & mask];
  }
}

/** Place and greatest value of one colour inside a pixel. */
function fieldOf(mask) {
  if (mask === 0) return undefined;
  const shift = 31 - Math.clz32(mask & -mask);
  return { shift, most: mask >>> shift };
}

const part = (pixel, field) => (field === undefined ? 0 : Math.round((((pixel >>> field.shift) & field.most) * 255) / field.most));

const pack = (pixel, [red, green, blue, alpha]) =>
  (((alpha === undefined ? 255 : part(pixel, alpha)) << 24) | (part(pixel, blue) << 16) | (part(pixel, green) << 8) | part(pixel, red)) >>> 0;

/**
 * Run lengths. Each turn eats at least two bytes, and what runs out of its line is passed over: no pixel is written twice,
 * so the picture and the input bound the work.
 */
function readRuns(bytes, header) {
  const { width, height, topDown, palette, depth } = header;
  const out = new Uint32Array(width * height).fill(palette[0]);
  let at = header.pixelsAt;
  let x = 0;
  let y = 0;
  const write = (count, indexOf) => {
    const from = (topDown ? y : height - 1 - y) * width + x;
    const end = Math.min(count, width - x);
    for (let i = 0; i < end; i += 1) out[from + i] = palette[indexOf(i)];
    x += count;
  };
  while (at + 2 <= bytes.length && y < height) {
    const count = bytes[at];
    const value = bytes[at + 1];
    at += 2;
    if (count > 0) {
      write(count, (i) => indexAt(value, i, depth));
    } else if (value === 0) {
      x = 0;
      y += 1;
    } else if (value === 1) {
      return out;
    } else if (value === 2) {
      if (at + 2 > bytes.length) refuse('decode');
      x += bytes[at];
      y += bytes[at + 1];
      at += 2;
    } else {
      const length = depth === 8 ? value : Math.ceil(value / 2);
      if (at + length > bytes.length) refuse('decode');
      const literalsAt = at;
      write(value, (i) => literalAt(bytes, literalsAt, i, depth));
      at += length + (length % 2);
    }
  }
  return out;
}

const indexAt = (value, i, depth) => (depth === 8 ? value : i % 2 === 0 ? value >>> 4 : value & 15);
const literalAt = (bytes, at, i, depth) => (depth === 8 ? bytes[at + i] : indexAt(bytes[at + (i >> 1)], i, depth));

module.exports = { readHeader, readPixels, rowBytesOf };
