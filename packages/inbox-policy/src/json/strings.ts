// String literals of RFC 8259. Every character is looked at once.

import { Buffer } from 'node:buffer';
import { hexDigit } from '../hex-digit.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
const SPACE = 0x20;
/** UTF-16 units of one character take at most three bytes of UTF-8 each. */
const BYTES_PER_UNIT_MAX = 3;

const SHORT_ESCAPES: ReadonlyMap<number, string> = new Map([
  [QUOTE, '"'], [BACKSLASH, '\\'], [0x2f, '/'], [0x62, '\b'], [0x66, '\f'], [0x6e, '\n'], [0x72, '\r'], [0x74, '\t'],
]);

export type StringLiteral =
  | { readonly ok: true; readonly value: string; readonly end: number }
  | { readonly ok: false; readonly problem: string };

const problem = (text: string): StringLiteral => ({ ok: false, problem: text });

/** Reads the literal whose first character after the quote is at `start`; `end` is after the closing quote. */
export function readString(text: string, start: number): StringLiteral {
  const quote = text.indexOf('"', start);
  if (quote === -1) return problem('a string without end');
  const value = text.slice(start, quote);
  return SPECIAL.test(value) ? readSpecial(text, start) : { ok: true, value, end: quote + 1 };
}

/** Escapes, and what must be one. */
const SPECIAL = /[\p{Cc}\\]/u;

function readSpecial(text: string, start: number): StringLiteral {
  let value = '';
  let from = start;
  let escapedUnit = false;
  for (let at = start; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) return finished(value + text.slice(from, at), at + 1, escapedUnit);
    if (unit < SPACE) return problem('a control character in a string');
    if (unit !== BACKSLASH) continue;
    const character = unescape(text, at + 1);
    if (character === undefined) return problem('an escape that JSON does not know');
    value += text.slice(from, at) + character;
    const isUnit = text.charCodeAt(at + 1) === LETTER_U;
    escapedUnit ||= isUnit;
    at += isUnit ? 5 : 1;
    from = at + 1;
  }
  return problem('a string without end');
}

/** Half a surrogate pair has no UTF-8: what Misskey stores of it differs from what was judged. */
function finished(value: string, end: number, escapedUnit: boolean): StringLiteral {
  if (escapedUnit && !value.isWellFormed()) return problem('half a surrogate pair');
  return { ok: true, value, end };
}

function unescape(text: string, at: number): string | undefined {
  const letter = text.charCodeAt(at);
  if (letter !== LETTER_U) return SHORT_ESCAPES.get(letter);
  let unit = 0;
  for (let digit = at + 1; digit <= at + 4; digit++) unit = unit * 16 + hexDigit(text.charCodeAt(digit));
  return Number.isNaN(unit) ? undefined : String.fromCharCode(unit);
}

export function longerThan(text: string, bytesMax: number): boolean {
  if (text.length > bytesMax) return true;
  return text.length * BYTES_PER_UNIT_MAX > bytesMax && Buffer.byteLength(text) > bytesMax;
}
