// The pictures of page-mix.json, made in code: every one distinct, the same in every run. Kept in .run/bench, since making
// them takes longer than measuring them.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Raster, paint, paintFrames, randomNumbers } from '@sekisho/testkit';
import sharp, { type Sharp } from 'sharp';
import { z } from 'zod';

const root = dirname(dirname(import.meta.dirname));
const SIZE = z.tuple([z.number().int(), z.number().int()]);
const FORMATS = ['png', 'jpeg', 'gif', 'webp', 'avif'] as const;
const MODES = ['emoji', 'avatar', 'preview'] as const;
const mixSchema = z.object({
  about: z.string(),
  hosts: z.number().int(),
  kinds: z.array(
    z.object({
      name: z.string(), count: z.number().int(), mode: z.enum(MODES), formats: z.array(z.enum(FORMATS)), sizes: z.array(SIZE),
      frames: z.array(z.number().int()).optional(),
    }),
  ),
});
type Kind = z.output<typeof mixSchema>['kinds'][number];

export interface MixEntry {
  readonly kind: string;
  readonly mode: (typeof MODES)[number];
  /** File name inside the folder. */
  readonly file: string;
  readonly host: string;
}

export interface PageMix {
  readonly folder: string;
  /** Shuffled, always in the same order. */
  readonly entries: readonly MixEntry[];
  readonly hosts: number;
}

/** Makes the pictures if they are not there yet. */
export async function loadPageMix(): Promise<PageMix> {
  const text = readFileSync(join(root, 'bench/page-mix.json'), 'utf8');
  const mix = mixSchema.parse(JSON.parse(text));
  const version = createHash('sha256').update(text).update(readFileSync(import.meta.filename)).digest('hex').slice(0, 12);
  const folder = join(root, '.run', 'bench', `page-mix-${version}`);
  const plan = planOf(mix.kinds);
  if (!existsSync(folder)) await makeAll(folder, plan);
  const draw = randomNumbers(2_026);
  const entries = plan.map(({ kind, file }) => ({ kind: kind.name, mode: kind.mode, file, host: hostName(zipf(draw, mix.hosts)) }));
  return { folder, entries: shuffled(entries, draw), hosts: mix.hosts };
}

/** `h01.origin.example`: names that the bench's own DNS server sends to loopback. */
export const hostName = (rank: number): string => `h${String(rank).padStart(2, '0')}.origin.example`;

interface Planned {
  readonly kind: Kind;
  readonly file: string;
  readonly format: (typeof FORMATS)[number];
  readonly at: number;
}

const planOf = (kinds: readonly Kind[]): Planned[] =>
  kinds.flatMap((kind) =>
    Array.from({ length: kind.count }, (_, at) => {
      const format = cycled(kind.formats, at);
      return { kind, format, at, file: `${kind.name}-${at}.${format}` };
    }),
  );

function cycled<T>(list: readonly T[], at: number): T {
  const one = list[at % list.length];
  if (one === undefined) throw new Error('an empty list in page-mix.json');
  return one;
}

async function makeAll(folder: string, plan: readonly Planned[]): Promise<void> {
  process.stderr.write('bench: making the pictures of the page mix\n');
  const unfinished = `${folder}.part`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  const photo = paint(2_600, 2_000, 3);
  for (const planned of plan) writeFileSync(join(unfinished, planned.file), await make(planned, photo));
  renameSync(unfinished, folder);
}

async function make({ kind, format, at }: Planned, photo: Raster): Promise<Buffer> {
  const [width, height] = cycled(kind.sizes, Math.floor(at / kind.formats.length));
  if (kind.frames !== undefined) return await makeAnimation({ width, height, frames: cycled(kind.frames, at >> 2) }, format, at);
  const image = kind.mode === 'emoji' ? open(paint(width, height, 4, at + 1)) : cutOut(photo, { width, height, at });
  if (format === 'png') return await image.png({ compressionLevel: 6 }).toBuffer();
  if (format === 'avif') return await image.avif({ quality: 50, effort: 2 }).toBuffer();
  return await image.jpeg({ quality: 80 }).toBuffer();
}

const open = ({ data, width, height, channels }: Raster): Sharp => sharp(data, { raw: { width, height, channels } });

/** Another place and another hue of one large picture for each. */
const cutOut = (photo: Raster, { width, height, at }: { readonly width: number; readonly height: number; readonly at: number }): Sharp =>
  open(photo)
    .extract({ left: (at * 37) % (photo.width - width), top: (at * 23) % (photo.height - height), width, height })
    .modulate({ hue: (at * 47) % 360 });

async function makeAnimation(shape: { readonly width: number; readonly height: number; readonly frames: number }, format: string, at: number): Promise<Buffer> {
  const { data, width, height, channels } = paintFrames(shape.width, shape.height, shape.frames);
  const turned = await sharp(data, { raw: { width, height, channels } }).modulate({ hue: (at * 17) % 360 }).raw().toBuffer();
  const image = sharp(turned, { raw: { width, height, channels, pageHeight: shape.height } });
  const delay = Array.from({ length: shape.frames }, () => 100);
  if (format === 'gif') return await image.gif({ loop: 0, delay, effort: 1 }).toBuffer();
  return await image.webp({ loop: 0, delay, effort: 0, quality: 70 }).toBuffer();
}

/** Rank of a host, 1 to `ranks`, the n-th 1/n as often as the first. */
function zipf(draw: () => number, ranks: number): number {
  const weights = Array.from({ length: ranks }, (_, rank) => 1 / (rank + 1));
  let left = (draw() / 2 ** 32) * weights.reduce((sum, weight) => sum + weight, 0);
  const at = weights.findIndex((weight) => (left -= weight) <= 0);
  return at < 0 ? ranks : at + 1;
}

const shuffled = <T>(list: readonly T[], draw: () => number): T[] =>
  list.map((one) => ({ one, rank: draw() })).toSorted((a, b) => a.rank - b.rank).map(({ one }) => one);
