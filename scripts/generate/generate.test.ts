import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CODE_NAMES, ENVIRONMENT_NAMES, LIMITS, docsAnchor } from '@sekisho/contracts';
import { createMetrics } from '@sekisho/runtime';
import { parseLimitsFile } from '../../services/gateway/src/limits-file/parse.ts';
import { driftOf, type GeneratedFile, writeAll } from './drift.ts';
import { renderEnvironment } from './environment.ts';
import { renderErrors } from './errors.ts';
import { generatedFiles } from './files.ts';
import { limitsFileTable } from './limits-file.ts';
import { renderLimits } from './limits.ts';
import { anchorsOf, brokenLinks, missingFiles } from './links.ts';
import { table } from './markdown.ts';
import { notesOf, readMetrics } from './metrics.ts';
import { namesIn, readSchemas } from './schemas.ts';

const root = dirname(dirname(import.meta.dirname));

describe('driftOf()', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-generate-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  let files: readonly GeneratedFile[];
  beforeAll(async () => {
    files = await generatedFiles(root);
    writeAll(folder, files);
  });

  it('finds nothing right after writing', () => {
    expect(files.length).toBeGreaterThanOrEqual(5);
    expect(driftOf(folder, files)).toEqual([]);
  });

  it('finds one changed byte and a missing file', () => {
    const [changed = '', missing = ''] = files.map(({ path }) => path);
    const place = join(folder, changed);
    writeFileSync(place, readFileSync(place, 'utf8').replace('e', 'f'));
    rmSync(join(folder, missing));
    expect(driftOf(folder, files)).toEqual([{ path: changed, problem: 'differs' }, { path: missing, problem: 'missing' }]);
  });

  it('is made the same way twice', async () => {
    expect(await generatedFiles(root)).toEqual(files);
  });
});

describe('renderErrors()', () => {
  it('has the anchor of every code once', () => {
    const anchors = anchorsOf(renderErrors());
    for (const name of CODE_NAMES) {
      expect(anchors.filter((anchor) => `docs/reference/errors.md#${anchor}` === docsAnchor(name))).toHaveLength(1);
    }
  });
});

describe('renderLimits()', () => {
  it.each(Object.keys(LIMITS))('explains %s with a unit', (name) => {
    const row = renderLimits().split('\n').find((line) => line.startsWith(`| \`${name}\` |`));
    expect(row).toMatch(/\| [\d.]+[^|]* \| [^|]{8,} \|$/);
    expect(row).not.toContain('NaN');
  });
});

describe('limitsFileTable()', () => {
  it('has a row with bounds and a default for each key of the file', () => {
    const rows = limitsFileTable().split('\n').slice(2);
    expect(rows.length).toBeGreaterThan(5);
    for (const row of rows) expect(row).toMatch(/^\| `[a-z]+\.[A-Za-z]+` \| [\d,]+ \| [\d,]+ \| .*Default \d+\. \|$/);
  });
});

describe('docs/configure.md', () => {
  it('shows a limits file that the gateway takes', () => {
    const [, example = ''] = /```yaml\n(.*?)```/s.exec(readFileSync(join(root, 'docs/configure.md'), 'utf8')) ?? [];
    expect(parseLimitsFile(example).budget.capacityMs).toBe(120_000);
  });
});

describe('environment', () => {
  const schemas = readSchemas(root);

  it('reads the schema of each program', () => {
    expect(schemas.map(({ service }) => service)).toEqual(expect.arrayContaining(['gateway', 'fetcher', 'local-stack']));
    for (const { names } of schemas) expect(names.length).toBeGreaterThan(5);
  });

  it.each(schemas.flatMap(({ service, names }) => names.map((name) => [service, name])))('%s: %s stands in the table', (_service, name) => {
    expect(ENVIRONMENT_NAMES).toContain(name);
    expect(renderEnvironment(schemas)).toContain(`| \`${name}\` |`);
  });

  it('marks what nothing reads', () => {
    const page = renderEnvironment([{ service: 'gateway', names: ['SEKISHO_PUBLIC_URL'] }]);
    expect(page).toMatch(/SEKISHO_MISSKEY_URL.*Reserved/);
    // Other rows name it too, as their default.
    expect(page).not.toMatch(/^\| `SEKISHO_PUBLIC_URL`.*Reserved/m);
  });

  it('finds keys and handed-on names, nothing else', () => {
    expect(namesIn("  SEKISHO_A: x,\n['SEKISHO_B', 'c']\n// SEKISHO_C: no\n  given.SEKISHO_D\n")).toEqual(['SEKISHO_A', 'SEKISHO_B']);
  });
});

