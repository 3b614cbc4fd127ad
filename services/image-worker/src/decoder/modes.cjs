'use strict';
// What each mode makes of a picture. Sizes and WebP settings are those clients of the official proxy expect.

const limits = require('./limits.cjs');

const byHeight = (height) => ({ width: limits.webpSideMax, height, vectorGrows: true });

/** `vectorGrows`: an SVG is drawn at full height however small it calls itself; it has no pixels to lose. */
const MODES = {
  asis: { width: limits.svgSideMax, height: limits.svgSideMax, svgOnly: true },
  emoji: { ...byHeight(128), animated: true },
  avatar: { ...byHeight(320), animated: true },
  'emoji-static': byHeight(128),
  'avatar-static': byHeight(320),
  static: { width: 498, height: 422 },
  preview: { width: 200, height: 200 },
  badge: { width: 96, height: 96, vectorGrows: true, badge: true },
};

const WEBP = {
  quality: 77, alphaQuality: 95, lossless: false, nearLossless: false, smartSubsample: true, mixed: true, effort: 2,
};

module.exports = { MODES, WEBP };
