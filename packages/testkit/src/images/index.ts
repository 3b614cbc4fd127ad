// Pictures, bombs and streams made in code.
export * from './avif.ts';
export * from './bmp.ts';
export { cut } from './bomb-row.ts';
export * from './bombs.ts';
export { webpFrames } from './bombs-moving.ts';
export { deflateConstant, gzipConstant, randomNumbers, zlibConstant } from './bytes.ts';
export * from './encoders.ts';
export * from './gif.ts';
export * from './jpeg.ts';
export * from './pictures.ts';
export * from './pixels.ts';
export * from './png.ts';
export * from './streams.ts';
export * from './svg.ts';
export * from './svg-bombs.ts';
export * from './tiff.ts';
export * from './webp.ts';
