// Text of the limits file to limits. A problem names its line; one problem refuses the whole file.

import { type Document, LineCounter, isMap, isNode, isScalar, parseDocument, visit } from 'yaml';
import type { z } from 'zod';
import type { GatewayLimits } from './limits.ts';
import { combinationFault, limitsFileSchema, withDefaults } from './schema.ts';

export const LIMITS_FILE_BYTES_MAX = 64 * 1024;
/** Named at once; the rest of a file that is something else entirely would flood the log. */
const PROBLEMS_MAX = 10;

type LineOf = (path: readonly PropertyKey[]) => number;

/** @throws Error whose message names line and key of each problem. */
export function parseLimitsFile(text: string): GatewayLimits {
  if (Buffer.byteLength(text) > LIMITS_FILE_BYTES_MAX) throw new Error(`the file is larger than ${LIMITS_FILE_BYTES_MAX} bytes`);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, schema: 'core', version: '1.2', strict: true, prettyErrors: false });
  const broken = document.errors.map(({ pos, message }) => `line ${lines.linePos(pos[0]).line}: ${message}`);
  if (broken.length > 0) throw problem(broken);
  const alias = firstAlias(document);
  if (alias !== undefined) throw problem([`line ${lines.linePos(alias).line}: aliases are not supported`]);
  // An empty file, or one of comments only, changes nothing.
  const parsed = limitsFileSchema.safeParse(document.toJS() ?? {});
  if (!parsed.success) throw problem(parsed.error.issues.flatMap((issue) => describe(issue, createLineOf(document, lines))));
  const limits = withDefaults(parsed.data);
  const fault = combinationFault(limits);
  if (fault !== undefined) throw problem([`line ${createLineOf(document, lines)(['budget'])}: ${fault}`]);
  return limits;
}

/** Offset of the first alias: nothing here needs one, and aliases of aliases multiply. */
function firstAlias(document: Document): number | undefined {
  let offset: number | undefined;
  visit(document, {
    Alias: (_key, { range }) => {
      offset = range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return offset;
}

const problem = (problems: readonly string[]): Error => {
  const more = problems.length - PROBLEMS_MAX;
  return new Error(problems.slice(0, PROBLEMS_MAX).join('; ') + (more > 0 ? `; and ${more} more` : ''));
};

function describe(issue: z.core.$ZodIssue, lineOf: LineOf): string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `line ${lineOf([...issue.path, key])}: ${[...issue.path, key].join('.')} is not known`);
  }
  const name = issue.path.length === 0 ? 'the file' : issue.path.join('.');
  return [`line ${lineOf(issue.path)}: ${name}: ${issue.message}`];
}

/** Line of the key at a path, or of the deepest part of the path that stands in the file. */
const createLineOf = (document: Document, lines: LineCounter): LineOf => (path) => {
  let at: unknown = document.contents;
  let offset = isNode(at) ? (at.range?.[0] ?? 0) : 0;
  for (const part of path) {
    if (!isMap(at)) break;
    const pair = at.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
    if (pair === undefined) break;
    offset = isScalar(pair.key) ? (pair.key.range?.[0] ?? offset) : offset;
    at = pair.value;
  }
  return lines.linePos(offset).line;
};
