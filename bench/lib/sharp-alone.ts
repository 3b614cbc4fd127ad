// The floor of `transform`: sharp in one process, buffer in and buffer out, with the options of our decoders, nothing else.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import sharp, { type WebpOptions } from 'sharp';
import { z } from 'zod';
import { helperArgument, serveHelper, tell } from './child.ts';

interface Modes {
  readonly MODES: Readonly<Record<string, { readonly width: number; readonly height: number }>>;
  readonly WEBP: WebpOptions;
}

const entrySchema = z.object({ kind: z.string(), mode: z.string(), file: z.string() });
const { folder } = z.object({ folder: z.string() }).parse(helperArgument());
const { MODES, WEBP } = createRequire(import.meta.url)('../../services/image-worker/src/decoder/modes.cjs') as Modes;
const sources = new Map<string, Buffer>();

sharp.cache(false);
sharp.concurrency(1);

async function transform(file: string, mode: string): Promise<number> {
  const bytes = sources.get(file) ?? readFileSync(join(folder, file));
  sources.set(file, bytes);
  const { width, height } = MODES[mode] ?? { width: 0, height: 0 };
  const moving = mode === 'emoji' && /\.(gif|webp)$/.test(file);
  const image = sharp(bytes, { failOn: 'error', pages: moving ? -1 : 1 });
  const upright = moving ? image : image.autoOrient();
  const settings = moving ? { ...WEBP, loop: 0 } : WEBP;
  return (await upright.resize({ width, height, fit: 'inside', withoutEnlargement: true }).webp(settings).toBuffer()).length;
}

tell({ pid: process.pid, sharp: sharp.versions });
serveHelper(async (message) => {
  const { entries } = z.object({ entries: z.array(entrySchema) }).parse(message);
  const startedMs = performance.now();
  const before = process.cpuUsage();
  let bytes = 0;
  for (const { file, mode } of entries) bytes += await transform(file, mode);
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1_000, wallMs: performance.now() - startedMs, bytes };
});
