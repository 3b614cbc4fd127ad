// The shared test corpus beside the repository. It is optional, but a folder that holds no cases is an error:
// a moved or emptied folder must not turn into tests that test nothing.

import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const REPOSITORY = resolve(import.meta.dirname, '../../../..');

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

/** Absolute path of the corpus, undefined where this checkout has none. */
export function corpusFolder(): string | undefined {
  const folder = join(REPOSITORY, '../shared/corpus');
  return existsSync(folder) ? folder : undefined;
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

type Line = Readonly<Record<string, unknown>>;

function readLines(path: string): readonly Line[] {
  const lines = readFileSync(path, 'utf8').split('\n').filter((line) => line !== '');
  if (lines.length === 0) throw new Error(`${path} holds no cases`);
  return lines.map((line) => JSON.parse(line) as Line);
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

function text(line: Line, key: string): string {
  const value = line[key];
  if (typeof value !== 'string') throw new TypeError(`a corpus case has no ${key}`);
  return value;
}

function oneOf<T extends string>(line: Line, key: string, values: readonly T[]): T {
  const value = values.find((known) => known === line[key]);
  if (value === undefined) throw new TypeError(`a corpus case has an unknown ${key}`);
  return value;
}
