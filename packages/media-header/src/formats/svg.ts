// SVG: text whose root element is `svg`, with or without prefix. HTML with a picture inside it is not SVG.
// A hand-written scanner without regular expressions: each character is looked at a bounded number of times.

import type { HeaderReader } from '../header-reader.ts';
import { type MediaHeader, notFound, picture, type Size } from '../media-header.ts';
import { intrinsicSize } from './svg-size.ts';

const TYPE = 'image/svg+xml';
/** Comments and processing instructions before the root; editors write one or two. */
const PROLOG_ITEMS_MAX = 64;
const ATTRIBUTES_MAX = 256;

export function readSvg(reader: HeaderReader): MediaHeader | undefined {
  const text = decode(reader);
  if (text === undefined) return undefined;
  const root = findRoot(text);
  if (root === undefined) return undefined;
  const nameEnd = endOfName(text, root + 1);
  // The name must be complete: `<svgfoo` is another element, and so may be `<sv` at the end of the bytes.
  if (nameEnd === text.length || localName(text.slice(root + 1, nameEnd)) !== 'svg') return undefined;
  const attributes = readAttributes(text, nameEnd);
  return attributes.complete ? picture(TYPE, intrinsicSize(attributes.values) ?? UNKNOWN) : notFound(reader, TYPE);
}

const UNKNOWN: Size = { width: 0, height: 0 };

/** The bytes as text when they can begin an XML document; only ASCII matters, so UTF-8 is read as Latin-1. */
function decode(reader: HeaderReader): string | undefined {
  const { bytes } = reader;
  if (reader.spells(0, '\xFF\xFE') || reader.spells(0, '<\0')) return new TextDecoder('utf-16le').decode(bytes);
  if (reader.spells(0, '\xFE\xFF') || reader.spells(0, '\0<')) return new TextDecoder('utf-16be').decode(bytes);
  const start = reader.spells(0, '\xEF\xBB\xBF') ? 3 : 0;
  let first = start;
  while (first < bytes.length && isSpace(reader.u8(first)) && reader.step()) first += 1;
  return reader.u8(first) === 0x3c ? new TextDecoder('latin1').decode(bytes.subarray(first)) : undefined;
}

/** Position of the root element's `<`, behind prolog, comments and doctype; undefined when there is none. */
function findRoot(text: string): number | undefined {
  let at = skipSpace(text, 0);
  for (let items = 0; items < PROLOG_ITEMS_MAX; items += 1) {
    if (text[at] !== '<') return undefined;
    const end = skipItem(text, at);
    if (end === at) return at;
    if (end === undefined) return undefined;
    at = skipSpace(text, end);
  }
  return undefined;
}

/** Behind the processing instruction, comment or doctype at `at`; `at` itself when an element begins there. */
function skipItem(text: string, at: number): number | undefined {
  if (text.startsWith('<?', at)) return behind(text, '?>', at + 2);
  if (text.startsWith('<!--', at)) return behind(text, '-->', at + 4);
  if (text.startsWith('<!DOCTYPE', at)) return skipDoctype(text, at + 9);
  return text.startsWith('<!', at) ? undefined : at;
}

function behind(text: string, mark: string, from: number): number | undefined {
  const found = text.indexOf(mark, from);
  return found < 0 ? undefined : found + mark.length;
}

/** Behind the doctype; undefined for HTML, whose root may be a bare `svg`, and for one that does not end. */
function skipDoctype(text: string, from: number): number | undefined {
  const name = skipSpace(text, from);
  const isHtml = text.slice(name, endOfName(text, name)).toLowerCase() === 'html';
  return isHtml ? undefined : closeDoctype(text, name);
}

/** Behind the `>` that closes the doctype: quotes, comments and an internal subset may hold others. */
function closeDoctype(text: string, from: number): number | undefined {
  let inSubset = false;
  let at: number | undefined = from;
  while (at !== undefined && at < text.length) {
    const char = text[at];
    if (char === '>' && !inSubset) return at + 1;
    if (char === '[') inSubset = true;
    if (char === ']') inSubset = false;
    at = nextInDoctype(text, at);
  }
  return undefined;
}

function nextInDoctype(text: string, at: number): number | undefined {
  const char = text[at] ?? '';
  if (char === '"' || char === "'") return behind(text, char, at + 1);
  return text.startsWith('<!--', at) ? behind(text, '-->', at + 4) : at + 1;
}

interface Attributes {
  readonly values: ReadonlyMap<string, string>;
  /** The closing `>` of the tag was found. */
  readonly complete: boolean;
}

function readAttributes(text: string, from: number): Attributes {
  const values = new Map<string, string>();
  let at = skipSpace(text, from);
  for (let count = 0; count < ATTRIBUTES_MAX && at < text.length; count += 1) {
    if (text[at] === '>' || text[at] === '/') return { values, complete: true };
    const nameEnd = endOfName(text, at);
    const equals = skipSpace(text, nameEnd);
    const open = skipSpace(text, equals + 1);
    const quote = text[open] ?? '';
    if (nameEnd === at || text[equals] !== '=' || (quote !== '"' && quote !== "'")) return { values, complete: true };
    const close = text.indexOf(quote, open + 1);
    if (close < 0) break;
    values.set(text.slice(at, nameEnd), text.slice(open + 1, close));
    at = skipSpace(text, close + 1);
  }
  return { values, complete: false };
}

const localName = (name: string): string => name.slice(name.indexOf(':') + 1);

function endOfName(text: string, from: number): number {
  let at = from;
  while (at < text.length && isNameChar(text.charCodeAt(at))) at += 1;
  return at;
}

/** Enough of XML's Name for `svg`, prefixes and attributes: ends at blanks, `/`, `>`, `=`, quotes and `<`. */
const isNameChar = (code: number): boolean =>
  code > 0x20 && code !== 0x2f && code !== 0x3e && code !== 0x3d && code !== 0x22 && code !== 0x27 && code !== 0x3c;

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && isSpace(text.charCodeAt(at))) at += 1;
  return at;
}

const isSpace = (code: number): boolean => code === 0x20 || (code >= 0x09 && code <= 0x0d && code !== 0x0b);
