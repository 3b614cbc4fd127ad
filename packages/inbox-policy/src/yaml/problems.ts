// What is wrong with a file of the administrator, said with its lines.

import type { z } from 'zod';

/** Named at once; the rest of a file that is something else entirely would flood the log. */
const PROBLEMS_MAX = 20;

export type LineOf = (path: readonly PropertyKey[]) => number;

export interface Problem {
  readonly line: number;
  readonly text: string;
}

export function problemsError(problems: readonly Problem[]): Error {
  const named = [...problems].sort((a, b) => a.line - b.line).slice(0, PROBLEMS_MAX).map(({ line, text }) => `line ${line}: ${text}`);
  const more = problems.length - named.length;
  return new Error(named.join('; ') + (more > 0 ? `; and ${more} more` : ''));
}

export const nameOf = (path: readonly PropertyKey[]): string => (path.length === 0 ? 'the file' : path.map(String).join('.'));

export const schemaProblems = (issues: readonly z.core.$ZodIssue[], lineOf: LineOf): readonly Problem[] => issues.flatMap((issue) => describe(issue, lineOf));

function describe(issue: z.core.$ZodIssue, lineOf: LineOf): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ line: lineOf([...issue.path, key]), text: `${nameOf([...issue.path, key])} is not known` }));
  }
  return [{ line: lineOf(issue.path), text: `${nameOf(issue.path)}: ${issue.message}` }];
}
