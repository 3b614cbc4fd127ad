// What nodeinfo documents say. Both are a stranger's text: what has another shape than expected is not there, and only a link
// to the same host is followed, so that no host speaks for another one.

import type { Software } from '@sekisho/inbox-policy/rules';

/** Newest first; both have what is read here. */
const SCHEMAS = ['http://nodeinfo.diaspora.software/ns/schema/2.1', 'http://nodeinfo.diaspora.software/ns/schema/2.0'] as const;
/** Links looked at; real documents have up to four. */
const LINKS_MAX = 32;
export const NAME_CHARS_MAX = 64;
export const VERSION_CHARS_MAX = 64;
/** One of them is enough. */
const CAPTCHAS = ['enableHcaptcha', 'enableRecaptcha', 'enableMcaptcha', 'enableTurnstile'] as const;

type Json = Readonly<Record<string, unknown>>;

/** URL of the newest document that the host links to; undefined: none that may be asked for. */
export function readLinks(body: Uint8Array, host: string): string | undefined {
  const links = parse(body)['links'];
  if (!Array.isArray(links)) return undefined;
  const known = links.slice(0, LINKS_MAX).map(objectOf);
  for (const schema of SCHEMAS) {
    const found = known.filter(({ rel }) => rel === schema).map(({ href }) => ownUrl(href, host)).find((url) => url !== undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

function ownUrl(href: unknown, host: string): string | undefined {
  const url = typeof href === 'string' ? URL.parse(href) : null;
  if (url === null || url.protocol !== 'https:' || url.host !== host || url.username + url.password !== '') return undefined;
  url.hash = '';
  return url.href;
}

/** undefined: it does not even name the software. */
export function readNodeinfo(body: Uint8Array): Software | undefined {
  const document = parse(body);
  const software = objectOf(document['software']);
  const name = textOf(software['name'], NAME_CHARS_MAX)?.toLowerCase();
  if (name === undefined) return undefined;
  const metadata = objectOf(document['metadata']);
  return {
    name, version: textOf(software['version'], VERSION_CHARS_MAX), openSignup: flagOf(document['openRegistrations']),
    users: countOf(objectOf(objectOf(document['usage'])['users'])['total']),
    captcha: captchaOf(metadata), emailRequired: flagOf(metadata['emailRequiredForSignup']),
  };
}

/** Unknown where none of them is named: most software says nothing about it. */
function captchaOf(metadata: Json): boolean | undefined {
  const said = CAPTCHAS.flatMap((name) => flagOf(metadata[name]) ?? []);
  return said.length === 0 ? undefined : said.includes(true);
}

/** An object without anything in it where it is none. */
function parse(body: Uint8Array): Json {
  try {
    return objectOf(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)));
  } catch {
    return {};
  }
}

const NOTHING: Json = {};
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const objectOf = (value: unknown): Json => (isObject(value) ? value : NOTHING);

function textOf(value: unknown, charsMax: number): string | undefined {
  const text = typeof value === 'string' ? value.trim() : '';
  return text === '' || text.length > charsMax ? undefined : text;
}

const flagOf = (value: unknown): boolean | undefined => (typeof value === 'boolean' ? value : undefined);
const countOf = (value: unknown): number | undefined => (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined);
