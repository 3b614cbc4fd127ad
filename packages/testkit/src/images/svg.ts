// SVG texts, harmless and hostile.

const NAMESPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"';
export const XML_PROLOG = '<?xml version="1.0" encoding="UTF-8"?>';

export interface SvgShape {
  readonly width: number;
  readonly height: number;
}

export const svg = (shape: SvgShape, content: string): string =>
  `<svg ${NAMESPACES} width="${shape.width}" height="${shape.height}">${content}</svg>`;

const LOGO = '<rect width="64" height="64" fill="#369"/><circle cx="32" cy="32" r="20" fill="#fc0"/>';
export const logoSvg = (): string => svg({ width: 64, height: 64 }, LOGO);

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

/** External entity: the content of a local file must never appear. */
export const xxeSvg = (path: string): string =>
  `<!DOCTYPE svg [<!ENTITY x SYSTEM "file://${path}">]>${svg({ width: 400, height: 40 }, '<text y="20">A&x;B</text>')}`;

/** References that a renderer must not follow: no connection, no file. */
export const hrefSvg = (target: string): string =>
  svg({ width: 64, height: 64 }, `<image width="64" height="64" xlink:href="${target}"/><image width="64" height="64" href="${target}"/><style>@import url(${target});</style>`);

export const scriptSvg = (): string =>
  svg({ width: 64, height: 64 }, `<script>alert(1)</script><rect width="64" height="64" onload="alert(2)" fill="#f00"/>`);

export const nestedSvg = (depth: number): string => svg({ width: 10, height: 10 }, `${'<g>'.repeat(depth)}${'</g>'.repeat(depth)}`);
