// Addresses that a post leads its readers to: its anchors, and what Misskey makes a link of in plain text.

import type { PostText } from './html.ts';

const LINKS_MAX = 256;
const URL_CHARS_MAX = 2_048;
/** What ends an address in a text. */
const ENDS: ReadonlySet<string> = new Set([' ', '\n', '\r', '\t', '\f', '\u3000', '<', '>', '"', '\'', '`', '(', ')', '[', ']', '{', '}', '|', '\\', '^']);

export interface Links {
  readonly count: number;
  readonly hosts: ReadonlySet<string>;
}

export interface LinkRules {
  /** Names of hashtags, folded: an anchor `#name` of these is none. */
  readonly isHashtag: (name: string) => boolean;
  /** Addresses that are something else: the quoted post, the mentioned actors. */
  readonly known: ReadonlySet<string>;
}

export function linksOf(post: PostText, { isHashtag, known }: LinkRules): Links {
  const found = new Set<string>();
  const hosts = new Set<string>();
  const take = (text: string): void => {
    const url = text.length > URL_CHARS_MAX ? null : URL.parse(text);
    if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:') || known.has(url.href)) return;
    found.add(url.href);
    hosts.add(url.hostname.endsWith('.') ? url.hostname.slice(0, -1) : url.hostname);
  };
  for (const { href, text } of post.anchors.slice(0, LINKS_MAX)) {
    if (!(text.startsWith('#') && isHashtag(text.slice(1)))) take(href);
  }
  for (const address of addressesIn(post.outside)) take(address);
  return { count: found.size, hosts };
}

function* addressesIn(text: string): Generator<string> {
  let at = 0;
  for (let turn = 0; turn < LINKS_MAX; turn += 1) {
    const colon = text.indexOf('://', at);
    if (colon === -1) return;
    const from = schemeStart(text, colon);
    let to = colon + 3;
    while (to < text.length && to - colon <= URL_CHARS_MAX && !ENDS.has(text[to] ?? '')) to += 1;
    if (from !== undefined && to > colon + 3) yield text.slice(from, to);
    at = to;
  }
}

function schemeStart(text: string, colon: number): number | undefined {
  const before = text.slice(Math.max(0, colon - 5), colon).toLowerCase();
  if (before.endsWith('https')) return colon - 5;
  return before.endsWith('http') ? colon - 4 : undefined;
}
