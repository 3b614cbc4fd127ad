'use strict';
// What of libvips a decoder of each class may use: the loaders of the contract's types, from memory alone, and two encoders.
// Everything else is blocked by the base of all loaders and savers, what a later libvips brings included.

const SVG = 'svg';
const LOADERS = {
  raster: ['VipsForeignLoadJpegBuffer', 'VipsForeignLoadPngBuffer', 'VipsForeignLoadNsgifBuffer', 'VipsForeignLoadWebpBuffer', 'VipsForeignLoadHeifBuffer'],
  svg: ['VipsForeignLoadSvgBuffer'],
};
const SAVERS = ['VipsForeignSaveWebpBuffer', 'VipsForeignSaveWebpTarget', 'VipsForeignSavePngBuffer', 'VipsForeignSavePngTarget'];

/**
 * Above this libvips writes pictures that it cannot read in order (animated WebP) to a file. There is no place for one, so
 * it holds them in memory, within the pixel limits and RLIMIT_DATA: 100 MP take 400 MB.
 */
const DISC_THRESHOLD = '1g';

/** For the life of the process; before the first picture. */
function confine(sharp, of) {
  // libvips looks there, once, and nowhere else.
  // oxlint-disable-next-line node/no-process-env
  process.env.VIPS_DISC_THRESHOLD = DISC_THRESHOLD;
  sharp.cache(false);
  sharp.concurrency(1);
  sharp.block({ operation: ['VipsForeignLoad', 'VipsForeignSave'] });
  sharp.unblock({ operation: [...LOADERS[of], ...SAVERS] });
}

module.exports = { SVG, LOADERS, SAVERS, confine };
