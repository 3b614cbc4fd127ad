// The file of denied networks: one prefix per line, `#` starts a comment. One bad line refuses the whole file, because a
// list that is silently shorter than meant opens a network.

import { readFileSync, statSync } from 'node:fs';
import { parseCidr } from '@sekisho/netguard';

const FILE_BYTES_MAX = 256 * 1024;
const ENTRIES_MAX = 4_000;

export type DenyList =
  | { readonly ok: true; readonly cidrs: readonly string[] }
  | { readonly ok: false; readonly detail: string };

export function parseDenyList(text: string): DenyList {
  const cidrs: string[] = [];
  for (const [at, raw] of text.split(/\r?\n/).entries()) {
    const entry = raw.replace(/#.*$/, '').trim();
    if (entry === '') continue;
    if (parseCidr(entry) === undefined) return { ok: false, detail: `line ${at + 1} is no address prefix` };
    cidrs.push(entry);
    if (cidrs.length > ENTRIES_MAX) return { ok: false, detail: `more than ${ENTRIES_MAX} prefixes` };
  }
  return { ok: true, cidrs };
}

/** Text of the file; undefined when it is missing, unreadable or too large. */
export function readDenyFile(path: string): string | undefined {
  try {
    return statSync(path).size > FILE_BYTES_MAX ? undefined : readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
