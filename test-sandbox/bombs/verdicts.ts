// What each hostile file must end as. More than one only where the machine decides: how far a decoder comes before its time
// or memory is over.

const OK = ['ok'] as const;
/** Refused from its header. */
const HEADER = ['SEKISHO_IMAGE_HEADER'] as const;
/** Refused while decoding. */
const DECODE = ['SEKISHO_IMAGE_DECODE'] as const;
/** No parser has seen it. */
const TYPE = ['SEKISHO_TYPE_NOT_CONVERTIBLE'] as const;
const MEMORY = ['SEKISHO_IMAGE_MEMORY'] as const;
/** Killed; by the clock on the wall when other processes have the cores. */
const TIME = ['SEKISHO_IMAGE_CPU', 'SEKISHO_IMAGE_WALL'] as const;
/** A second or more of honest work. */
const SLOW = ['ok', 'SEKISHO_IMAGE_WALL'] as const;
const OK_OR_TIME = ['ok', ...TIME] as const;
/** librsvg ends itself when memory is over, in the allocation or in what comes after it. */
const ABORTS = ['SEKISHO_IMAGE_MEMORY', 'SEKISHO_IMAGE_CRASH', 'SEKISHO_IMAGE_DECODE', ...TIME] as const;

/** By names of BOMBS in the test kit. */
export const MADE_VERDICTS = {
  'png-16000': HEADER, 'png-50000': HEADER, 'png-16383-rgba': HEADER, 'png-8000-rgba16': HEADER, 'png-7000-rgba16': SLOW,
  'png-header-2g': DECODE, 'png-zero-width': DECODE, 'png-no-idat': DECODE, 'png-magic-only': TYPE, 'png-ztxt-64m': OK, 'png-ztxt-512m': OK,
  'png-iccp-64m': OK, 'png-idat-overrun': OK, 'png-20k-text': OK, 'apng-2g-frames': OK,
  'webp-lossless-header': HEADER, 'webp-7000-flat': OK, 'avif-ispe-65535': HEADER, 'avif-ispe-7000': DECODE, 'avif-3000-flat': OK,
  'jpeg-65500-header': HEADER, 'jpeg-1500-scans': DECODE, 'jpeg-20000-scans': DECODE, 'jpeg-7000-scans': SLOW, 'jpeg-16000-scans': HEADER,
  'jpeg-comments': OK, 'tiff-16383': TYPE, 'tiff-60000': TYPE, 'tiff-100k-pages': TYPE, 'tiff-loop': TYPE,
  'bmp-65535': HEADER, 'bmp-bpp40': HEADER, 'bmp-rle-4000': OK, 'bmp-rle-endless': OK,
  'ico-255': OK, 'ico-png-16000': HEADER, 'ico-in-ico': HEADER,
  'gif-65535': OK, 'gif-16000': OK, 'gif-many-frames': OK, 'gif-512-100k': OK, 'gif-300x300-2900': OK, 'gif-577-300': SLOW,
  'webp-canvas-16383': MEMORY, 'webp-many-frames': OK, 'webp-20k-frames': SLOW, 'webp-4096-2000': OK, 'webp-577-300': SLOW, 'apng-1000-frames': OK,
  'svg-use': TIME, 'svg-filter': TIME, 'svg-entities': HEADER, 'svg-nested': HEADER, 'svg-32000': HEADER, 'svg-7000': OK, 'svg-huge': OK,
  'svg-viewbox': HEADER, 'svg-thin': DECODE, 'svg-no-size': HEADER, 'svg-200k-paths': HEADER, 'svg-6k-paths': TIME, 'svg-blur': TIME,
  'svg-turbulence': OK_OR_TIME, 'svg-pattern': OK_OR_TIME, 'svg-mask': DECODE, 'svg-dash': OK, 'svg-selectors': TIME, 'svg-text': TIME,
  'svg-long-text': ABORTS, 'svg-self': OK, 'svg-list': TIME, 'svg-images': TIME, 'svg-png-16000': ABORTS, 'svg-png-12000-rgba': ABORTS,
  'svg-xxe': HEADER, 'svg-include': OK, 'svg-href-file': OK, 'svg-href-http': OK, 'svg-utf16': HEADER, svgz: TYPE,
  'png-cut': DECODE, 'jpeg-cut': DECODE, 'webp-cut': HEADER, 'avif-cut': DECODE, 'gif-cut': OK, 'bmp-cut': DECODE, 'tiff-cut': TYPE, 'svg-cut': HEADER,
  'gif-script': OK, 'png-html': OK, 'svg-in-png': OK, 'pdf-png': TYPE, 'ps-magic': TYPE, empty: TYPE, 'one-byte': TYPE, 'text-only': TYPE, 'zeros-1m': TYPE,
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** By file names of the shared corpus. */
export const CORPUS_VERDICTS = {
  'png-1bit-30000.png': HEADER, 'png-rgba-12000.png': HEADER, 'png-header-2g.png': DECODE, 'png-zero-width.png': DECODE, 'png-no-idat.png': DECODE,
  'png-magic-only.png': TYPE, 'png-ztxt-64m.png': OK, 'png-iccp-64m.png': OK, 'png-20k-text.png': OK, 'png-idat-overrun.png': OK,
  'png-bad-crc.png': DECODE, 'png-truncated.png': DECODE, 'apng-2g-frames.png': OK, 'apng-5000-frames.png': OK, 'png-html-tail.png': OK,
  'gif-65535.gif': OK, 'gif-12k-frames.gif': OK, 'gif-16000-20f.gif': OK, 'gif-no-frame.gif': HEADER, 'gif-truncated.gif': OK, 'gif-js-polyglot.gif': OK,
  'webp-16383-canvas.webp': MEMORY, 'webp-6000-frames.webp': OK, 'webp-riff-size.webp': HEADER, 'webp-vp8l-header.webp': HEADER,
  'avif-ispe-65535.avif': HEADER, 'avif-truncated.avif': DECODE,
  'jpg-65500-header.jpg': HEADER, 'jpg-1500-scans.jpg': DECODE, 'jpg-icc-1m.jpg': OK, 'jpg-exif-garbage.jpg': OK, 'jpg-xmp-1m.jpg': OK,
  'jpg-truncated.jpg': DECODE, 'jpg-zip-tail.jpg': OK,
  'svg-huge.svg': OK, 'svg-32000.svg': HEADER, 'svg-use-bomb.svg': TIME, 'svg-entities.svg': HEADER, 'svg-xxe.svg': HEADER, 'svg-href-http.svg': OK,
  'svg-href-file.svg': OK, 'svg-script.svg': OK, 'svg-filter-bomb.svg': TIME, 'svg-nested.svg': HEADER, 'svgz-bomb.svgz': TYPE,
  'tiff-16000.tif': TYPE, 'tiff-4k-pages.tif': TYPE, 'tiff-ifd-loop.tif': TYPE, 'bmp-65535.bmp': HEADER, 'bmp-bpp40.bmp': HEADER, 'ico-255-bombs.ico': OK,
  'jxl-2g.jxl': TYPE, 'heic-stub.heic': TYPE, 'empty.bin': TYPE, 'text-as.png': TYPE, 'html-as.png': TYPE,
  'avif-sample-images-star-8bpc.avifs': OK, 'avif-sample-images-star-8bpc-with-alpha.avifs': DECODE, 'cherrypick-25000x25000.png': HEADER,
  'pillow-16_bit_noise.tif': TYPE, 'pillow-hopper.bmp': OK, 'pillow-hopper.tif': TYPE, 'pillow-hopper.ico': OK, 'pillow-rgb_trns_ycbc.j2k': TYPE,
} as const satisfies Readonly<Record<string, readonly string[]>>;
