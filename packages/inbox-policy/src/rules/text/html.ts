// HTML of a post to its text and its anchors, in one pass from left to right: no expression that could backtrack, no
// position read twice. What a browser drops (a tag or comment that never ends) is dropped here too.

import { decodeEntities } from './entities.ts';

export interface Anchor {
  readonly href: string;
  readonly text: string;
}

export interface PostText {
  /** Text without tags; mentions are left out. */
  readonly text: string;
  /** The same without what stands in anchors: addresses there are counted by their anchor. */
  readonly outside: string;
  readonly anchors: readonly Anchor[];
}

/** Elements that begin a line. */
const BREAKS: ReadonlySet<string> = new Set(['br', 'p', 'div', 'li', 'ul', 'ol', 'blockquote', 'pre', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'hr', 'tr']);
const ANCHORS_MAX = 1_024;
const NAME_CHARS_MAX = 12;

interface Tag {
  /** Lower case; '' for a comment or a declaration. */
  readonly name: string;
  readonly closes: boolean;
  /** Between name and `>`. */
  readonly attributes: string;
  /** Behind the `>`. */
  readonly end: number;
}

export function readHtml(html: string): PostText {
  const pieces: string[] = [];
  const outside: string[] = [];
  const anchors: Anchor[] = [];
  let open: { readonly href: string; readonly from: number } | undefined;
  const write = (text: string): void => {
    pieces.push(text);
    if (open === undefined) outside.push(text);
  };
  const leave = (): void => {
    if (open === undefined) return;
    const text = pieces.slice(open.from).join('').trim();
    if (isMention(text)) pieces.length = open.from;
    else if (anchors.length < ANCHORS_MAX) anchors.push({ href: open.href, text });
    outside.push(' ');
    open = undefined;
  };
  const enter = (tag: Tag): void => {
    if (BREAKS.has(tag.name)) write('\n');
    if (tag.name !== 'a') return;
    // Anchors do not nest: a second one ends the first.
    leave();
    const href = tag.closes ? undefined : hrefOf(tag.attributes);
    if (href !== undefined) open = { href, from: pieces.length };
  };

  let at = 0;
  while (at < html.length) {
    const next = html.indexOf('<', at);
    if (next === -1) break;
    if (next > at) write(decodeEntities(html.slice(at, next)));
    if (!opensTag(html, next)) {
      write('<');
      at = next + 1;
      continue;
    }
    const tag = readTag(html, next);
    at = tag?.end ?? html.length;
    if (tag !== undefined) enter(tag);
  }
  if (at < html.length) write(decodeEntities(html.slice(at)));
  leave();
  return { text: pieces.join('').trim(), outside: outside.join(''), anchors };
}

/** `@name` or `@name@host`: Misskey shows such an anchor as a mention, whatever it points to. */
export function isMention(text: string): boolean {
  if (!text.startsWith('@') || text.length < 2) return false;
  const second = text.indexOf('@', 1);
  return second === -1 || (second > 1 && second < text.length - 1 && !text.includes('@', second + 1));
}

function opensTag(html: string, at: number): boolean {
  const code = html.charCodeAt(at + 1);
  return code === 0x2f || code === 0x21 || code === 0x3f || isLetter(code);
}

const isLetter = (code: number): boolean => (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a);

/** The tag that begins at `at`; undefined when it never ends. */
function readTag(html: string, at: number): Tag | undefined {
  if (html.startsWith('<!--', at)) {
    const end = html.indexOf('-->', at + 4);
    return end === -1 ? undefined : { name: '', closes: false, attributes: '', end: end + 3 };
  }
  const closes = html[at + 1] === '/';
  const from = at + (closes ? 2 : 1);
  let to = from;
  while (to < html.length && to - from < NAME_CHARS_MAX && isNamePart(html.charCodeAt(to))) to += 1;
  const end = endOfTag(html, to);
  return end === undefined ? undefined : { name: html.slice(from, to).toLowerCase(), closes, attributes: html.slice(to, end), end: end + 1 };
}

const isNamePart = (code: number): boolean => isLetter(code) || (code >= 0x30 && code <= 0x39);

/** Position of the `>` that is in no quotes. Quotes count only behind `=`, as in browsers: else a stray one hides the rest. */
function endOfTag(html: string, from: number): number | undefined {
  let at = from;
  let isValue = false;
  while (at < html.length) {
    const char = html[at] ?? '';
    if (char === '>') return at;
    if (isValue && (char === '"' || char === '\'')) {
      at = html.indexOf(char, at + 1);
      if (at === -1) return undefined;
    }
    if (char === '=') isValue = true;
    else if (!isSpace(char)) isValue = false;
    at += 1;
  }
  return undefined;
}

const isSpace = (char: string): boolean => char === ' ' || char === '\n' || char === '\t' || char === '\r' || char === '\f';

/** Value of the first `href`. */
function hrefOf(attributes: string): string | undefined {
  let at = 0;
  while (at < attributes.length) {
    const equals = attributes.indexOf('=', at);
    if (equals === -1) return undefined;
    const name = lastWord(attributes, at, equals);
    let from = equals + 1;
    while (from < attributes.length && isSpace(attributes[from] ?? '')) from += 1;
    const quote = attributes[from];
    const isQuoted = quote === '"' || quote === '\'';
    const to = isQuoted ? attributes.indexOf(quote, from + 1) : endOfWord(attributes, from);
    const end = to === -1 ? attributes.length : to;
    if (name === 'href') return decodeEntities(attributes.slice(isQuoted ? from + 1 : from, end)).trim();
    at = end + 1;
  }
  return undefined;
}

/** The word before `to`, not before `from`; at most one character longer than `href`. */
function lastWord(text: string, from: number, to: number): string {
  let end = to;
  while (end > from && isSpace(text[end - 1] ?? '')) end -= 1;
  let start = end;
  while (start > from && end - start < 5 && !isSpace(text[start - 1] ?? '') && text[start - 1] !== '/') start -= 1;
  return text.slice(start, end).toLowerCase();
}

function endOfWord(text: string, from: number): number {
  let at = from;
  while (at < text.length && !isSpace(text[at] ?? '')) at += 1;
  return at;
}
