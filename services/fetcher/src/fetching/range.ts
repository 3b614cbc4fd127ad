// Byte ranges (RFC 9110 section 14), strictly: what an upstream says about a part is believed only where it is what was
// asked for, because a part from elsewhere would be spliced into a file by the client. Pure.

export interface ContentRange {
  readonly start: number;
  readonly end: number;
  readonly total: number;
}

export type AskedRange =
  | { readonly kind: 'from'; readonly first: number; readonly last: number | undefined }
  | { readonly kind: 'suffix'; readonly length: number };

/** `bytes=a-b`, `bytes=a-` or `bytes=-n`; undefined for anything else, reversed ones included. */
export function parseRange(text: string): AskedRange | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(text);
  if (match === null) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '') return last === '' || Number(last) === 0 ? undefined : { kind: 'suffix', length: Number(last) };
  if (last !== '' && Number(last) < Number(first)) return undefined;
  return { kind: 'from', first: Number(first), last: last === '' ? undefined : Number(last) };
}

/** `bytes start-end/total` with start <= end < total and a known total; undefined for anything else. */
export function parseContentRange(text: string | undefined): ContentRange | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(text ?? '');
  if (match === null) return undefined;
  const [start = 0, end = 0, total = 0] = match.slice(1).map(Number);
  return start <= end && end < total ? { start, end, total } : undefined;
}

/** Is the part what was asked for, or its beginning? */
export function isAskedPart(asked: AskedRange, part: ContentRange): boolean {
  if (asked.kind === 'suffix') return part.start === Math.max(0, part.total - asked.length) && part.end === part.total - 1;
  return part.start === asked.first && (asked.last === undefined || part.end <= asked.last);
}

/** Content-Length as a number; undefined when absent, `false` when it is no plain number. */
export function parseLength(text: string | undefined): number | undefined | false {
  if (text === undefined) return undefined;
  return /^\d{1,15}$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : false;
}
