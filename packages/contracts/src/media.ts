// Words of the media path that several services share.

/** What a picture is asked as. `asis` passes the bytes on (SVG becomes WebP). */
export const MEDIA_MODES = ['asis', 'emoji', 'avatar', 'static', 'preview', 'badge', 'emoji-static', 'avatar-static'] as const;
export type MediaMode = (typeof MEDIA_MODES)[number];

/** Decoder classes: each has its own limits, and SVG its own processes. */
export const DECODE_CLASSES = ['raster', 'animation', 'svg'] as const;
export type DecodeClass = (typeof DECODE_CLASSES)[number];

/** Picture types that a decoder may be given. */
export const CONVERTIBLE_TYPES = [
  'image/png',
  'image/apng',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/avif',
  'image/bmp',
  'image/x-icon',
  'image/svg+xml',
] as const;
export type ConvertibleType = (typeof CONVERTIBLE_TYPES)[number];
export const isConvertible = (type: string): type is ConvertibleType =>
  (CONVERTIBLE_TYPES as readonly string[]).includes(type);

/**
 * Types that may leave as they came, after Misskey's FILE_TYPE_BROWSERSAFE list.
 * Never here: anything a browser could run as a document (SVG, HTML, XML, PDF, text).
 */
export const BROWSERSAFE_TYPES = [
  'image/png', 'image/gif', 'image/jpeg', 'image/webp', 'image/avif', 'image/apng', 'image/bmp', 'image/tiff', 'image/x-icon',
  'audio/opus', 'video/ogg', 'audio/ogg', 'application/ogg', 'video/quicktime', 'video/mp4', 'audio/mp4', 'video/x-m4v',
  'audio/x-m4a', 'video/3gpp', 'video/3gpp2', 'video/mpeg', 'audio/mpeg', 'video/webm', 'audio/webm', 'audio/aac',
  'audio/flac', 'audio/wav',
] as const;
export type BrowsersafeType = (typeof BROWSERSAFE_TYPES)[number];
export const isBrowsersafe = (type: string): type is BrowsersafeType =>
  (BROWSERSAFE_TYPES as readonly string[]).includes(type);

/** Types a worker may answer with. */
export const RESULT_TYPES = ['image/webp', 'image/png'] as const;
export type ResultType = (typeof RESULT_TYPES)[number];
