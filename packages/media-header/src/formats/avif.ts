// AVIF stills and sequences (ISO/IEC 23008-12 and 14496-12 boxes). The largest `ispe` counts, also that of a grid tile
// or of an alpha plane; a sequence tells its samples in `stts`. HEIC has the same boxes under other brands and is `other`.

import { type Box, boxesOf, findBox } from './boxes.ts';
import type { HeaderReader } from '../header-reader.ts';
import { broken, type Frames, type MediaHeader, notFound, type Size, sized } from '../media-header.ts';

const TYPE = 'image/avif';
/** Major brands under which a picture may list `avif` or `avis` as compatible; a film that lists them stays a film. */
const MAJOR_BRANDS: readonly string[] = ['avif', 'avis', 'mif1', 'msf1', 'miaf', 'MA1A', 'MA1B'];
const BRANDS_MAX = 64;
const NOTHING: Size = { width: 0, height: 0 };
/** A sequence whose samples lie behind the bytes given: at least two, or it would be a still. */
const SOME_FRAMES = 2;

type Kind = 'still' | 'sequence';

export function readAvif(reader: HeaderReader): MediaHeader | undefined {
  const kind = readBrands(reader);
  if (kind === undefined) return undefined;
  const top: Box = { name: '', start: 0, end: reader.length, cut: reader.partial };
  const meta = findBox(reader, top, 'meta');
  const still = meta === undefined ? NOTHING : largestItem(reader, meta);
  const movie = kind === 'sequence' ? findBox(reader, top, 'moov') : undefined;
  const track = movie === undefined ? undefined : readTracks(reader, movie);
  const frames = kind === 'sequence' ? framesOf(track) : undefined;
  const size = larger(still, track?.size ?? NOTHING);
  if (size.width > 0 && size.height > 0) return sized(TYPE, size, frames);
  return reader.partial ? notFound(reader, TYPE, frames) : broken(TYPE, 'no size found');
}

function readBrands(reader: HeaderReader): Kind | undefined {
  if (!reader.spells(4, 'ftyp') || !MAJOR_BRANDS.includes(reader.name(8))) return undefined;
  const brands = [reader.name(8)];
  const end = Math.min(reader.u32be(0), reader.length, 16 + 4 * BRANDS_MAX);
  for (let at = 16; at + 4 <= end && reader.step(); at += 4) brands.push(reader.name(at));
  if (brands.includes('avis')) return 'sequence';
  return brands.includes('avif') ? 'still' : undefined;
}

const larger = (one: Size, two: Size): Size => (two.width * two.height > one.width * one.height ? two : one);

/** meta is a full box: its children begin behind version and flags. */
function largestItem(reader: HeaderReader, meta: Box): Size {
  const properties = findBox(reader, { ...meta, start: meta.start + 4 }, 'iprp');
  const container = properties && findBox(reader, properties, 'ipco');
  let largest = NOTHING;
  // A large item may hide behind the bytes given: better unknown than too small.
  if (container === undefined || container.cut) return largest;
  for (const box of boxesOf(reader, container)) {
    if (box.name !== 'ispe' || !reader.has(box.start, 12)) continue;
    largest = larger(largest, { width: reader.u32be(box.start + 4), height: reader.u32be(box.start + 8) });
  }
  return largest;
}

interface Tracks {
  readonly size: Size;
  readonly samples: number;
}

const framesOf = (tracks: Tracks | undefined): Frames => {
  const samples = tracks === undefined || tracks.samples === 0 ? SOME_FRAMES : tracks.samples;
  return { framesAtLeast: samples, animated: samples > 1 };
};

/** Largest picture and most samples of all tracks: one of them may be the alpha plane. */
function readTracks(reader: HeaderReader, movie: Box): Tracks {
  let size = NOTHING;
  let samples = 0;
  for (const track of boxesOf(reader, movie)) {
    if (track.name !== 'trak') continue;
    const table = samplePath(reader, track);
    if (table === undefined) continue;
    size = larger(size, entrySize(reader, table));
    samples = Math.max(samples, countSamples(reader, table));
  }
  return { size, samples };
}

function samplePath(reader: HeaderReader, track: Box): Box | undefined {
  let box: Box | undefined = track;
  for (const name of ['mdia', 'minf', 'stbl']) box = box && findBox(reader, box, name);
  return box;
}

/** stsd: version, flags, count, then a visual sample entry with its sides 24 bytes behind its own header. */
function entrySize(reader: HeaderReader, table: Box): Size {
  const description = findBox(reader, table, 'stsd');
  if (description === undefined) return NOTHING;
  const entry = description.start + 8;
  if (reader.name(entry + 4) !== 'av01' || !reader.has(entry, 36)) return NOTHING;
  return { width: reader.u16be(entry + 32), height: reader.u16be(entry + 34) };
}

/** stts: version, flags, count, then pairs of sample count and duration. */
function countSamples(reader: HeaderReader, table: Box): number {
  const times = findBox(reader, table, 'stts');
  if (times === undefined) return 0;
  const end = Math.min(times.end, times.start + 8 + 8 * reader.u32be(times.start + 4));
  let samples = 0;
  for (let at = times.start + 8; at + 8 <= end && reader.step(); at += 8) samples += reader.u32be(at);
  return samples;
}
