// Content-Type. Misskey never answers a post of `text/plain` or `application/json`, so nothing else may reach it.

const ACTIVITY_TYPES: ReadonlySet<string> = new Set(['application/activity+json', 'application/ld+json']);
const CHARS_MAX = 512;
const PARAMETERS_MAX = 8;
/** RFC 9110 section 5.6.6, with the empty parameter it allows. Sticky: one step per parameter, nothing is read twice. */
const PARAMETER = /[ \t]*;[ \t]*(?:([\w!#$%&'*+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~-]+)|"((?:[\t\x20-\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*)"))?/y;

/** True for the two types of ActivityPub, with any profile, in UTF-8. Parameters that nobody reads are not judged. */
export function isActivityType(value: string): boolean {
  if (value.length > CHARS_MAX) return false;
  const end = value.search(/[;\s]/);
  const type = end === -1 ? value : value.slice(0, end);
  if (!ACTIVITY_TYPES.has(type.toLowerCase())) return false;
  const parameters = readParameters(value, type.length);
  if (parameters === undefined) return false;
  const charset = parameters.get('charset');
  return charset === undefined || charset.toLowerCase() === 'utf-8';
}

function readParameters(value: string, start: number): ReadonlyMap<string, string> | undefined {
  const parameters = new Map<string, string>();
  let at = start;
  for (let step = 0; at < value.length && step < PARAMETERS_MAX; step++) {
    PARAMETER.lastIndex = at;
    const match = PARAMETER.exec(value);
    if (match === null) return undefined;
    at = PARAMETER.lastIndex;
    const name = match[1]?.toLowerCase();
    if (name === undefined) continue;
    if (parameters.has(name)) return undefined;
    parameters.set(name, match[2] ?? (match[3] ?? '').replaceAll(/\\(.)/g, '$1'));
  }
  return at < value.length ? undefined : parameters;
}
