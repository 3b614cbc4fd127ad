// YAML to a value, and lines for whatever is wrong with that value.

import { type Document, LineCounter, isMap, isNode, isScalar, isSeq, parseDocument, visit } from 'yaml';
import { type LineOf, type Problem, problemsError } from './problems.ts';

export interface ReadYaml {
  readonly value: unknown;
  readonly lineOf: LineOf;
}

/** @throws Error whose message names line and problem. */
export function readYaml(text: string, bytesMax: number): ReadYaml {
  if (Buffer.byteLength(text) > bytesMax) throw new Error(`the file is larger than ${bytesMax} bytes`);
  try {
    return parse(text);
  } catch (error) {
    // The reader recurses.
    if (error instanceof RangeError) throw new Error('line 1: the file is nested too deeply', { cause: error });
    throw error;
  }
}

function parse(text: string): ReadYaml {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, schema: 'core', version: '1.2', strict: true, prettyErrors: false, logLevel: 'error' });
  const broken = document.errors.map(({ pos, message }): Problem => ({ line: lines.linePos(pos[0]).line, text: message }));
  if (broken.length > 0) throw problemsError(broken);
  const alias = firstAlias(document);
  if (alias !== undefined) throw problemsError([{ line: lines.linePos(alias).line, text: 'aliases are not supported' }]);
  return { value: document.toJS(), lineOf: createLineOf(document, lines) };
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

/** Line of the key or item at a path, or of the deepest part of the path that stands in the file. */
const createLineOf = (document: Document, lines: LineCounter): LineOf => (path) => {
  let at: unknown = document.contents;
  let offset = startOf(at) ?? 0;
  for (const part of path) {
    const next = step(at, part);
    if (next === undefined) break;
    offset = next.offset ?? offset;
    at = next.node;
  }
  return lines.linePos(offset).line;
};

interface Step {
  readonly node: unknown;
  readonly offset: number | undefined;
}

function step(at: unknown, part: PropertyKey): Step | undefined {
  if (isSeq(at)) {
    const node = at.items[Number(part)];
    return node === undefined ? undefined : { node, offset: startOf(node) };
  }
  if (!isMap(at)) return undefined;
  const pair = at.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
  return pair === undefined ? undefined : { node: pair.value, offset: startOf(pair.key) };
}

const startOf = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined);
