import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type ImageContent, contentTag } from './content-tag.ts';
import { isLoopbackRegistry, parseOrder } from './order.ts';
import { isUnusedFile, pruneModules } from './prune.ts';
import { SERVICES, sourcesOf, workspacesOf } from './service.ts';
import { hasDebianProgram } from './debian.ts';
import { ingredientsOf } from './stage.ts';

const root = dirname(dirname(import.meta.dirname));
const folders: string[] = [];
const tree = (files: Readonly<Record<string, string>>): string => {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-images-'));
  folders.push(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
};
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

describe('contentTag()', () => {
  const files = new Map([['a', Buffer.from('1')], ['b', Buffer.from('2')]]);
  const content: ImageContent = { service: 'gateway', architecture: 'amd64', nodeVersion: '24.0.0', baseId: 'x', files };

  it('is the same for the same content in any order, and no number', () => {
    expect(contentTag({ ...content, files: new Map([...files].reverse()) })).toBe(contentTag(content));
    expect(contentTag(content)).toMatch(/^c[0-9a-f]{16}$/);
  });

  it.each<[string, Partial<ImageContent>]>([
    ['service', { service: 'fetcher' }], ['architecture', { architecture: 'arm64' }], ['node', { nodeVersion: '24.0.1' }], ['base', { baseId: 'y' }],
    ['byte', { files: new Map([['a', Buffer.from('1')], ['b', Buffer.from('3')]]) }], ['name', { files: new Map([['a', Buffer.from('1')], ['c', Buffer.from('2')]]) }],
    ['file more', { files: new Map([...files, ['c', Buffer.from('')]]) }], ['border', { files: new Map([['a', Buffer.from('1b2')]]) }],
  ])('changes with another %s', (_name, change) => {
    expect(contentTag({ ...content, ...change })).not.toBe(contentTag(content));
  });
});

describe('parseOrder()', () => {
  it('needs a service only', () => {
    expect(parseOrder(['gateway'], {}, 'x64')).toEqual({
      ok: true,
      order: { service: 'gateway', image: undefined, architectures: ['amd64'], baseImage: 'docker.io/library/debian:13-slim', isPushed: false, isStagedOnly: false },
    });
  });

  it('takes what Skaffold sets', () => {
    const env = { IMAGE: '127.0.0.1:5000/sekisho-gateway:v1', PUSH_IMAGE: 'true', PLATFORMS: 'linux/arm64,linux/amd64' };
    expect(parseOrder(['gateway'], env, 'arm64')).toMatchObject({ order: { image: env.IMAGE, isPushed: true, architectures: ['amd64', 'arm64'] } });
  });

  it.each<[string, readonly string[], NodeJS.ProcessEnv]>([
    ['no service', [], {}], ['an unknown service', ['redis'], {}], ['too much', ['gateway', 'a', 'b'], {}], ['an option as image', ['gateway', '--all'], {}],
    ['a push to nowhere', ['gateway'], { PUSH_IMAGE: 'true' }], ['another platform', ['gateway'], { PLATFORMS: 'linux/s390x' }], ['a half-known list', ['gateway'], { PLATFORMS: 'linux/amd64,windows/amd64' }],
  ])('refuses %s', (_name, args, env) => {
    expect(parseOrder(args, env, 'x64')).toMatchObject({ ok: false });
  });
});

describe('isLoopbackRegistry()', () => {
  it.each([
    ['localhost/a', true], ['localhost:5000/a', true], ['127.0.0.1:5000/a:b', true], ['ghcr.io/a', false], ['localhost.example/a', false], ['127.0.0.1.example/a', false], ['a', false],
  ])('%s: %s', (image, isLoopback) => {
    expect(isLoopbackRegistry(image)).toBe(isLoopback);
  });
});

describe('sourcesOf()', () => {
  it.each(SERVICES)('gives %s its entry and its packages, but no tests and no other service', (service) => {
    const workspaces = workspacesOf(root, service);
    const sources = sourcesOf(root, workspaces);
    expect(sources).toContain(`services/${service}/src/main.ts`);
    expect(workspaces).toContain('packages/contracts');
    expect(workspaces).not.toContain('packages/testkit');
    expect(workspaces.filter((workspace) => workspace.startsWith('services/'))).toEqual([`services/${service}`]);
    expect(sources.filter((path) => /\.test\.|\/testing\/|testkit|node_modules|\.md$/.test(path))).toEqual([]);
  });

  it('brings the scripts that run in Redis', () => {
    expect(sourcesOf(root, workspacesOf(root, 'gateway')).filter((path) => path.endsWith('.lua')).length).toBeGreaterThan(4);
  });

  it('brings the rules for activities to the gateway alone', () => {
    expect(SERVICES.filter((service) => workspacesOf(root, service).includes('packages/inbox-policy'))).toEqual(['gateway']);
  });

  it('imports nothing that was left out', () => {
    for (const service of SERVICES) {
      const sources = new Set(sourcesOf(root, workspacesOf(root, service)));
      for (const path of [...sources].filter((source) => source.endsWith('.ts'))) {
        const imported = [...readFileSync(join(root, path), 'utf8').matchAll(/from '(\.{1,2}\/[^']+)'/g)].map((match) => join(dirname(path), match[1] ?? ''));
        expect(imported.filter((file) => !sources.has(file))).toEqual([]);
      }
    }
  });
});

describe('ingredientsOf()', () => {
  const of = (service: (typeof SERVICES)[number], architecture: 'amd64' | 'arm64') => ingredientsOf({ root, service, architecture, nodeVersion: '24.0.0' });
  const walls = (ingredients: ReadonlyMap<string, Buffer>): string[] => [...ingredients.keys()].filter((path) => /^k8s|launcher/.test(path));

  it('are the sources, and for the image-worker the launcher and the filter of its architecture', () => {
    expect(walls(of('image-worker', 'amd64'))).toEqual(['k8s/seccomp/decoder.x86_64.bpf', 'services/image-worker/launcher/launcher.c']);
    expect(walls(of('image-worker', 'arm64'))).toEqual(['k8s/seccomp/decoder.arm64.bpf', 'services/image-worker/launcher/launcher.c']);
    for (const service of SERVICES) expect([...of(service, 'amd64').keys()]).toEqual(expect.arrayContaining([`services/${service}/src/main.ts`]));
    for (const service of SERVICES.filter((name) => name !== 'image-worker')) expect(walls(of(service, 'amd64'))).toEqual([]);
  });

  it('are no program of Debian but for the dns-filter, whose image says its version below the sources', () => {
    expect(SERVICES.filter(hasDebianProgram)).toEqual(['dns-filter']);
  });

  it('tell launchers of two architectures apart', () => {
    const key = (architecture: 'amd64' | 'arm64') => of('image-worker', architecture).get('services/image-worker/launcher/launcher.c')?.toString('hex');
    expect(key('amd64')).toMatch(/^[0-9a-f]{40}$/);
    expect(key('amd64')).not.toBe(key('arm64'));
  });
});

describe('pruneModules()', () => {
  it('keeps what runs, licences and the links that are needed', () => {
    const folder = tree({ 'node_modules/a/index.js': '', 'node_modules/a/package.json': '{}', 'node_modules/a/test/x.test.js': '', 'node_modules/a/lib/test/needed.js': '', 'node_modules/a/index.d.ts': '', 'node_modules/a/src/x.ts': '', 'node_modules/a/LICENSE.md': '', 'node_modules/a/README.md': '', 'node_modules/.bin/a': '', 'packages/p/x': '' });
    mkdirSync(join(folder, 'node_modules/@sekisho'));
    for (const name of ['p', 'q']) symlinkSync(`../../packages/${name}`, join(folder, 'node_modules/@sekisho', name));
    pruneModules(folder, ['packages/p']);
    expect(readdirSync(join(folder, 'node_modules/a')).toSorted()).toEqual(['LICENSE.md', 'index.js', 'lib', 'package.json']);
    expect(readdirSync(join(folder, 'node_modules/@sekisho'))).toEqual(['p']);
    expect(readdirSync(join(folder, 'node_modules')).toSorted()).toEqual(['@sekisho', 'a']);
  });

  it('keeps of the fonts the five that are used, and their licence', () => {
    const fonts = 'node_modules/dejavu-fonts-ttf';
    const folder = tree(Object.fromEntries([
      'package.json', 'LICENSE', 'AUTHORS', 'NEWS', 'unicover.txt', 'fontconfig/57-dejavu-sans.conf', 'ttf/DejaVuSans.ttf', 'ttf/DejaVuSans-Bold.ttf', 'ttf/DejaVuSans-BoldOblique.ttf',
      'ttf/DejaVuSans-Oblique.ttf', 'ttf/DejaVuSansMono.ttf', 'ttf/DejaVuSansMono-Bold.ttf', 'ttf/DejaVuSerif.ttf', 'ttf/DejaVuSerifCondensed.ttf', 'ttf/DejaVuMathTeXGyre.ttf',
    ].map((name) => [`${fonts}/${name}`, ''])));
    mkdirSync(join(folder, 'node_modules/@sekisho'));
    pruneModules(folder, []);
    expect(readdirSync(join(folder, fonts)).toSorted()).toEqual(['LICENSE', 'package.json', 'ttf']);
    expect(readdirSync(join(folder, fonts, 'ttf')).toSorted()).toEqual(['DejaVuSans-Bold.ttf', 'DejaVuSans-Oblique.ttf', 'DejaVuSans.ttf', 'DejaVuSansMono.ttf', 'DejaVuSerif.ttf']);
  });

  it('fails when npm has copied a package of ours, or has not linked it', () => {
    expect(() => pruneModules(tree({ 'node_modules/@sekisho/p/x.ts': '' }), ['packages/p'])).toThrow('copied');
    const folder = tree({});
    mkdirSync(join(folder, 'node_modules/@sekisho'), { recursive: true });
    expect(() => pruneModules(folder, ['packages/p'])).toThrow('not linked packages/p');
  });

  it.each([['a.mjs', false], ['a.mts', true], ['a.node', false], ['a.json', false], ['a.map', true], ['NOTICE.md', false], ['parser.test.js', true], ['a.spec.cjs', true], ['test.js', false], ['latest.js', false]])('%s is unused: %s', (name, isUnused) => {
    expect(isUnusedFile(name)).toBe(isUnused);
  });
});
