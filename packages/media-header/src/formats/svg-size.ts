// The size an SVG asks for. Whatever cannot be read exactly is unknown: a guess would set a price.

import type { Size } from '../media-header.ts';

/** Longer than any number an editor writes. */
const NUMBER_CHARS_MAX = 64;
const U32_MAX = 0xffff_ffff;
/** CSS pixels per unit, CSS Values 4 §6.2; em and ex with the initial font size of 16 px. */
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  px: 1,
  pt: 96 / 72,
  pc: 16,
  in: 96,
  cm: 96 / 2.54,
  mm: 96 / 25.4,
  q: 96 / 101.6,
  em: 16,
  ex: 8,
};

/** From width and height, each replaced by the viewBox where it is missing or relative. */
export function intrinsicSize(attributes: ReadonlyMap<string, string>): Size | undefined {
  const [, , boxWidth, boxHeight] = parseViewBox(attributes.get('viewBox') ?? '');
  const width = parseLength(attributes.get('width') ?? '') ?? boxWidth;
  const height = parseLength(attributes.get('height') ?? '') ?? boxHeight;
  if (!isSide(width) || !isSide(height)) return undefined;
  return { width: wholeSide(width), height: wholeSide(height) };
}

const isSide = (value: number | undefined): value is number => value !== undefined && value > 0;

const wholeSide = (value: number): number => Math.min(Math.ceil(value), U32_MAX);

/** CSS pixels of an absolute length; undefined for percentages, entities and anything else. */
function parseLength(value: string): number | undefined {
  const text = value.slice(0, NUMBER_CHARS_MAX).trim();
  const end = endOfNumber(text);
  const number = parseNumber(text.slice(0, end));
  const unit = UNITS[text.slice(end).toLowerCase()];
  return number === undefined || unit === undefined ? undefined : number * unit;
}

function parseViewBox(value: string): readonly (number | undefined)[] {
  const parts = value.slice(0, 4 * NUMBER_CHARS_MAX).replaceAll(',', ' ').split(' ');
  return parts.filter((part) => part !== '').map(parseNumber);
}

function parseNumber(text: string): number | undefined {
  const value = text !== '' && endOfNumber(text) === text.length ? Number(text) : Number.NaN;
  return Number.isNaN(value) ? undefined : value;
}

/** Length of the leading characters that a number can have; `e` only before a digit or sign, so that `em` is a unit. */
function endOfNumber(text: string): number {
  let at = 0;
  while (at < text.length && isNumberChar(text, at)) at += 1;
  return at;
}

function isNumberChar(text: string, at: number): boolean {
  const char = text[at] ?? '';
  if (char === 'e' || char === 'E') return '+-0123456789'.includes(text[at + 1] ?? 'x');
  return '+-.0123456789'.includes(char);
}
