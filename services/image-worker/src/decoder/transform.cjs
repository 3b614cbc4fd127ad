'use strict';
// One picture: opened, oriented, resized, encoded. Metadata never survives: sharp writes none unless asked to, and colours
// are converted to sRGB on the way.

const limits = require('./limits.cjs');
const { MODES, WEBP } = require('./modes.cjs');
const { openRaster, openSvg } = require('./open.cjs');
const { refuse } = require('./refusal.cjs');

/** Below this many bits of entropy a badge is one flat patch. */
const BADGE_ENTROPY_MIN = 0.1;

/** `{result, body}`; throws a Refusal or an error of sharp. */
async function transform(sharp, job, bytes) {
  const mode = Object.hasOwn(MODES, job.mode) ? MODES[job.mode] : refuse('type');
  const svg = job.class === 'svg';
  if (mode.svgOnly && !svg) refuse('type');
  const opened = svg ? await openSvg(sharp, bytes, mode) : await openRaster(sharp, bytes, mode);
  const encoded = mode.badge ? await toBadge(sharp, opened, mode) : await toWebp(opened, mode);
  return encoded.body.length <= limits.resultBytesMax ? encoded : refuse('size');
}

async function toWebp({ image, animation, framesCapped }, { width, height }) {
  // Frames are one tall strip inside libvips: turning that would shuffle them, and no browser turns animations either.
  const upright = animation === undefined ? image.autoOrient() : image;
  const settings = animation === undefined ? WEBP : { ...WEBP, loop: animation.loop };
  const { data, info } = await upright
    .resize({ width, height, fit: 'inside', withoutEnlargement: true })
    .webp(settings)
    .toBuffer({ resolveWithObject: true });
  const frames = animation?.frames ?? 1;
  const result = { type: 'image/webp', width: info.width, height: info.pageHeight ?? info.height, frames: info.pages ?? frames, framesCapped };
  return { result, body: data };
}

/**
 * A mask for a push notification: transparent 96x96 with R = G = B = A = brightness.
 * Flatness is judged before the black bars are added, or every flat picture that is not square would pass.
 */
async function toBadge(sharp, { image }, { width, height }) {
  const small = await raw(image.autoOrient().resize({ width, height, fit: 'inside' }).toColourspace('srgb'));
  const bare = await raw(grey(reopen(sharp, small)));
  if (await isFlat(sharp, bare)) refuse('flat');
  const clear = { r: 0, g: 0, b: 0, alpha: 0 };
  const padded = await raw(reopen(sharp, small).ensureAlpha().resize({ width, height, fit: 'contain', background: clear }));
  const { data: mask } = await raw(grey(reopen(sharp, padded)).extractChannel(0));
  const rgba = Buffer.alloc(mask.length * 4);
  for (let i = 0; i < mask.length; i += 1) rgba.fill(mask[i], i * 4, i * 4 + 4);
  const body = await sharp(rgba, { raw: { width, height, channels: 4 } }).png().toBuffer();
  return { result: { type: 'image/png', width, height, frames: 1, framesCapped: false }, body };
}

const grey = (image) =>
  image.greyscale().normalise().linear(1.75, -(128 * 1.75) + 128).flatten({ background: { r: 0, g: 0, b: 0 } }).toColourspace('b-w');

const raw = async (image) => await image.raw().toBuffer({ resolveWithObject: true });
const reopen = (sharp, { data, info: { width, height, channels } }) => sharp(data, { raw: { width, height, channels } });
const isFlat = async (sharp, made) => (await reopen(sharp, made).stats()).entropy < BADGE_ENTROPY_MIN;

module.exports = { transform };
