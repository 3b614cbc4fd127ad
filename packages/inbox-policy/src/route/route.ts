// Which request targets are inboxes. Misskey's router decodes the path before it compares: `/%69nbox` and
// `/users/a%2Fb/inbox` reach its inbox handler, and a filter that looks for the plain form only is walked around.

export type InboxRoute = 'none' | 'inbox' | 'refused';

/** As Misskey writes them into its actors. The segment may hold what a path may hold, but no escape. */
const CANONICAL = /^\/(?:inbox|users\/(?!\.{1,2}\/)[\w.~@!$&'()*+,:=-]{1,256}\/inbox)$/;
/** Any number of segments in the middle: which of them were one is lost in decoding. */
const FOLDED = /^\/(?:inbox|users\/.*\/inbox)$/s;
/** Up to the first slash, whatever stands before it: Misskey's router takes `http://a?b/inbox` for `/inbox`. */
const ABSOLUTE_FORM = /^[a-z][a-z0-9+.-]*:\/\/[^/]*/i;

/** `refused`: leads to an inbox only for a reader that is more tolerant than the canonical form. The query is not looked at. */
export function inboxRoute(target: string): InboxRoute {
  if (!target.includes('%') && !/inbox/i.test(target)) return 'none';
  const path = target.slice(0, endOfPath(target, '?'));
  if (CANONICAL.test(path)) return 'inbox';
  return FOLDED.test(fold(target)) ? 'refused' : 'none';
}

/**
 * What the most tolerant router would compare. Misskey's of today drops an absolute form's host, cuts at `#` and decodes
 * once; case, doubled and trailing slashes, dot segments, parameters and backslashes are folded for those that a later
 * release or a proxy in between might fold.
 */
function fold(target: string): string {
  const decoded = decodeFully(target.replace(ABSOLUTE_FORM, '')).replaceAll('\\', '/');
  const path = decoded.slice(0, endOfPath(decoded, '?#')).toLowerCase();
  const segments: string[] = [];
  for (const raw of path.split('/')) {
    const segment = raw.slice(0, endOfPath(raw, ';')).trim();
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return `/${segments.join('/')}`;
}

function endOfPath(text: string, ends: string): number {
  for (let at = 0; at < text.length; at++) if (ends.includes(text.charAt(at))) return at;
  return text.length;
}

/**
 * Decodes until nothing is left to decode, in one pass: an escape that arises from decoding (`%2569`) is seen when its last
 * character is added. Bytes beyond ASCII stay as they are, since no inbox route has any.
 */
function decodeFully(text: string): string {
  if (!text.includes('%')) return text;
  const out: string[] = [];
  for (const character of text) {
    out.push(character);
    while (out.at(-3) === '%') {
      const code = escapeOf(out.at(-2) ?? '', out.at(-1) ?? '');
      if (code === undefined) break;
      out.length -= 3;
      out.push(String.fromCharCode(code));
    }
  }
  return out.join('');
}

function escapeOf(high: string, low: string): number | undefined {
  const hex = high + low;
  return /^[0-7][0-9a-f]$/i.test(hex) ? Number.parseInt(hex, 16) : undefined;
}
