// The few upstream headers that say something: validator and file name. Both are untrusted text that goes on to others.
// Pure.

import { parseHttpDate } from './http-date.ts';

const VALIDATOR_CHARS_MAX = 256;
const NAME_CHARS_MAX = 255;
const DISPOSITION_CHARS_MAX = 4_096;

type Headers = Readonly<Record<string, string | undefined>>;

/** ETag (RFC 9110 section 8.8.3), else Last-Modified, as text; undefined when absent or malformed. */
export function validatorOf(headers: Headers): string | undefined {
  const { etag } = headers;
  if (etag !== undefined && etag.length <= VALIDATOR_CHARS_MAX && /^(?:W\/)?"[\x21\x23-\x7e]*"$/.test(etag)) return etag;
  const modified = headers['last-modified'];
  return modified !== undefined && parseHttpDate(modified) !== undefined ? modified : undefined;
}

/** Name suggested by Content-Disposition (RFC 6266): `filename*` before `filename`; undefined when there is no usable one. */
export function fileNameOf(disposition: string | undefined): string | undefined {
  if (disposition === undefined || disposition.length > DISPOSITION_CHARS_MAX) return undefined;
  const parameters = parseParameters(disposition);
  const extended = parameters.get('filename*');
  const decoded = extended === undefined ? undefined : decodeExtended(extended);
  return cleanName(decoded ?? fromLatin1(parameters.get('filename') ?? ''));
}

const PARAMETER = /;[ \t]*([A-Za-z0-9*!#$&+.^_`|~-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s";]*))/gs;
const PARAMETERS_MAX = 16;

/** The first value of each parameter. */
function parseParameters(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const match of text.matchAll(PARAMETER)) {
    const name = (match[1] ?? '').toLowerCase();
    const value = match[2] === undefined ? (match[3] ?? '') : match[2].replaceAll(/\\(.)/gs, '$1');
    if (!found.has(name)) found.set(name, value);
    if (found.size >= PARAMETERS_MAX) break;
  }
  return found;
}

/** `charset'language'percent-encoded` (RFC 8187), UTF-8 only. */
function decodeExtended(value: string): string | undefined {
  const match = /^utf-8'[^']*'([\x21-\x7e]*)$/i.exec(value);
  if (match === null) return undefined;
  try {
    return decodeURIComponent(match[1] ?? '');
  } catch {
    return undefined;
  }
}

/** Header bytes arrive as Latin-1; many servers put UTF-8 into them. */
function fromLatin1(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  const utf8 = bytes.toString('utf8');
  return utf8.includes('\u{fffd}') ? text : utf8;
}

// Control characters forge headers and lines; bidi marks make exe.gpj of jpg.exe; separators make paths.
// oxlint-disable-next-line no-control-regex -- control characters are what it removes
const UNWANTED = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

function cleanName(text: string): string | undefined {
  const last = text.replaceAll(UNWANTED, '').split(/[/\\]/).at(-1) ?? '';
  const name = Buffer.from(last.trim().slice(0, NAME_CHARS_MAX)).toString('utf8').replaceAll('\u{fffd}', '');
  return name === '' || name === '.' || name === '..' ? undefined : name;
}
