// Lists of blocked hosts: suffixes on a label border, in any spelling that a URL parser folds to the same name.

import { normalizeHost } from './names.ts';

export const HOST_LIST_ENTRIES_MAX = 100_000;
/** Twice the longest useful list: 100,000 names of 253 characters would be 25 MB. */
export const HOST_LIST_BYTES_MAX = 8 * 1024 * 1024;
/** More than these would only fill the log. */
const ERRORS_MAX = 20;
/** A name has at most 127 labels (RFC 1035: 255 octets). */
const LABELS_MAX = 128;

export type HostMatcher = (host: string) => boolean;

export interface HostListError {
  /** 1-based. */
  readonly line: number;
  readonly detail: string;
}
export type ParsedHostList =
  | { readonly ok: true; readonly suffixes: readonly string[] }
  | { readonly ok: false; readonly errors: readonly HostListError[] };

/** A host name or IP literal as the URL parser would write it (IDN as punycode); undefined if it is none. */
export function foldHost(text: string): string | undefined {
  if (text === '' || /[\s/\\?#@%]/.test(text)) return undefined;
  const parsed = URL.parse(`https://${text.replace(/^\*?\./, '')}/`);
  if (parsed === null || parsed.port !== '' || parsed.username !== '' || parsed.password !== '') return undefined;
  const host = normalizeHost(parsed.hostname);
  return host === '' ? undefined : host;
}

/**
 * Matches the suffixes themselves and every name below them: `evil.example` matches `a.evil.example`, not `notevil.example`.
 * Entries that are no host are ignored; `parseHostList` reports them.
 */
export function createHostMatcher(suffixes: readonly string[]): HostMatcher {
  const set = new Set(suffixes.slice(0, HOST_LIST_ENTRIES_MAX).flatMap((entry) => foldHost(entry) ?? []));
  return (host) => {
    const folded = set.size === 0 ? undefined : foldHost(host);
    if (folded === undefined) return false;
    const labels = folded.split('.').slice(-LABELS_MAX);
    return labels.some((_, at) => set.has(labels.slice(at).join('.')));
  };
}

/** One host per line, `#` starts a comment, a leading `*.` or `.` is dropped. A single bad line refuses the whole file. */
export function parseHostList(text: string): ParsedHostList {
  if (text.length > HOST_LIST_BYTES_MAX) return { ok: false, errors: [{ line: 1, detail: 'the list is larger than 8 MiB' }] };
  const suffixes = new Set<string>();
  const errors: HostListError[] = [];
  for (const [at, raw] of text.split(/\r?\n/).entries()) {
    const entry = raw.replace(/#.*$/, '').trim();
    if (entry === '') continue;
    const host = foldHost(entry);
    if (host === undefined) errors.push({ line: at + 1, detail: `no host name: ${JSON.stringify(entry.slice(0, 80))}` });
    else suffixes.add(host);
    if (suffixes.size > HOST_LIST_ENTRIES_MAX) errors.push({ line: at + 1, detail: `more than ${HOST_LIST_ENTRIES_MAX} hosts` });
    if (errors.length >= ERRORS_MAX || suffixes.size > HOST_LIST_ENTRIES_MAX) break;
  }
  return errors.length > 0 ? { ok: false, errors } : { ok: true, suffixes: [...suffixes] };
}
