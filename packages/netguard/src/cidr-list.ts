// Lists of prefixes in a file: one per line, `#` starts a comment. One bad line refuses the whole list, because a list that
// is silently shorter than meant opens a network or believes nobody.

import { parseCidr } from './address.ts';

/** The largest CDN publishes some 3,000 prefixes in 60 KiB. */
export const CIDR_LIST_BYTES_MAX = 256 * 1024;
const ENTRIES_MAX = 4_000;

/**
 * @param problemOf what is wrong with a prefix beyond its form, as the end of a sentence that begins with its line.
 * @throws Error that names the line.
 */
export function parseCidrList(text: string, problemOf: (cidr: string) => string | undefined = () => undefined): readonly string[] {
  const cidrs: string[] = [];
  for (const [at, raw] of text.split(/\r?\n/).entries()) {
    const entry = raw.replace(/#.*$/, '').trim();
    if (entry === '') continue;
    const problem = parseCidr(entry) === undefined ? 'is no address prefix' : problemOf(entry);
    if (problem !== undefined) throw new Error(`line ${at + 1} ${problem}`);
    cidrs.push(entry);
    if (cidrs.length > ENTRIES_MAX) throw new Error(`more than ${ENTRIES_MAX} prefixes`);
  }
  return cidrs;
}
