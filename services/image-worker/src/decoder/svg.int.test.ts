// What an SVG can and cannot do: text in fonts of ours, pictures inside, and nothing from outside. Behind the walls and
// without them: the parser's own refusal must hold when the walls fall.

import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type Server, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LIMITS } from '@sekisho/contracts';
import { bmp, encodeAvif, encodeGif, encodeJpeg, encodePng, encodeWebp, hrefSvg, imageSvg, includeSvg, logoSvg, scriptSvg, svg, tiff, xxeSvg } from '@sekisho/testkit';
import sharp from 'sharp';
import { type DecodeOutcome, DecoderPool } from '../pool/pool.ts';
import { decideSandbox } from '../sandbox/decide.ts';
import { readFacts } from '../sandbox/facts.ts';
import { createSpawn } from '../sandbox/spawn.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-svg-'));
const pools: DecoderPool[] = [];
let server: Server;
let connections = 0;
let port = 0;

beforeAll(async () => {
  server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterAll(async () => {
  for (const pool of pools) await pool.close();
  server.close();
  rmSync(folder, { recursive: true });
});

interface Way { readonly walls: boolean; readonly env?: Readonly<Record<string, string>> }
function openPool({ walls, env = {} }: Way): DecoderPool {
  const facts = readFacts();
  const { sandbox } = decideSandbox('best-effort', walls ? facts : { ...facts, launcher: undefined });
  const pool = new DecoderPool({ slots: 1, isolation: 'site', spawn: createSpawn({ sandbox, extraEnv: env }) });
  pools.push(pool);
  return pool;
}

const decode = async (pool: DecoderPool, text: string): Promise<DecodeOutcome> =>
  await pool.decode({ isolation: 'a', class: 'svg', mode: 'asis', body: Buffer.from(text), remainingMs: 20_000 });

async function pixels(pool: DecoderPool, text: string): Promise<Buffer> {
  const outcome = await decode(pool, text);
  if (!outcome.ok) throw new Error(outcome.code);
  return await sharp(outcome.body).ensureAlpha().raw().toBuffer();
}

/** Pixels that are not clear; the code where none came. */
async function drawn(pool: DecoderPool, text: string): Promise<number | string> {
  const outcome = await decode(pool, text);
  if (!outcome.ok) return outcome.code;
  const data = await sharp(outcome.body).ensureAlpha().raw().toBuffer();
  return data.filter((value, at) => at % 4 === 3 && value !== 0).length;
}

const SHAPE = { width: 200, height: 60 };
const text = (content: string, family = 'sans-serif'): string => svg(SHAPE, `<text x="5" y="40" font-size="30" font-family="${family}">${content}</text>`);
const red = encodePng({ width: 8, height: 8, channels: 3, data: Buffer.alloc(192, Buffer.from([255, 0, 0])) });

describe.each([['behind the walls', true], ['without walls', false]] as const)('text %s', (_name, walls) => {
  const pool = openPool({ walls });

  it('is drawn, in the family that is asked for', async () => {
    const [none, sans, serif, mono] = await Promise.all([
      pixels(openPool({ walls }), svg(SHAPE, '')), pixels(openPool({ walls }), text('Hello')),
      pixels(openPool({ walls }), text('Hello', 'serif')), pixels(openPool({ walls }), text('Hello', 'monospace')),
    ]);
    const all = [none, sans, serif, mono].map((data) => data.toString('base64'));
    expect(new Set(all).size).toBe(4);
  }, 30_000);

  it('of an unknown family is drawn in the usual one', async () => {
    expect((await pixels(pool, text('Hello', 'No Such Font, Either'))).equals(await pixels(pool, text('Hello')))).toBe(true);
  });

  it.each([['Japanese', '関所の石'], ['an emoji', '\u{1f600}'], ['signs of no script', '\u{10fffd}\u{e000}'], ['right to left', 'שלום'], ['stacked', `a${'\u0301'.repeat(500)}`]])('in %s falls back without a crash', async (_script, content) => {
    expect(await drawn(pool, text(content))).toBeGreaterThan(20);
  });

  it('costs the first picture little', async () => {
    const fresh = openPool({ walls });
    await fresh.warm();
    const plain = await decode(fresh, svg(SHAPE, '<rect width="9" height="9"/>'));
    const first = await decode(fresh, text('Hello'));
    expect(plain.ok && first.ok).toBe(true);
    expect(first.cpuMs).toBeLessThan(LIMITS.svgCpuMs / 4);
  });
});

describe('fonts', () => {
  it('are what the test sees: without them both families look the same', async () => {
    const pool = openPool({ walls: true, env: { FONTCONFIG_FILE: '/dev/null' } });
    expect((await pixels(pool, text('Hello', 'serif'))).equals(await pixels(pool, text('Hello', 'monospace')))).toBe(true);
  });

  it('of ours are where the configuration looks', () => {
    const file = join(import.meta.dirname, 'fonts/fonts.conf');
    const relative = /<dir prefix="relative">([^<]+)</.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
    expect(readdirSync(resolve(join(import.meta.dirname, 'fonts'), relative))).toEqual(expect.arrayContaining(['DejaVuSans.ttf', 'DejaVuSerif.ttf', 'DejaVuSansMono.ttf']));
  });

  it('leave no cache behind, even where one could be written', async () => {
    const home = mkdtempSync(join(folder, 'home-'));
    expect(await drawn(openPool({ walls: false, env: { HOME: home, XDG_CACHE_HOME: home, XDG_CONFIG_HOME: home } }), text('Hello'))).toBeGreaterThan(100);
    expect(readdirSync(home)).toEqual([]);
  });
});

describe.each([['behind the walls', true], ['without walls', false]] as const)('references %s', (_name, walls) => {
  const pool = openPool({ walls });
  const picture = join(folder, 'red.png');
  writeFileSync(picture, red);
  writeFileSync(join(folder, 'red.svg'), logoSvg());
  writeFileSync(join(folder, 'secret.txt'), 'WWWWWWWWWW');

  const TARGETS: readonly (readonly [string, () => string])[] = [
    ['a file by URL', () => `file://${picture}`], ['a file by path', () => picture], ['a file by relative path', () => `../../../../../../..${picture}`],
    ['another SVG', () => `file://${join(folder, 'red.svg')}`], ['a part of another SVG', () => `${join(folder, 'red.svg')}#a`], ['a text', () => `file://${join(folder, 'secret.txt')}`],
    ['its environment', () => 'file:///proc/self/environ'], ['a server', () => `http://127.0.0.1:${port}/a.png`], ['a server by TLS', () => `https://127.0.0.1:${port}/a.png`],
    ['a server without scheme', () => `//127.0.0.1:${port}/a.png`], ['a server by FTP', () => `ftp://127.0.0.1:${port}/a.png`],
  ];
  /** Ways to name a target that must leave the picture empty. */
  const everyWay = (target: string): string => svg({ width: 64, height: 64 }, [
    hrefSvg(target), includeSvg(target), `<use href="${target}"/>`, `<use xlink:href="${target}"/>`,
    `<style>@import "${target}"; @font-face { font-family: x; src: url(${target}) }</style><text y="20" font-family="x"></text>`,
    `<filter id="f"><feImage href="${target}"/><feImage xlink:href="${target}"/></filter><g filter="url(#f)"><rect width="0" height="9"/></g>`,
    `<g fill="none"><rect width="64" height="64" fill="url(${target})"/></g>`, `<rect width="64" height="64" fill="none" mask="url(${target})" marker-start="url(${target})"/>`,
    `<foreignObject width="64" height="64"><img xmlns="http://www.w3.org/1999/xhtml" src="${target}"/></foreignObject>`,
    `<script href="${target}"/><a href="${target}"/><tref xlink:href="${target}"/><cursor href="${target}"/><color-profile href="${target}"/>`,
  ].join(''));

  it.each(TARGETS)('to %s draw nothing and connect to nothing', async (_kind, target) => {
    const before = connections;
    expect(await drawn(pool, everyWay(target()))).toBe(0);
    expect(await drawn(pool, `<?xml-stylesheet href="${target()}" type="text/css"?><!DOCTYPE svg SYSTEM "${target()}">${svg(SHAPE, '')}`)).toBe(0);
    expect(connections).toBe(before);
  });

  it.each(TARGETS)('to %s in an SVG inside draw nothing either', async (_kind, target) => {
    expect(await drawn(pool, imageSvg({ width: 64, height: 64 }, 'image/svg+xml', Buffer.from(everyWay(target()))))).toBe(0);
  });

  const [, , , , , ...FEW] = TARGETS;
  it.each(FEW.slice(0, 3))('to %s as an entity refuse the picture', async (_kind, target) => {
    const before = connections;
    expect(await drawn(pool, xxeSvg(target()).replace('file://', ''))).toBe('SEKISHO_IMAGE_HEADER');
    expect(await drawn(pool, `<!DOCTYPE svg [<!ENTITY % x SYSTEM "${target()}"> %x;]>${svg(SHAPE, '')}`)).toBe('SEKISHO_IMAGE_HEADER');
    expect(connections).toBe(before);
  }, 15_000);

  it('are counted where there are some', async () => {
    await new Promise<void>((done) => void connect(port, '127.0.0.1').on('error', () => undefined).on('close', () => done()));
    expect(connections).toBeGreaterThan(0);
  });
});

describe('inside', () => {
  const pool = openPool({ walls: true });
  const SIDE = { width: 16, height: 16 };

  it.each<[string, string, () => Buffer | Promise<Buffer>, number]>([
    ['a PNG', 'image/png', () => red, 256],
    ['a JPEG', 'image/jpeg', () => encodeJpeg(8, 8), 256],
    ['an SVG', 'image/svg+xml', () => Buffer.from(logoSvg()), 256],
    ['a PNG that says it is a TIFF', 'image/tiff', () => red, 256],
    ['a TIFF', 'image/tiff', () => tiff({ width: 8, height: 8 }), 0],
    ['a TIFF that says it is a PNG', 'image/png', () => tiff({ width: 8, height: 8 }), 0],
    ['a GIF', 'image/gif', () => encodeGif({ width: 8, height: 8, frames: 2, loop: 0 }), 0],
    ['a WebP', 'image/webp', () => encodeWebp(8, 8), 0],
    ['an AVIF', 'image/avif', () => encodeAvif(16, 16), 0],
    ['a BMP', 'image/bmp', () => bmp({ width: 8, height: 8 }, Buffer.alloc(192, 0x80)), 0],
    ['a PDF', 'application/pdf', () => Buffer.from('%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>'), 0],
    ['a page', 'text/html', () => Buffer.from('<p>hello</p>'), 0],
    ['a PNG that is cut', 'image/png', () => red.subarray(0, 40), 0],
  ])('%s', async (_kind, type, make, expected) => {
    expect(await drawn(pool, imageSvg(SIDE, type, await make()))).toBe(expected);
  });

  it('an HTML page is not drawn, and a script does not run', async () => {
    const page = '<foreignObject width="64" height="64"><div xmlns="http://www.w3.org/1999/xhtml" style="background:red">Hello</div></foreignObject>';
    expect(await drawn(pool, svg({ width: 64, height: 64 }, page))).toBe(0);
    expect((await pixels(pool, scriptSvg())).equals(await pixels(pool, svg({ width: 64, height: 64 }, '<rect width="64" height="64" fill="#f00"/>')))).toBe(true);
  });
});
