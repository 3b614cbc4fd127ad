// What a decoder may open: exact files and the folders of its packages, nothing that can be written, nothing that
// belongs to the worker.

import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ProcessClass } from '../pool/isolation.ts';
import { readRuntimeReport } from './report.ts';

export interface DecoderPaths {
  /** May be executed; the kernel needs it for program and loader, once. */
  readonly run: readonly string[];
  readonly read: readonly string[];
}

export const DECODER_FOLDER = fileURLToPath(new URL('../decoder', import.meta.url));
const FONT_FOLDERS = ['/usr/share/fonts', '/usr/local/share/fonts'];
/** Node reads no other configuration than this one, and dies when it cannot. */
export const OPENSSL_CONF = '/dev/null';
/** Where the loader finds libraries; without it, in its built-in folders only. */
const LOADER_CACHE = '/etc/ld.so.cache';
/** Parts of glibc that libvips needs and Node does not. */
const FURTHER_LIBRARIES = ['libresolv.so.2', 'librt.so.1'];

/** Read once per process: they do not change while it runs. */
export function findDecoderPaths(): Readonly<Record<ProcessClass, DecoderPaths>> {
  const libraries = mappedLibraries();
  const run = [process.execPath, ...libraries.filter(isLoader)];
  const read = present([...libraries.filter((path) => !isLoader(path)), ...besideLibc(libraries), LOADER_CACHE, OPENSSL_CONF, DECODER_FOLDER, ...packageFolders()]);
  return { raster: { run, read }, svg: { run, read: present([...read, ...fontFolders()]) } };
}

/** What the kernel has mapped for this very Node, without what a test or another package has loaded. */
function mappedLibraries(): string[] {
  const files = readRuntimeReport().sharedObjects.filter((path) => path.startsWith('/') && !path.includes('/node_modules/'));
  return present(files.map((path) => realpathSync(path)));
}

const isLoader = (path: string): boolean => /\/ld-[^/]+$/.test(path);

const besideLibc = (libraries: readonly string[]): string[] => {
  const libc = libraries.find((path) => /\/libc[.-][^/]*$/.test(path));
  return libc === undefined ? [] : FURTHER_LIBRARIES.map((name) => join(dirname(libc), name));
};

/** sharp and what it loads, wherever npm has put each. */
function packageFolders(): string[] {
  const fromHere = createRequire(join(DECODER_FOLDER, 'main.cjs'));
  const sharp = folderOf(fromHere.resolve('sharp'), 'sharp');
  const fromSharp = createRequire(join(sharp, 'package.json'));
  const platform = `linux-${process.arch}`;
  const main = ['@img/colour', 'detect-libc', 'semver'].map((name) => folderOf(fromSharp.resolve(name), name));
  const native = [`@img/sharp-${platform}`, `@img/sharp-libvips-${platform}`].map((name) => join(dirname(sharp), name));
  return [sharp, ...main, ...native];
}

const folderOf = (file: string, name: string): string => {
  const marker = `/node_modules/${name}/`;
  return file.slice(0, file.lastIndexOf(marker) + marker.length - 1);
};

function fontFolders(): string[] {
  const own = join(dirname(folderOf(createRequire(import.meta.url).resolve('dejavu-fonts-ttf/package.json'), 'dejavu-fonts-ttf')), 'dejavu-fonts-ttf/ttf');
  return [own, ...FONT_FOLDERS];
}

const present = (paths: readonly string[]): string[] => [...new Set(paths)].filter((path) => existsSync(path));
