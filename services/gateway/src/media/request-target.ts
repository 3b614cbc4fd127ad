// Which request targets are media, and which URL they ask for. Both dialects of clients: `<prefix>/<name>?url=<enc>`
// and Misskey.io's `<prefix>/<type>/<enc without https://>`.

import { LIMITS } from '@sekisho/contracts';

export const MEDIA_PREFIXES = ['/media', '/proxy'] as const;

/** First path segments of the Misskey.io dialect. Flags alone set the mode; the segment is as cosmetic as a file name. */
const PATH_TYPES: ReadonlySet<string> = new Set(['image', 'preview', 'static', 'emoji', 'svg', 'redirect', 'avatar', 'badge']);
/** More parameters than any client sends; each costs a step. */
const PARAMETERS_MAX = 64;
const ABSOLUTE_FORM = /^https?:\/\/[^/?#]*/i;
/** Decoded one by one, so that a broken escape further on cannot stop the comparison. */
const ASCII_ESCAPE = /%([0-7][0-9a-f])/gi;
const MEDIA_PATH = /^\/(?:media|proxy)(?=[/;]|$)/;

/**
 * Whether a request target belongs to the media routes, however it is spelled. Misskey's own router drops an absolute
 * form's host and decodes percent signs before it compares: a target that it would take for its `/proxy` must never
 * reach it, because its internal proxy opens connections of its own.
 */
export function isMediaTarget(target: string): boolean {
  // The common case first: a plain path of Misskey.
  if (target.startsWith('/') && !target.includes('%') && !target.startsWith('/media') && !target.startsWith('/proxy')) return false;
  const path = pathOf(target);
  return MEDIA_PATH.test(path) || MEDIA_PATH.test(path.replace(ASCII_ESCAPE, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))));
}

function pathOf(target: string): string {
  const origin = target.startsWith('/') ? target : target.replace(ABSOLUTE_FORM, '');
  const end = origin.search(/[?#]/);
  return end === -1 ? origin : origin.slice(0, end);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

export interface TargetParts {
  /** The asked URL as text, or undefined when there is none or more than one. */
  readonly url: string | undefined;
  /** Names of the parameters that are present, whatever their value. */
  readonly flags: ReadonlySet<string>;
}

/** Takes a media request target apart; the `url` parameter wins over the path. */
export function readTarget(target: string): TargetParts {
  const path = pathOf(target);
  const start = target.indexOf('?');
  const query = new URLSearchParams(start === -1 ? '' : withoutFragment(target.slice(start + 1)));
  const flags = new Set<string>();
  const urls: string[] = [];
  let count = 0;
  for (const [name, value] of query) {
    if (++count > PARAMETERS_MAX) return { url: undefined, flags };
    if (name === 'url') urls.push(value);
    else flags.add(name);
  }
  const asked = urls.length === 0 ? urlOfPath(path) : urls[0];
  const fits = urls.length <= 1 && asked !== undefined && asked !== '' && Buffer.byteLength(asked) <= LIMITS.urlBytesMax;
  return { url: fits ? asked : undefined, flags };
}

const withoutFragment = (text: string): string => {
  const hash = text.indexOf('#');
  return hash === -1 ? text : text.slice(0, hash);
};

function urlOfPath(path: string): string | undefined {
  const [, , type = '', ...rest] = path.split('/');
  const encoded = rest.join('/');
  if (!PATH_TYPES.has(type) || encoded === '') return undefined;
  const text = decoded(encoded);
  if (text === undefined || text === '') return undefined;
  return /^https?:\/\//i.test(text) ? text : `https://${text}`;
}
