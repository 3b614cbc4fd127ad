// Headers of media answers, as data with the attack each one closes. They stand on every answer, errors included:
// an error page without them is as good a foothold as a picture.

export interface SecurityHeader {
  readonly name: string;
  readonly value: string;
  readonly closes: string;
}

export const SECURITY_HEADERS: readonly SecurityHeader[] = [
  {
    name: 'Content-Security-Policy',
    value: "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox",
    closes: 'a medium opened as a document runs script or acts as our origin',
  },
  { name: 'X-Content-Type-Options', value: 'nosniff', closes: 'a GIF polyglot is sniffed as script or HTML' },
  { name: 'Cross-Origin-Resource-Policy', value: 'cross-origin', closes: 'nothing by itself: lets pages under COEP show public media, which are the same for everybody' },
  { name: 'X-Robots-Tag', value: 'noindex', closes: "the proxy used to give strangers' files our name in search engines" },
  { name: 'Referrer-Policy', value: 'no-referrer', closes: 'the page a reader came from leaks through a link in a medium' },
  { name: 'Access-Control-Allow-Origin', value: '*', closes: 'nothing by itself: badges need CORS, and no answer depends on credentials' },
  { name: 'Access-Control-Allow-Headers', value: '*', closes: 'as above' },
  { name: 'Access-Control-Allow-Methods', value: 'GET, OPTIONS', closes: 'cross-site requests of any other method' },
  { name: 'Timing-Allow-Origin', value: '*', closes: "nothing by itself: the client's own timing of public media" },
];

/** The same as Node's flat list for `writeHead`. */
export const SECURITY_FLAT: readonly string[] = SECURITY_HEADERS.flatMap(({ name, value }) => [name, value]);

export const CACHE_FOREVER = 'public, max-age=31536000, immutable';
/** Streams without an upstream validator: nothing tells whether they changed. */
export const CACHE_DAY = 'public, max-age=86400';
/** Longest life of any error. */
export const CACHE_ERROR = 'max-age=300';
export const CACHE_NEVER = 'no-store';

export const REQUEST_ID_HEADER = 'X-Request-Id';
export const CODE_HEADER = 'Sekisho-Code';
export const CACHE_HEADER = 'Sekisho-Cache';
export const NOTE_HEADER = 'Sekisho-Note';
export const FRAMES_CAPPED_NOTE = 'frames-capped';
export const ALLOWED_METHODS = 'GET, HEAD, OPTIONS';
