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

/** External entity: the content of a local file must never appear. */
export const xxeSvg = (path: string): string =>
  `<!DOCTYPE svg [<!ENTITY x SYSTEM "file://${path}">]>${svg({ width: 400, height: 40 }, '<text y="20">A&x;B</text>')}`;

/** References that a renderer must not follow: no connection, no file. */
export const hrefSvg = (target: string): string =>
  svg({ width: 64, height: 64 }, `<image width="64" height="64" xlink:href="${target}"/><image width="64" height="64" href="${target}"/><style>@import url(${target});</style>`);

export const scriptSvg = (): string =>
  svg({ width: 64, height: 64 }, `<script>alert(1)</script><rect width="64" height="64" onload="alert(2)" fill="#f00"/>`);

/** A file's text, by XInclude. */
export const includeSvg = (target: string): string =>
  svg({ width: 400, height: 40 }, `<text y="20"><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" parse="text" href="${target}"/></text>`);
