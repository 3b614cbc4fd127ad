// The header lines of a request as they came, by name. Node joins or drops repeated lines; two readers then see two requests.

export type HeaderLines = ReadonlyMap<string, readonly string[]>;

export function headerLines(rawHeaders: readonly string[]): HeaderLines {
  const lines = new Map<string, string[]>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    const values = lines.get(name) ?? [];
    values.push(rawHeaders[at + 1] ?? '');
    lines.set(name, values);
  }
  return lines;
}

/** The value of a header that stands once; undefined where it is missing. Repeats were refused before. */
export const headerOf = (lines: HeaderLines, name: string): string | undefined => lines.get(name)?.[0];

/** RFC 9110 section 5.6.2. */
export const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
/** A value that has the same bytes in every encoding: what is signed is bytes, what Node hands out is text. */
export const PLAIN_VALUE = /^[\x20-\x7e]*$/;
