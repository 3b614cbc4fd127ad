// The shared test corpus beside the repository. It is optional, but a folder that holds no cases is an error:
// a moved or emptied folder must not turn into tests that test nothing.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { corpusFolder } from './folder.ts';
import { type Line, oneOf, readLines, text } from './lines.ts';

export { type ActivityCase, type Delivery, type DeliverOptions, deliver, idOf, readActivityCases } from './activities.ts';
export { ATTACK_HOSTS, type AttackCase, type AttackCorpus, type AttackHosts, readAttackCorpus } from './attacks.ts';
export { corpusFolder } from './folder.ts';
export { TEST_DOMAIN, rewriteHosts, testHost } from './hosts.ts';

export interface ImageCase {
  readonly name: string;
  /** Absolute path. */
  readonly path: string;
  readonly file: string;
  /** What the origin should claim; absent: go by the extension. */
  readonly contentType?: string;
  /** `ok`: a picture must come out; `reject`: a clean 4xx; `any`: either. */
  readonly expected: 'ok' | 'reject' | 'any';
  readonly reason: string;
  readonly maxSeconds?: number;
  /** Of the right result, upright. */
  readonly width?: number;
  readonly height?: number;
  readonly frames?: number;
  readonly loop?: number;
  read(): Buffer;
}

export interface SsrfCase {
  readonly id: string;
  /** Exactly as written: control characters and blanks belong to the case. */
  readonly input: string;
  readonly kind: 'url' | 'authority' | 'ip';
  readonly expected: 'blocked' | 'allowed';
  readonly why: string;
  /** The verdict depends on an answer of DNS or on a redirect. */
  readonly needsDns: boolean;
  readonly source: string;
}

/**
 * All picture cases; empty without a corpus.
 * @throws Error when the folder exists but holds no cases.
 */
export function readImageCases(folder = corpusFolder()): readonly ImageCase[] {
  if (folder === undefined) return [];
  const images = join(folder, 'images');
  return [
    ...readLines(join(images, 'manifest.jsonl')).map((line) => toImageCase(line, join(images, 'generated'))),
    ...readLines(join(images, 'real.jsonl')).map((line) => toImageCase(line, join(images, 'real'))),
  ];
}

/**
 * All address, URL and authority cases; empty without a corpus.
 * @throws Error when the folder exists but holds no cases.
 */
export function readSsrfCases(folder = corpusFolder()): readonly SsrfCase[] {
  if (folder === undefined) return [];
  return readLines(join(folder, 'ssrf/cases.jsonl')).map((line) => ({
    id: text(line, 'id'),
    input: text(line, 'input'),
    kind: oneOf(line, 'kind', ['url', 'authority', 'ip']),
    expected: oneOf(line, 'expected', ['blocked', 'allowed']),
    why: text(line, 'why'),
    needsDns: line['needs_dns'] !== undefined && line['needs_dns'] !== false,
    source: text(line, 'source'),
  }));
}

function toImageCase(line: Line, folder: string): ImageCase {
  const file = text(line, 'file');
  const path = join(folder, file);
  return {
    name: text(line, 'name'),
    file,
    path,
    expected: oneOf(line, 'expected', ['ok', 'reject', 'any']),
    reason: text(line, 'reason'),
    ...(typeof line['content_type'] === 'string' ? { contentType: line['content_type'] } : {}),
    ...numbers(line),
    read: () => readFileSync(path),
  };
}

const NUMBERS = { max_seconds: 'maxSeconds', width: 'width', height: 'height', frames: 'frames', loop: 'loop' } as const;

const numbers = (line: Line): Record<string, number> =>
  Object.fromEntries(
    Object.entries(NUMBERS).flatMap(([from, to]) => (typeof line[from] === 'number' ? [[to, line[from]]] : [])),
  );