describe('metrics', () => {
  const REVEALING = /host$|url|(?:^|_)ip(?:_|$)|addr|actor|user|path|peer/i;

  it('has no label that could hold a host, URL, address or actor', async () => {
    const services = await readMetrics(root);
    expect(services.length).toBeGreaterThanOrEqual(2);
    const labels = services.flatMap(({ notes }) => notes.flatMap((note) => Object.entries(note.labels)));
    expect(labels.length).toBeGreaterThan(5);
    for (const [label, values] of labels) {
      expect(label).not.toMatch(REVEALING);
      // The one set that is not closed in code: the rules file bounds it.
      if (label === 'rule') expect(values).toEqual([]);
      else expect(values.length).toBeGreaterThan(0);
      expect(values.length).toBeLessThanOrEqual(CODE_NAMES.length + 1);
    }
  });

  it.each(['host', 'url', 'client_ip', 'actor', 'ip'])('would refuse the label %s', (label) => {
    expect(label).toMatch(REVEALING);
  });

  it('has a unit in each name, a sentence as help and no name twice in a service', async () => {
    for (const { notes } of await readMetrics(root)) {
      for (const { name, type, help } of notes) {
        expect(name).toMatch(/^sekisho_[a-z0-9_]+$/);
        expect(name.endsWith('_total')).toBe(type === 'counter');
        if (type === 'histogram') expect(name).toMatch(/_(?:seconds|bytes)$/);
        expect(help).toMatch(/^[A-Z0-9].*\.$/);
      }
      expect(new Set(notes.map(({ name }) => name)).size).toBe(notes.length);
    }
  });

  it('names them as the real registry does', async () => {
    const factory = (registry: ReturnType<typeof createMetrics>): void => {
      registry.counter({ name: 'a_total', help: 'A.' });
      registry.gauge({ name: 'up', help: 'B.', common: true });
      registry.histogram({ name: 'c_seconds', help: 'C.', buckets: [1] });
    };
    const real = createMetrics('image-worker');
    factory(real);
    const listed = (await real.list()).map(({ name, type, help }) => ({ name, type, help }));
    const noted = notesOf('image-worker', factory).map(({ name, type, help }) => ({ name, type, help }));
    expect(noted).toHaveLength(3);
    expect(listed).toEqual(expect.arrayContaining(noted));
  });
});

describe('table()', () => {
  it('keeps a bar and a line break inside their cell', () => {
    expect(table(['a'], [['x|y\nz']])).toBe('| a |\n| --- |\n| x\\|y z |');
  });
});

describe('links', () => {
  const pages = ['README.md', 'SECURITY.md', ...markdownIn('docs'), ...['gateway', 'fetcher', 'image-worker', 'dns-filter'].map((name) => `services/${name}/README.md`)].filter((path) => path !== 'docs/performance.md');

  it.each(pages)('%s leads nowhere that is not there', (path) => {
    expect(brokenLinks(root, path)).toEqual([]);
  });

  it.each(pages)('%s names no file that is not there', (path) => {
    expect(missingFiles(root, path)).toEqual([]);
  });

  it('finds a named file that is missing', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sekisho-named-'));
    mkdirSync(join(folder, 'scripts'));
    writeFileSync(join(folder, 'scripts/there.ts'), '');
    writeFileSync(join(folder, 'a.md'), 'in `scripts/there.ts`, `scripts/gone.ts`, `services/*/src/x.ts`, `services/<name>/src/x.ts`, `other.ts`\n');
    expect(missingFiles(folder, 'a.md')).toEqual(['scripts/gone.ts']);
    rmSync(folder, { recursive: true });
  });

  it('finds a missing file and a missing heading, and passes what is there', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sekisho-links-'));
    mkdirSync(join(folder, 'docs'));
    writeFileSync(join(folder, 'docs/b.md'), '# Two `words` here\n\n```\n# no heading\n```\n');
    writeFileSync(join(folder, 'a.md'), '[1](docs/b.md#two-words-here) [2](docs/b.md#no-heading) [3](docs/c.md) [4](https://x.example/) `[5](none.md)`\n');
    expect(brokenLinks(folder, 'a.md')).toEqual(['docs/b.md#no-heading', 'docs/c.md']);
    rmSync(folder, { recursive: true });
  });
});

function markdownIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.md')).map((path) => `${folder}/${path}`).toSorted();
}
