'use strict';
// Bytes to a picture that sharp can go on with: header first, limits before any decoding.

const limits = require('./limits.cjs');
const { readBmp } = require('./bmp.cjs');
const { readIcon } = require('./icon.cjs');
const { reasonOf, refuse } = require('./refusal.cjs');
const { asStillAvif, sniff } = require('./sniff.cjs');

const STRICT = { failOn: 'error', limitInputChannels: limits.channelsMax };
const DENSITY = 72;
const DENSITY_MIN = 1;
const DENSITY_MAX = 100_000;

const openStill = (sharp, bytes) => sharp(bytes, { ...STRICT, pages: 1, limitInputPixels: limits.framePixelsMax });
const openRaw = (sharp, { width, height, data }) => sharp(data, { raw: { width, height, channels: 4 } });

const headerOf = async (image) => {
  try {
    return await image.metadata();
  } catch (error) {
    return refuse(reasonOf(error, 'header'));
  }
};

const OPENERS = {
  png: (sharp, bytes) => still(openStill(sharp, bytes)),
  jpeg: (sharp, bytes) => still(openStill(sharp, bytes)),
  avif: (sharp, bytes) => still(openStill(sharp, asStillAvif(bytes))),
  gif: (sharp, bytes, mode) => (mode.animated ? openMoving(sharp, bytes, 'gif') : still(openStill(sharp, bytes))),
  webp: (sharp, bytes, mode) => (mode.animated ? openMoving(sharp, bytes, 'webp') : still(openStill(sharp, bytes))),
  bmp: (sharp, bytes) => still(openRaw(sharp, readBmp(bytes))),
  icon: (sharp, bytes) => {
    const { png, raster } = readIcon(bytes);
    return still(png === undefined ? openRaw(sharp, raster) : openStill(sharp, png));
  },
};

/** `{image, animation?, framesCapped}`; `animation` has `loop` and `frames`. */
async function openRaster(sharp, bytes, mode) {
  const type = sniff(bytes);
  return type === undefined ? refuse('type') : await OPENERS[type](sharp, bytes, mode);
}

const still = (image, framesCapped = false) => ({ image, framesCapped });

/** More frames or pixels in all than the limits: the first frame is shown instead. */
async function openMoving(sharp, bytes, type) {
  const { width, height, pages = 1, loop } = await headerOf(openStill(sharp, bytes));
  if (pages <= 1) return still(openStill(sharp, bytes));
  if (pages > limits.framesMax || width * height * pages > limits.totalPixelsMax) return still(openStill(sharp, bytes), true);
  const image = sharp(bytes, { ...STRICT, pages, limitInputPixels: limits.totalPixelsMax });
  return { image, framesCapped: false, animation: { frames: pages, loop: hasLoop(bytes, type) ? loop : 0 } };
}

/** libvips reads a GIF without a loop count as "once"; clients have always shown such emoji without end. */
const hasLoop = (bytes, type) => type !== 'gif' || bytes.includes('NETSCAPE2.0', 0, 'latin1') || bytes.includes('ANIMEXTS1.0', 0, 'latin1');

/** SVG drawn at the size it is needed in, so that neither a huge nor a tiny one costs detail or memory. */
async function openSvg(sharp, bytes, mode) {
  if (bytes.length > limits.svgBytesMax) refuse('header');
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) refuse('type');
  const { width, height } = await headerOf(sharp(bytes, { ...STRICT, density: DENSITY, limitInputPixels: limits.framePixelsMax }));
  const fit = Math.min(mode.height / height, Math.min(mode.width, limits.svgSideMax) / width);
  const scale = mode.vectorGrows ? fit : Math.min(1, fit);
  const density = Math.min(DENSITY_MAX, Math.max(DENSITY_MIN, DENSITY * scale));
  // Twice the side: the lowest density there is draws the longest pictures larger than wanted.
  const limitInputPixels = (2 * limits.svgSideMax) ** 2;
  return still(sharp(bytes, { ...STRICT, density, limitInputPixels }));
}

module.exports = { openRaster, openSvg };
