import { describe, expect, it } from '@jest/globals';
import { LIMITS, MEDIA_MODES } from '@sekisho/contracts';
import { DEFAULT_GATEWAY_LIMITS } from '../limits-file/limits.ts';
import { planSource } from './order.ts';

const source = { type: 'image/png', width: 100, height: 100, framesAtLeast: 1, bytes: 1_000 };
const apng = { ...source, type: 'image/apng', framesAtLeast: 5 };
const limits = DEFAULT_GATEWAY_LIMITS.media;
const side = LIMITS.passAnimationSideMax;

describe('planSource()', () => {
  it.each([
    ['a still picture', source, 'emoji', { kind: 'transform', class: 'raster', pixels: 10_000 }],
    ['an animated GIF as emoji', { ...source, type: 'image/gif', framesAtLeast: 3 }, 'emoji', { kind: 'transform', class: 'animation', pixels: 30_000 }],
    ['an animated GIF as still emoji', { ...source, type: 'image/gif', framesAtLeast: 3 }, 'emoji-static', { kind: 'transform', class: 'raster', pixels: 10_000 }],
    ['an animated GIF as preview', { ...source, type: 'image/gif', framesAtLeast: 3 }, 'preview', { kind: 'transform', class: 'raster', pixels: 10_000 }],
    ['more frames than are decoded', { ...source, type: 'image/webp', framesAtLeast: 9_999 }, 'avatar', { kind: 'transform', class: 'animation', pixels: 3_000_000 }],
    ['an unknown size', { ...source, width: 0, height: 0 }, 'static', { kind: 'transform', class: 'raster', pixels: LIMITS.framePixelsMax }],
    ['one pixel row below the limit', { ...source, width: 50_000, height: 1_000 }, 'static', { kind: 'transform', class: 'raster', pixels: 50_000_000 }],
    ['one pixel row above the limit', { ...source, width: 50_000, height: 1_001 }, 'static', { kind: 'refuse', code: 'SEKISHO_IMAGE_HEADER' }],
    ['a small APNG as emoji', apng, 'emoji', { kind: 'pass' }],
    ['an APNG at the side limit', { ...apng, width: side, height: side }, 'avatar', { kind: 'pass' }],
    ['an APNG above the side limit', { ...apng, width: side + 1, height: side }, 'avatar', { kind: 'transform', class: 'raster', pixels: (side + 1) * side }],
    ['an APNG at the byte limit', { ...apng, bytes: LIMITS.passAnimationBytesMax }, 'emoji', { kind: 'pass' }],
    ['an APNG above the byte limit', { ...apng, bytes: LIMITS.passAnimationBytesMax + 1 }, 'emoji', { kind: 'transform', class: 'raster', pixels: 10_000 }],
    ['an APNG with too many frames', { ...apng, framesAtLeast: LIMITS.framesMax + 1 }, 'emoji', { kind: 'transform', class: 'raster', pixels: 10_000 }],
    ['an APNG as still emoji', apng, 'emoji-static', { kind: 'transform', class: 'raster', pixels: 10_000 }],
    ['an animated AVIF as emoji', { ...apng, type: 'image/avif' }, 'emoji', { kind: 'pass' }],
    ['an SVG at its limit', { ...source, type: 'image/svg+xml', bytes: LIMITS.svgBytesMax }, 'asis', { kind: 'transform', class: 'svg', pixels: 1_048_576 }],
    ['an SVG above its limit', { ...source, type: 'image/svg+xml', bytes: LIMITS.svgBytesMax + 1 }, 'asis', { kind: 'refuse', code: 'SEKISHO_UPSTREAM_TOO_LARGE' }],
    ['a TIFF', { ...source, type: 'image/tiff' }, 'emoji', { kind: 'refuse', code: 'SEKISHO_TYPE_NOT_CONVERTIBLE' }],
  ] as const)('plans %s', (_name, given, mode, plan) => {
    expect(planSource(given, mode, limits)).toEqual(plan);
  });

  it('never passes an SVG or a huge picture on, in any mode', () => {
    for (const mode of MEDIA_MODES) {
      expect(planSource({ ...source, type: 'image/svg+xml', framesAtLeast: 2 }, mode, limits).kind).not.toBe('pass');
      expect(planSource({ ...apng, width: 65_535, height: 65_535 }, mode, limits).kind).toBe('refuse');
    }
  });
});
