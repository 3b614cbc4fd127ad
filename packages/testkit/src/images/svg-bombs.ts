// SVG texts that cost more than they look.

import { svg, type SvgShape } from './svg.ts';

/** 2^levels rectangles by reference. */
export function useBombSvg(levels: number): string {
  const doubled = Array.from(
    { length: levels },
    (_, index) => `<g id="a${index + 1}"><use xlink:href="#a${index}"/><use xlink:href="#a${index}" x="1"/></g>`,
  );
  return svg({ width: 100, height: 100 }, `<defs><rect id="a0" width="9" height="9"/>${doubled.join('')}</defs><use xlink:href="#a${levels}"/>`);
}

/** Seconds of filter work in a few hundred bytes. */
export function filterBombSvg(side: number): string {
  const step =
    '<feGaussianBlur stdDeviation="500"/><feTurbulence baseFrequency="0.9" numOctaves="200"/><feMorphology operator="dilate" radius="300"/>';
  return svg(
    { width: side, height: side },
    `<filter id="f" x="0" y="0" width="1" height="1">${step.repeat(5)}</filter><rect width="${side}" height="${side}" filter="url(#f)"/>`,
  );
}

/** Entities of entities ("billion laughs"): 10^levels expansions. */
export function entityBombSvg(levels: number): string {
  const entities = Array.from({ length: levels }, (_, index) => `<!ENTITY l${index + 1} "${`&l${index};`.repeat(10)}">`);
  return `<!DOCTYPE svg [<!ENTITY l0 "lol">${entities.join('')}]>${svg({ width: 100, height: 100 }, `<text y="20">&l${levels};</text>`)}`;
}

export const nestedSvg = (depth: number): string => svg({ width: 10, height: 10 }, `${'<g>'.repeat(depth)}${'</g>'.repeat(depth)}`);

const dataUri = (type: string, bytes: Buffer): string => `data:${type};base64,${bytes.toString('base64')}`;

/** One picture inside, by a data: URI. */
export const imageSvg = (shape: SvgShape, type: string, bytes: Buffer): string =>
  svg(shape, `<image width="${shape.width}" height="${shape.height}" xlink:href="${dataUri(type, bytes)}"/>`);

/** A picture in a picture in a picture, each as a data: URI of the one around it; `fan` times at each level. */
export function nestedImageSvg(depth: number, fan: number): string {
  let text = svg({ width: 50, height: 50 }, '<rect width="50" height="50" fill="#f00"/>');
  for (let level = 0; level < depth; level += 1) {
    const uri = dataUri('image/svg+xml', Buffer.from(text));
    text = svg({ width: 50, height: 50 }, `<defs><image id="i" width="50" height="50" xlink:href="${uri}"/></defs>${'<use xlink:href="#i"/>'.repeat(fan)}`);
  }
  return text;
}

/** Shapes over each other, each with an opacity of its own. */
export const overlappingSvg = (side: number, paths: number): string =>
  svg({ width: side, height: side }, `<path d="M0 0L${side} ${side}L0 ${side}Z" fill="red" fill-opacity=".01"/>`.repeat(paths));

/** A blur as wide as the picture. */
export const blurSvg = (side: number): string =>
  svg({ width: side, height: side }, `<filter id="f"><feGaussianBlur stdDeviation="900"/></filter>${`<rect width="${side}" height="${side}" filter="url(#f)"/>`.repeat(50)}`);

/** Patterns that are filled with patterns. */
export function patternSvg(levels: number): string {
  const patterns = Array.from({ length: levels }, (_, index) =>
    `<pattern id="p${index + 1}" width="2" height="2" patternUnits="userSpaceOnUse"><rect width="999" height="999" fill="url(#p${index})"/></pattern>`);
  return svg({ width: 1_000, height: 1_000 }, `<defs><pattern id="p0" width="1" height="1" patternUnits="userSpaceOnUse"><rect width="1" height="1"/></pattern>${patterns.join('')}</defs><rect width="1000" height="1000" fill="url(#p${levels})"/>`);
}

/** Masks that are masked. */
export function maskSvg(levels: number): string {
  const masks = Array.from({ length: levels }, (_, index) => `<mask id="m${index}"><rect width="1000" height="1000" fill="#fff" mask="url(#m${index + 1})"/></mask>`);
  return svg({ width: 1_000, height: 1_000 }, `<defs>${masks.join('')}</defs><rect width="1000" height="1000" mask="url(#m0)"/>`);
}

/** Dashes shorter than a pixel on a line of 10^7. */
export const dashSvg = (): string =>
  svg({ width: 500, height: 500 }, '<path d="M0 0H10000000" stroke="#000" stroke-width="3" stroke-dasharray="0.001 0.001"/>');

/** Selectors times elements. */
export const selectorSvg = (selectors: number, elements: number): string =>
  svg({ width: 100, height: 100 }, `<style>${Array.from({ length: selectors }, (_, index) => `g g g g>rect~rect:not(.c${index}){fill:#00${index % 10}}`).join('')}</style>${'<g>'.repeat(5)}${'<rect class="d"/>'.repeat(elements)}${'</g>'.repeat(5)}`);

/** Every glyph in a size of its own. */
export const textSvg = (glyphs: number): string =>
  svg({ width: 1_000, height: 1_000 }, Array.from({ length: glyphs }, (_, index) => `<text x="${index % 900}" y="500" font-size="${1 + index}">&#x${(0x21 + (index % 90)).toString(16)};</text>`).join(''));

/** One long line, shaped as a whole. */
export const longTextSvg = (glyphs: number): string => svg({ width: 1_000, height: 100 }, `<text y="50">${'Wa\u0301\u0302\u0303'.repeat(glyphs)}</text>`);

/** An element that shows itself. */
export const selfSvg = (): string => svg({ width: 100, height: 100 }, '<g id="a"><use xlink:href="#a"/><use xlink:href="#b"/></g><g id="b"><use xlink:href="#a"/></g>');

/** Element with an attribute of many numbers. */
export const listSvg = (numbers: number): string => svg({ width: 100, height: 100 }, `<polyline stroke="#000" stroke-width="9" stroke-linejoin="round" points="${'0,0 99,99 '.repeat(numbers / 4)}"/>`);

/** Turbulence of the largest order over the whole picture. */
export const turbulenceSvg = (side: number): string =>
  svg({ width: side, height: side }, `<filter id="f" x="0" y="0" width="1" height="1"><feTurbulence baseFrequency="0.9" numOctaves="2147483647"/></filter><rect width="${side}" height="${side}" filter="url(#f)"/>`);
