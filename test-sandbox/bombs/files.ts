// The pictures of the suite: the test kit's bombs, and the shared corpus where this checkout has one.

import type { DecodeClass, MediaMode } from '@sekisho/contracts';
import { BOMBS, PICTURES, readImageCases } from '@sekisho/testkit';

export interface SuiteFile {
  readonly name: string;
  readonly class: DecodeClass;
  readonly mode: MediaMode;
  bytes(): Promise<Buffer>;
}

/** Emoji are the dearest for raster pictures, frames included; an SVG is drawn at its greatest as it is. */
const shape = (vector: boolean): Pick<SuiteFile, 'class' | 'mode'> => (vector ? { class: 'svg', mode: 'asis' } : { class: 'raster', mode: 'emoji' });

export const MADE_BOMBS: readonly SuiteFile[] = Object.values(BOMBS).map((bomb) =>
  ({ name: bomb.name, ...shape(bomb.type === 'image/svg+xml'), bytes: async () => await bomb.bytes() }));

const corpus = readImageCases();
const isVector = (file: string): boolean => /\.svgz?$/.test(file);

export const CORPUS_BOMBS: readonly SuiteFile[] = corpus.filter(({ expected }) => expected !== 'ok')
  .map((one) => ({ name: one.file, ...shape(isVector(one.file)), bytes: async () => one.read() }));

/** Types that the contract does not convert are no legit pictures for a decoder. */
const FOREIGN: ReadonlySet<string> = new Set(['image/tiff', 'text/plain', 'text/html', 'application/octet-stream']);

/** In the mode that keeps most of them. */
export const GOOD_FILES: readonly SuiteFile[] = [
  ...Object.values(PICTURES).filter(({ type }) => !FOREIGN.has(type)).map((one): SuiteFile =>
    ({ name: one.name, class: one.type === 'image/svg+xml' ? 'svg' : 'raster', mode: one.type === 'image/svg+xml' ? 'asis' : 'avatar', bytes: async () => await one.bytes() })),
  ...corpus.filter(({ expected }) => expected === 'ok').map((one): SuiteFile =>
    ({ name: one.file, class: isVector(one.file) ? 'svg' : 'raster', mode: isVector(one.file) ? 'asis' : 'avatar', bytes: async () => one.read() })),
];
