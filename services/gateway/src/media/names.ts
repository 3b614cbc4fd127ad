// Content-Disposition of a medium. Its text comes from a stranger (upstream header or URL), so it is reduced to a short
// ASCII name plus an escaped full one: no line break, no quote, no bidi override that would disguise an extension.

/** The whole header's value, in bytes. */
export const DISPOSITION_BYTES_MAX = 300;
const ASCII_CHARS_MAX = 80;
const ESCAPED_CHARS_MAX = 150;
/** Longest text looked at; a longer name is cut before any work is done on it. */
const INPUT_CHARS_MAX = 1_024;
const NAMELESS = 'file';

/** First the extension that is appended, then those that are kept as they are. */
const EXTENSIONS: Readonly<Record<string, readonly string[]>> = {
  'image/webp': ['webp'],
  'image/png': ['png'],
  'image/apng': ['apng', 'png'],
  'image/jpeg': ['jpg', 'jpeg', 'jfif'],
  'image/gif': ['gif'],
  'image/avif': ['avif'],
  'image/bmp': ['bmp'],
  'image/tiff': ['tif', 'tiff'],
  'image/x-icon': ['ico', 'cur'],
  'audio/opus': ['opus'],
  'video/ogg': ['ogv', 'ogg'],
  'audio/ogg': ['ogg', 'oga', 'opus'],
  'application/ogg': ['ogx', 'ogg'],
  'video/quicktime': ['mov', 'qt'],
  'video/mp4': ['mp4', 'm4v'],
  'audio/mp4': ['m4a', 'mp4'],
  'video/x-m4v': ['m4v'],
  'audio/x-m4a': ['m4a'],
  'video/3gpp': ['3gp'],
  'video/3gpp2': ['3g2'],
  'video/mpeg': ['mpg', 'mpeg'],
  'audio/mpeg': ['mp3', 'mp2', 'mpga'],
  'video/webm': ['webm'],
  'audio/webm': ['webm', 'weba'],
  'audio/aac': ['aac'],
  'audio/flac': ['flac'],
  'audio/wav': ['wav'],
};
const UNKNOWN = ['unknown'] as const;

/** Controls, bidi and invisible marks, line separators, and what file systems and shells treat as special. */
// eslint-disable-next-line no-control-regex
const STRIPPED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}<>:"|?*]/gu;

export interface NameFacts {
  /** Name the upstream suggested; untrusted. */
  readonly suggested: string | undefined;
  /** Canonical URL of the medium. */
  readonly url: string;
  /** Type of what is sent. */
  readonly type: string;
}

/** Value of Content-Disposition: one line of ASCII, at most 300 bytes. */
export function contentDisposition(facts: NameFacts): string {
  const name = fileName(facts);
  const ascii = asciiName(name);
  const plain = `inline; filename="${ascii}"`;
  return ascii === name ? plain : `${plain}; filename*=UTF-8''${escapeExtended(name)}`;
}

/** File name by the type of the bytes: `dummy.png` sent as WebP becomes `dummy.png.webp`. */
export function fileName(facts: NameFacts): string {
  const stem = cleanName(facts.suggested ?? '') || cleanName(lastSegment(facts.url)) || NAMELESS;
  const extensions = EXTENSIONS[facts.type] ?? UNKNOWN;
  const lower = stem.toLowerCase();
  const kept = extensions.find((extension) => lower.endsWith(`.${extension}`));
  const extension = kept ?? extensions[0] ?? UNKNOWN[0];
  const base = kept === undefined ? stem : stem.slice(0, -kept.length - 1);
  return `${cut(base, extension.length + 1) || NAMELESS}.${extension}`;
}

function lastSegment(url: string): string {
  const path = URL.parse(url)?.pathname ?? '';
  const segment = path.split('/').findLast((part) => part !== '') ?? '';
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function cleanName(text: string): string {
  const base = text.slice(0, INPUT_CHARS_MAX).toWellFormed().replaceAll('\\', '/').split('/').at(-1) ?? '';
  return base.normalize('NFC').replace(STRIPPED, '').replace(/^[.\s]+|[.\s]+$/g, '');
}

/** Whole characters of `stem` that fit with `reserved` further ones into both forms of the name. */
function cut(stem: string, reserved: number): string {
  let result = '';
  let escaped = reserved;
  for (const character of stem) {
    escaped += escapeExtended(character).length;
    if (result.length + character.length + reserved > ASCII_CHARS_MAX || escaped > ESCAPED_CHARS_MAX) break;
    result += character;
  }
  return result;
}

const asciiName = (name: string): string => name.replace(/[^A-Za-z0-9_.-]/gu, '_');

/** RFC 8187: everything but attr-char is escaped; encodeURIComponent leaves ' ( ) * open. */
const escapeExtended = (text: string): string =>
  encodeURIComponent(text).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
