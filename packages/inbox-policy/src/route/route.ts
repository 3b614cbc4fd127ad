// Which request targets are inboxes. Misskey's router decodes the path before it compares: `/%69nbox` and
// `/users/a%2Fb/inbox` reach its inbox handler, and a filter that looks for the plain form only is walked around.

import { decodeFully } from './decode.ts';

export type InboxRoute = 'none' | 'inbox' | 'refused';

/** As Misskey writes them into its actors. The segment may hold what a path may hold, but no escape. */
const CANONICAL = /^\/(?:inbox|users\/(?!\.{1,2}\/)[\w.~@!$&'()*+,:=-]{1,256}\/inbox)$/;
/** Anything in the middle: which part of it a router would take for the one segment is lost in decoding. */
const LOOSE = /^\/(?:inbox|users\/.*\/inbox)$/is;
/** Up to the first slash, whatever stands before it: Misskey's router takes `http://a?b/inbox` for `/inbox`. */
const ABSOLUTE_FORM = /^[a-z][a-z0-9+.-]*:\/\/[^/]*/i;
/** Where a router may end the path. It matters whether it does so before or after decoding: `%23` is part of a segment. */
const ENDS = [/\?/, /[?#]/, /[?#;]/] as const;

/** `refused`: leads to an inbox only for a reader that is more tolerant than the canonical form. The query is not looked at. */
export function inboxRoute(target: string): InboxRoute {
  if (!target.includes('%') && !/inbox/i.test(target)) return 'none';
  if (CANONICAL.test(upTo(target, /\?/))) return 'inbox';
  for (const path of readings(target)) if (LOOSE.test(path) || LOOSE.test(folded(path))) return 'refused';
  return 'none';
}

/**
 * The paths that routers may see. One that decodes only once sees the same beginnings and ends as one that decodes fully,
 * since no escape reaches across a slash.
 */
function readings(target: string): ReadonlySet<string> {
  const origin = target.replace(ABSOLUTE_FORM, '');
  const decoded = [...new Set(ENDS.map((end) => upTo(origin, end)))].map(decodeFully).filter((path) => /inbox/i.test(path));
  return new Set(decoded.flatMap((path) => [path, ...ENDS.map((end) => upTo(path, end))]));
}

/** What a later router or a proxy in between might fold: backslashes, spaces, parameters, doubled and trailing slashes, dots. */
function folded(path: string): string {
  const segments: string[] = [];
  for (const raw of path.split(/[/\\]/)) {
    const segment = upTo(raw, /;/).trim();
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return `/${segments.join('/')}`;
}

function upTo(text: string, end: RegExp): string {
  const at = text.search(end);
  return at === -1 ? text : text.slice(0, at);
}
