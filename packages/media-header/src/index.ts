// Type, size and frame count of a picture from its first bytes, to price it and to refuse the obvious. Pure, no I/O.
export { checkHeaderLimits, pricedPixels, type HeaderLimits, type LimitsVerdict } from './check-limits.ts';
export type { BrokenHeader, MediaHeader, OtherHeader, PictureHeader, PictureType } from './media-header.ts';
export { HEADER_BYTES_MAX, type ReadOptions, readMediaHeader } from './read-media-header.ts';
