// The shared corpus: sizes of the good, refusal of the bad. Skipped in a checkout without it.

import { describe, expect, it } from '@jest/globals';
import { LIMITS } from '@sekisho/contracts';
import { corpusFolder, type ImageCase, readImageCases } from '@sekisho/testkit';
import { checkHeaderLimits, type MediaHeader, readMediaHeader } from './index.ts';

const cases = readImageCases();
const inCorpus = corpusFolder() === undefined ? describe.skip : describe;
const named = (wanted: (one: ImageCase) => boolean): [string, ImageCase][] =>
  cases.filter(wanted).map((one) => [one.file, one]);

const refused = (header: MediaHeader): boolean =>
  header.kind !== 'picture' || !checkHeaderLimits(header, LIMITS).ok;

/** Looks sound from its beginning: only the decoder, or the type list for TIFF, can refuse it. */
const LATER = ['avif-truncated.avif', 'tiff-16000.tif', 'tiff-ifd-loop.tif'];

inCorpus('readMediaHeader() on the corpus', () => {
  it('has cases of each verdict', () => {
    for (const verdict of ['ok', 'reject', 'any']) expect(cases.filter(({ expected }) => expected === verdict).length).toBeGreaterThan(20);
  });

  it.each(named(({ expected, width }) => expected === 'ok' && width !== undefined))('gives the size of %s', (_file, one) => {
    const header = readMediaHeader(one.read());
    expect(header.kind).toBe('picture');
    if (header.kind !== 'picture') return;
    // The header does not turn pictures: EXIF orientations 5 to 8 and irot swap the sides.
    const turned = /exif-[5-8]|Portrait_[5-8]|rotate/.test(one.file);
    expect(turned ? [header.height, header.width] : [header.width, header.height]).toEqual([one.width, one.height]);
    expect(header.framesAtLeast).toBeLessThanOrEqual(one.frames ?? header.framesAtLeast);
    expect(checkHeaderLimits(header, LIMITS)).toEqual({ ok: true });
  });

  it.each(named(({ expected, file }) => expected === 'reject' && !LATER.includes(file)))('refuses %s', (_file, one) => {
    expect(refused(readMediaHeader(one.read()))).toBe(true);
  });

  it.each(named(({ file }) => LATER.includes(file)))('leaves %s to the decoder', (_file, one) => {
    expect(refused(readMediaHeader(one.read()))).toBe(false);
  });

  it.each(named(() => true))('gives the same for the first 64 KiB of %s', (_file, one) => {
    const bytes = one.read();
    expect(readMediaHeader(bytes.subarray(0, 65_536))).toEqual(readMediaHeader(bytes));
  });

  it.each([
    ['apng-5000-frames.png', 5_000],
    ['gif-12k-frames.gif', 301],
    ['webp-6000-frames.webp', 301],
  ])('sees many frames in %s', (file, least) => {
    const one = cases.find((candidate) => candidate.file === file);
    const header = readMediaHeader(one?.read() ?? Buffer.alloc(0));
    expect(header.kind === 'picture' && header.framesAtLeast).toBeGreaterThanOrEqual(least);
  });
});
