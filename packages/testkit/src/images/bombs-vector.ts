// SVG: a program more than a picture.

import type { BombRow } from './bomb-row.ts';
import { gzipConstant, latin1 } from './bytes.ts';
import { blankPng } from './png.ts';
import { hrefSvg, includeSvg, logoSvg, svg, xxeSvg } from './svg.ts';
import {
  blurSvg, dashSvg, entityBombSvg, filterBombSvg, imageSvg, listSvg, longTextSvg, maskSvg, nestedImageSvg, nestedSvg, overlappingSvg, patternSvg,
  selectorSvg, selfSvg, textSvg, turbulenceSvg, useBombSvg,
} from './svg-bombs.ts';

const MiB = 1024 * 1024;
const type = 'image/svg+xml';
const box = (width: number | string, height: number | string, more = ''): Buffer =>
  latin1(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ${more}><rect width="100%" height="100%"/></svg>`);

export const VECTOR = {
  'svg-use': { type, expected: 'any', why: '2^30 elements by reference', make: () => latin1(useBombSvg(30)) },
  'svg-filter': { type, expected: 'any', why: 'seconds of filter work', make: () => latin1(filterBombSvg(2_048)) },
  'svg-entities': { type, expected: 'any', why: '10^9 entity expansions', make: () => latin1(entityBombSvg(9)) },
  'svg-nested': { type, expected: 'any', why: '20,000 nested groups', make: () => latin1(nestedSvg(20_000)) },
  'svg-32000': { type, expected: 'reject', byHeader: true, why: 'one gigapixel', make: () => latin1(svg({ width: 32_000, height: 32_000 }, '<rect width="100%" height="100%"/>')) },
  'svg-7000': { type, expected: 'any', why: '49 megapixels: just inside the limit', make: () => box(7_000, 7_000) },
  'svg-huge': { type, expected: 'any', byHeader: true, why: '10^9 squared', make: () => box(1_000_000_000, 1_000_000_000) },
  'svg-viewbox': { type, expected: 'any', byHeader: true, why: 'no size, a view of 10^12 squared', make: () => latin1('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000000000000 1000000000000"><rect width="5" height="5"/></svg>') },
  'svg-thin': { type, expected: 'any', why: 'a line of 10^7 by 1', make: () => box(10_000_000, 1) },
  'svg-no-size': { type, expected: 'any', why: 'sizes in percent, negative and not numbers', make: () => box('-1e999', '0%') },
  'svg-200k-paths': { type, expected: 'any', why: '12 MB of shapes over each other: 1.2 GB and more than 25 s', make: () => latin1(overlappingSvg(2_000, 200_000)) },
  'svg-6k-paths': { type, expected: 'any', why: 'shapes over each other, as many as 512 KiB hold', make: () => latin1(overlappingSvg(1_000, 6_000)) },
  'svg-blur': { type, expected: 'any', why: '50 blurs as wide as the picture', make: () => latin1(blurSvg(1_000)) },
  'svg-turbulence': { type, expected: 'any', why: '2^31 octaves of noise', make: () => latin1(turbulenceSvg(1_000)) },
  'svg-pattern': { type, expected: 'any', why: 'patterns of patterns', make: () => latin1(patternSvg(12)) },
  'svg-mask': { type, expected: 'any', why: '200 masks, each a whole picture', make: () => latin1(maskSvg(200)) },
  'svg-dash': { type, expected: 'any', why: '5 thousand million dashes', make: () => latin1(dashSvg()) },
  'svg-selectors': { type, expected: 'any', why: '2,000 selectors times 10,000 elements', make: () => latin1(selectorSvg(2_000, 10_000)) },
  'svg-text': { type, expected: 'any', why: '4,000 glyphs up to 4,000 high, each in a size of its own', make: () => latin1(textSvg(4_000)) },
  'svg-long-text': { type, expected: 'any', why: 'a line of 200,000 signs to shape', make: () => Buffer.from(longTextSvg(50_000)) },
  'svg-self': { type, expected: 'any', why: 'elements that show themselves', make: () => latin1(selfSvg()) },
  'svg-list': { type, expected: 'any', why: '100,000 points with round joins', make: () => latin1(listSvg(200_000)) },
  'svg-images': { type, expected: 'any', why: 'SVG in SVG: 8 levels deep, each shown 8 times: 16 million', make: () => latin1(nestedImageSvg(8, 8)) },
  'svg-png-16000': { type, expected: 'any', why: 'a PNG of 256 megapixels inside', make: () => latin1(imageSvg({ width: 100, height: 100 }, 'image/png', blankPng({ width: 16_000, height: 16_000, depth: 1, colour: 0 }))) },
  'svg-png-12000-rgba': { type, expected: 'any', why: 'a PNG inside that takes 576 MB', make: () => latin1(imageSvg({ width: 100, height: 100 }, 'image/png', blankPng({ width: 12_000, height: 8_000 }))) },
  'svg-xxe': { type, expected: 'any', why: 'an entity that is a file', make: () => latin1(xxeSvg('/etc/passwd')) },
  'svg-include': { type, expected: 'any', why: 'XInclude of a file', make: () => latin1(includeSvg('file:///etc/passwd')) },
  'svg-href-file': { type, expected: 'any', why: 'references to files', make: () => latin1(hrefSvg('file:///etc/passwd')) },
  'svg-href-http': { type, expected: 'any', why: 'references to a server', make: () => latin1(hrefSvg('http://127.0.0.1:9/x.png')) },
  'svg-utf16': { type, expected: 'any', why: 'two bytes a sign', make: () => Buffer.from(`\ufeff<?xml version="1.0" encoding="UTF-16"?>${logoSvg()}`, 'utf16le') },
  svgz: { type, expected: 'any', byHeader: true, why: '48 MiB of blanks in 48 KB', make: () => gzipConstant(0x20, 48 * MiB, { head: latin1(logoSvg()) }) },
} as const satisfies Record<string, BombRow>;
