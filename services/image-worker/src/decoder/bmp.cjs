'use strict';
// BMP files.

const { readHeader, readPixels } = require('./dib.cjs');
const { refuse } = require('./refusal.cjs');

const FILE_HEADER_BYTES = 14;

/** `{width, height, data}`, RGBA. */
function readBmp(bytes) {
  if (bytes.length < FILE_HEADER_BYTES) refuse('header');
  const header = readHeader(bytes, FILE_HEADER_BYTES, { pixelsAt: bytes.readUInt32LE(10) });
  return toRaster(header, readPixels(bytes, header));
}

const toRaster = ({ width, height }, pixels) => ({
  width, height, data: Buffer.from(pixels.buffer, pixels.byteOffset, pixels.byteLength),
});

module.exports = { readBmp, toRaster };
