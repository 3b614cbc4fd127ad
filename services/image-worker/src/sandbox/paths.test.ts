import { accessSync, constants, existsSync, lstatSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { DECODER_FOLDER, findDecoderPaths } from './paths.ts';

const { raster, svg } = findDecoderPaths();

describe('findDecoderPaths()', () => {
  it('names what is there', () => {
    expect([...svg.run, ...svg.read].filter((path) => !existsSync(path))).toEqual([]);
  });

  it('lets run Node and its loader alone', () => {
    expect(raster.run).toEqual([process.execPath, expect.stringMatching(/\/ld-linux-[^/]+$/)]);
  });

  it('has folders for the decoder, its packages and fonts alone', () => {
    const folders = svg.read.filter((path) => lstatSync(path).isDirectory());
    const known = /\/node_modules\/(?:sharp|@img\/[a-z0-9-]+|detect-libc|semver|dejavu-fonts-ttf\/ttf)$|^\/usr\/(?:local\/)?share\/fonts$/;
    expect(folders.filter((path) => !known.test(path))).toEqual([DECODER_FOLDER]);
    expect(folders.filter((path) => path.endsWith('/node_modules/sharp'))).toHaveLength(1);
  });

  it('has fonts for SVG alone', () => {
    expect(raster.read.filter((path) => path.includes('fonts'))).toEqual([]);
    expect(svg.read.filter((path) => path.endsWith('dejavu-fonts-ttf/ttf'))).toHaveLength(1);
  });

  it('has every part of the C library that libvips needs', () => {
    for (const name of ['libc.so.6', 'libm.so.6', 'libresolv.so.2', 'libstdc++.so.6', 'libgcc_s.so.1']) {
      expect(raster.read.filter((path) => path.includes(`/${name}`))).toHaveLength(1);
    }
  });

  it('has nothing of the worker', () => {
    const open = (path: string): boolean => [...svg.run, ...svg.read].some((allowed) => path === allowed || path.startsWith(`${allowed}/`));
    for (const secret of ['/etc/passwd', '/proc/self/environ', '/run/secrets/sekisho/url', process.cwd(), DECODER_FOLDER.replace('/decoder', '/config.ts')]) expect(open(secret)).toBe(false);
    expect(open(`${DECODER_FOLDER}/main.cjs`)).toBe(true);
    expect(() => accessSync(`${DECODER_FOLDER}/main.cjs`, constants.R_OK)).not.toThrow();
  });
});
