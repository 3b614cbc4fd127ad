'use strict';
// Limits inside the decoder. The child is plain JavaScript without dependencies but sharp, so the numbers of the contracts
// stand here again; a test holds both together.

const MiB = 1024 * 1024;

module.exports = {
  framePixelsMax: 50_000_000,
  totalPixelsMax: 100_000_000,
  framesMax: 300,
  resultBytesMax: 8 * MiB,
  jobBytesMax: 20 * MiB,
  svgBytesMax: 512 * 1024,
  svgSideMax: 1_024,
  /** Longest side a WebP can have; emoji and avatars are bounded by height alone, as clients expect. */
  webpSideMax: 16_383,
  /** BMP and bitmaps in icons are decoded by interpreted JavaScript: about 0.2 us per pixel without JIT. */
  scriptPixelsMax: 16_000_000,
  /** An icon directory may point at one picture 65,535 times. */
  iconEntriesMax: 64,
  /** Colour bands: CMYK with alpha is the widest a browser shows. */
  channelsMax: 5,
};
