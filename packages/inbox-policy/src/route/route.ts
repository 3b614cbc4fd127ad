// Which request targets are inboxes. Misskey's router decodes the path before it compares: `/%69nbox` and
// `/users/a%2Fb/inbox` reach its inbox handler, and a filter that looks for the plain form only is walked around.

export type InboxRoute = 'none' | 'inbox' | 'refused';

/** As Misskey writes them into its actors. The segment may hold what a path may hold, but no escape. */
const CANONICAL = /^\/(?:inbox|users\/(?!\.{1,2}\/)[\w.~@!$&'()*+,:=-]{1,256}\/inbox)$/;
/** Anything in the middle: which part of it a router would take for the one segment is lost in decoding. */
const LOOSE = /^\/(?:inbox|users\/.*\/inbox)$/is;
/** Up to the first slash, whatever stands before it: Misskey's router takes `http://a?b/inbox` for `/inbox`. */
const ABSOLUTE_FORM = /^[a-z][a-z0-9+.-]*:\/\/[^/]*/i;
/** Where a router may end the path. It matters whether it does so before or after decoding: `%23` is part of a segment. */
const ENDS = ['?', '?#', '?#;'] as const;

/** `refused`: leads to an inbox only for a reader that is more tolerant than the canonical form. The query is not looked at. */
export function inboxRoute(target: string): InboxRoute {
  if (!target.includes('%') && !/inbox/i.test(target)) return 'none';
  if (CANONICAL.test(upTo(target, '?'))) return 'inbox';
  return readings(target).some((path) => LOOSE.test(path) || LOOSE.test(folded(path))) ? 'refused' : 'none';
}

/** The paths that routers may see. One that decodes only once sees no other prefix or suffix than one that decodes fully. */
function readings(target: string): readonly string[] {
  const origin = target.replace(ABSOLUTE_FORM, '');
  return ENDS.flatMap((before) => {
    const decoded = decodeFully(upTo(origin, before));
    return ENDS.map((after) => upTo(decoded, after)).concat(decoded);
  });
}

/** What a later router or a proxy in between might fold: backslashes, spaces, parameters, doubled and trailing slashes, dots. */
function folded(path: string): string {
  const segments: string[] = [];
  for (const raw of path.replaceAll('\\', '/').split('/')) {
    const segment = upTo(raw, ';').trim();
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return `/${segments.join('/')}`;
}

function upTo(text: string, ends: string): string {
  for (let at = 0; at < text.length; at++) if (ends.includes(text.charAt(at))) return text.slice(0, at);
  return text;
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
