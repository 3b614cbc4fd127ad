// Comma-separated list headers with quoted strings and nested comments (RFC 9110 sections 5.6.1, 5.6.4, 5.6.5).

/** Both headers together cannot be longer than what a server accepts as its whole header section. */
export const LIST_BYTES_MAX = 16 * 1024;
/** RFC 9110 gives no limit; nobody nests comments deeper than two. */
const COMMENT_DEPTH_MAX = 8;

export interface SplitList {
  /** Elements without surrounding blanks; empty ones are dropped, as the RFC asks. */
  readonly elements: readonly string[];
  /** A quoted string or comment was left open or nested too deep, or the list was too long. */
  readonly broken: boolean;
}

/** Splits the lines of one header at its top-level commas. Never throws; linear in the input. */
export function splitList(lines: readonly string[], syntax: { readonly comments: boolean }): SplitList {
  const joined = lines.join(',');
  const text = joined.slice(0, LIST_BYTES_MAX);
  const elements: string[] = [];
  let start = 0;
  let state: ScanState = { quoted: false, depth: 0, tooDeep: false };
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (char === '\\' && (state.quoted || state.depth > 0)) at += 1;
    else if (char === ',' && !state.quoted && state.depth === 0) {
      elements.push(text.slice(start, at));
      start = at + 1;
    } else state = step(state, char, syntax.comments);
  }
  elements.push(text.slice(start));
  return {
    elements: elements.map(trimBlanks).filter((element) => element !== ''),
    broken: state.quoted || state.depth > 0 || state.tooDeep || joined.length > LIST_BYTES_MAX,
  };
}

interface ScanState {
  readonly quoted: boolean;
  readonly depth: number;
  readonly tooDeep: boolean;
}

function step(state: ScanState, char: string, comments: boolean): ScanState {
  // Inside a comment a quote is an ordinary character, and the other way round.
  if (char === '"' && state.depth === 0) return { ...state, quoted: !state.quoted };
  if (!comments || state.quoted) return state;
  if (char === '(') {
    return state.depth >= COMMENT_DEPTH_MAX ? { ...state, tooDeep: true } : { ...state, depth: state.depth + 1 };
  }
  return char === ')' && state.depth > 0 ? { ...state, depth: state.depth - 1 } : state;
}

const trimBlanks = (text: string): string => text.replace(/^[ \t]+|[ \t]+$/g, '');
