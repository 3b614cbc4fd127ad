// Pictures, bombs and streams made in code.
export * from './avif.ts';
export * from './bmp.ts';
export * from './bombs.ts';
export { deflateConstant, gzipConstant, randomNumbers, zlibConstant } from './bytes.ts';
export * from './encoders.ts';
export * from './gif.ts';
export * from './jpeg.ts';
export * from './pictures.ts';
export * from './pixels.ts';
export * from './png.ts';
export * from './streams.ts';
export * from './svg.ts';
export * from './tiff.ts';
export * from './webp.ts';
