// The few request headers the media path reads, taken from the raw list: Node joins or drops repeated headers, and a
// loop hidden in a second Via line, or a second Range, must be seen.

/** Longest list of validators read; a longer one is ignored, which only costs the client its 304. */
const IF_NONE_MATCH_CHARS_MAX = 4_096;
const IF_RANGE_CHARS_MAX = 256;
/** One syntactic range, the same form as in the fetch contract. */
const RANGE = /^bytes=(\d{0,15})-(\d{0,15})$/;

export interface MediaHeaders {
  /** Lines as they came, unsplit. */
  readonly via: readonly string[];
  readonly cdnLoop: readonly string[];
  readonly userAgents: readonly string[];
  /** `bytes=a-b`, `bytes=a-` or `bytes=-n`; several ranges, a malformed or a repeated header count as absent. */
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly ifNoneMatch: string | undefined;
}

const READ = ['via', 'cdn-loop', 'user-agent', 'range', 'if-range', 'if-none-match'] as const;
type ReadName = (typeof READ)[number];
const LENGTHS = new Set(READ.map((name) => name.length));
const isRead = (name: string): name is ReadName => (READ as readonly string[]).includes(name);
const NONE: readonly string[] = [];

/** Picks what the media path needs out of Node's flat `rawHeaders` (name, value, name, value, …). */
export function readMediaHeaders(rawHeaders: readonly string[]): MediaHeaders {
  const found: Partial<Record<ReadName, string[]>> = {};
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const raw = rawHeaders[index] ?? '';
    if (!LENGTHS.has(raw.length)) continue;
    const name = raw.toLowerCase();
    if (isRead(name)) (found[name] ??= []).push(rawHeaders[index + 1] ?? '');
  }
  return {
    via: found.via ?? NONE,
    cdnLoop: found['cdn-loop'] ?? NONE,
    userAgents: found['user-agent'] ?? NONE,
    range: singleRange(found.range),
    ifRange: single(found['if-range'], IF_RANGE_CHARS_MAX),
    ifNoneMatch: joined(found['if-none-match']),
  };
}

function single(lines: readonly string[] | undefined, charsMax: number): string | undefined {
  const line = lines?.[0];
  return line !== undefined && lines?.length === 1 && line.length <= charsMax ? line : undefined;
}

function joined(lines: readonly string[] | undefined): string | undefined {
  const text = lines?.join(', ');
  return text !== undefined && text.length <= IF_NONE_MATCH_CHARS_MAX ? text : undefined;
}

function singleRange(lines: readonly string[] | undefined): string | undefined {
  const line = single(lines, 64)?.trim();
  const parts = line === undefined ? null : RANGE.exec(line);
  if (line === undefined || parts === null) return undefined;
  const [, first = '', last = ''] = parts;
  if (first === '') return last === '' ? undefined : line;
  return last === '' || Number(first) <= Number(last) ? line : undefined;
}
