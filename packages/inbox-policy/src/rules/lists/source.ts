// Bytes of a host list to hosts. A subscribed list is somebody else's file: entries that cannot be read are counted and
// left out, but a file that is mostly unreadable (a page that says 404) or empty is refused, so that the last good copy stays.

import { RULES_LIMITS } from '../limits.ts';
import { parseCsv } from './csv.ts';
import { readHost } from './host.ts';

export const LIST_FORMATS = ['csv', 'json', 'plain'] as const;
export type ListFormat = (typeof LIST_FORMATS)[number];

export interface SourceRules {
  /** For rows of a CSV file that carry a severity: which ones count; default `suspend`. */
  readonly severities?: ReadonlySet<string>;
  /** A file of one's own may be empty. */
  readonly mayBeEmpty?: boolean;
}

export type HostSource =
  | { readonly ok: true; readonly hosts: ReadonlySet<string>; readonly skipped: number; readonly firstSkipped: string | undefined }
  | { readonly ok: false; readonly detail: string };

/** An entry as it stands in the file; undefined: a row that names nothing to block. */
type Entries = { readonly ok: true; readonly entries: readonly string[] } | { readonly ok: false; readonly detail: string };

const SEVERITIES: ReadonlySet<string> = new Set(['suspend']);

export function parseHostSource(format: ListFormat, bytes: Uint8Array, rules: SourceRules = {}): HostSource {
  if (bytes.byteLength > RULES_LIMITS.listBytesMax) return refused(`larger than ${RULES_LIMITS.listBytesMax} bytes`);
  const text = decode(bytes);
  if (text === undefined) return refused('not UTF-8');
  const read = entriesOf(format, text, rules.severities ?? SEVERITIES);
  if (!read.ok) return read;
  return collect(read.entries, rules.mayBeEmpty === true);
}

function collect(entries: readonly string[], mayBeEmpty: boolean): HostSource {
  const hosts = new Set<string>();
  let skipped = 0;
  let firstSkipped: string | undefined;
  for (const entry of entries) {
    const read = readHost(entry);
    if (read.ok) hosts.add(read.host);
    else {
      skipped += 1;
      firstSkipped ??= read.detail;
    }
    if (hosts.size > RULES_LIMITS.hostsMax) return refused(`more than ${RULES_LIMITS.hostsMax} hosts`);
  }
  if (skipped > hosts.size) return refused(`most of it is no host list: ${firstSkipped ?? ''}`);
  return hosts.size === 0 && !mayBeEmpty ? refused('holds no host') : { ok: true, hosts, skipped, firstSkipped };
}

const refused = (detail: string): { readonly ok: false; readonly detail: string } => ({ ok: false, detail });

function decode(bytes: Uint8Array): string | undefined {
  try {
    // A byte order mark is dropped: spreadsheets write one.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function entriesOf(format: ListFormat, text: string, severities: ReadonlySet<string>): Entries {
  switch (format) {
    case 'plain': return { ok: true, entries: plainEntries(text) };
    case 'csv': return csvEntries(text, severities);
    case 'json': return jsonEntries(text, severities);
  }
}

/** One per line; `#` at the beginning or behind a blank starts a comment. */
const plainEntries = (text: string): readonly string[] =>
  text.split('\n').flatMap((line) => {
    const hash = line.indexOf('#');
    const entry = (hash === -1 ? line : line.slice(0, hash)).trim();
    return entry === '' ? [] : [entry];
  });

/** Columns by the heading, as Mastodon exports them (`#domain,#severity,…`); without one the first column. */
function csvEntries(text: string, severities: ReadonlySet<string>): Entries {
  const rows = parseCsv(text);
  if (rows === undefined) return refused('not readable as CSV');
  const heading = (rows[0] ?? []).map((cell) => cell.trim().replace(/^#/, '').toLowerCase());
  const domain = heading.indexOf('domain');
  const severity = domain === -1 ? -1 : heading.indexOf('severity');
  const body = domain === -1 ? rows : rows.slice(1);
  return {
    ok: true,
    entries: body.flatMap((row) => {
      const entry = (row[Math.max(0, domain)] ?? '').trim();
      const isComment = entry === '' || (domain === -1 && entry.startsWith('#'));
      return isComment || !counts(severity === -1 ? undefined : row[severity], severities) ? [] : [entry];
    }),
  };
}

function counts(severity: string | undefined, severities: ReadonlySet<string>): boolean {
  const given = severity?.trim().toLowerCase();
  return given === undefined || given === '' || severities.has(given);
}

/** An array of names, or of objects with `domain` and perhaps `severity`. */
function jsonEntries(text: string, severities: ReadonlySet<string>): Entries {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refused('not JSON');
  }
  if (!Array.isArray(value)) return refused('not an array');
  return { ok: true, entries: value.flatMap((item: unknown) => jsonEntry(item, severities)) };
}

function jsonEntry(item: unknown, severities: ReadonlySet<string>): readonly string[] {
  if (typeof item === 'string') return [item];
  const domain = typeof item === 'object' && item !== null && 'domain' in item ? item.domain : undefined;
  // Counted as unreadable.
  if (typeof domain !== 'string') return ['?'];
  const severity = typeof item === 'object' && item !== null && 'severity' in item && typeof item.severity === 'string' ? item.severity : undefined;
  return counts(severity, severities) ? [domain] : [];
}
