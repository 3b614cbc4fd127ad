// Whether the Content-Type of an upstream is one that the asked document may have. A server that lets people upload files
// serves them under other types, so this is what keeps an upload from speaking as an actor (GHSA-qqrm-9grj-6v32). Pure.

import { ACTIVITY_PROFILE, type DocumentKind, DOCUMENTS } from '@sekisho/contracts';

const CHARS_MAX = 512;
const TOKEN = "[!#$%&'*+.^_`|~A-Za-z0-9-]+";
const PARAMETER = `[ \\t]*;[ \\t]*(${TOKEN})=(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))`;
const WHOLE = new RegExp(`^(${TOKEN}/${TOKEN})((?:${PARAMETER})*)[ \\t]*;?[ \\t]*$`);
const CHARSETS: ReadonlySet<string> = new Set(['utf-8', 'utf8', 'us-ascii']);

/** The type without its parameters; undefined where it is none of the kind, stands twice or has another charset. */
export function documentTypeOf(kind: DocumentKind, contentType: string | undefined): string | undefined {
  const parsed = parseContentType(contentType ?? '');
  if (parsed === undefined || !DOCUMENTS[kind].types.includes(parsed.type)) return undefined;
  const { type, parameters } = parsed;
  if (!CHARSETS.has(parameters.get('charset')?.toLowerCase() ?? 'utf-8')) return undefined;
  return type === 'application/ld+json' && !hasActivityProfile(parameters) ? undefined : type;
}

/** Plain ld+json is any linked data; only the profile, a list of URLs, says that it is an activity. */
const hasActivityProfile = (parameters: ReadonlyMap<string, string>): boolean =>
  (parameters.get('profile') ?? '').split(/[ \t]+/).includes(ACTIVITY_PROFILE);

interface ContentType {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

function parseContentType(text: string): ContentType | undefined {
  const [, type, rest = ''] = text.length > CHARS_MAX ? [] : (WHOLE.exec(text) ?? []);
  const parameters = parseParameters(rest);
  return type === undefined || parameters === undefined ? undefined : { type: type.toLowerCase(), parameters };
}

/** Undefined when a name stands twice: readers differ in which one they take. */
function parseParameters(text: string): ReadonlyMap<string, string> | undefined {
  const found = new Map<string, string>();
  for (const [, name = '', quoted, token] of text.matchAll(new RegExp(PARAMETER, 'g'))) {
    const key = name.toLowerCase();
    if (found.has(key)) return undefined;
    found.set(key, quoted === undefined ? (token ?? '') : quoted.replaceAll(/\\(.)/g, '$1'));
  }
  return found;
}
