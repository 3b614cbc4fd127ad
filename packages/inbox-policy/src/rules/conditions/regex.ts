// Regular expressions of administrators over texts of strangers. RE2 never backtracks: time grows with the text times the
// size of the expression, and both have a maximum.

import { RE2JS, RE2Set } from 're2js';
import { REGEX_TEXT_MAX, RULES_LIMITS } from '../limits.ts';

/**
 * Tables of the automaton of one comparison, instead of 8 MiB: 64 of them must fit into a gateway, and filling larger ones
 * for a text that never repeats takes longer than doing without (measured: 230 ms against 70 ms for 16,384 characters).
 * Classes such as \p{L} need more than 256 KiB.
 */
const TABLE_BYTES = 1024 * 1024;

export interface Pattern {
  /** Whether any of the expressions is found in the text. */
  test(text: string): boolean;
  /** Instructions of the compiled expressions. */
  readonly size: number;
}

export type CompiledPattern = { readonly ok: true; readonly pattern: Pattern } | { readonly ok: false; readonly detail: string };

export function compilePattern(sources: readonly string[]): CompiledPattern {
  let size = 0;
  const set = new RE2Set(RE2Set.UNANCHORED, 0, TABLE_BYTES);
  for (const source of sources) {
    if (source.length > RULES_LIMITS.patternCharsMax) return refused(`a regular expression is longer than ${RULES_LIMITS.patternCharsMax} characters`);
    const program = programOf(source);
    if (typeof program === 'string') return refused(`${JSON.stringify(source.slice(0, 80))}: ${program}`);
    if (program > RULES_LIMITS.programMax) {
      return refused(`${JSON.stringify(source.slice(0, 80))}: too large (${program} steps, at most ${RULES_LIMITS.programMax}); counted repetitions are written out`);
    }
    size += program;
    set.add(source);
  }
  set.compile();
  return { ok: true, pattern: { size, test: (text) => set.match(text.length > REGEX_TEXT_MAX ? text.slice(0, REGEX_TEXT_MAX) : text).length > 0 } };
}

const refused = (detail: string): CompiledPattern => ({ ok: false, detail });

/** Size of the program, or why there is none. */
function programOf(source: string): number | string {
  try {
    return RE2JS.compile(source).programSize();
  } catch (error) {
    return error instanceof Error ? error.message : 'not readable';
  }
}
