import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Assembly, assemble, writeConfig } from './misskey-config.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-misskey-'));
  for (const name of ['mounts', 'out']) mkdirSync(join(folder, name));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const assembly = (parts: Partial<Assembly> = {}): Assembly => ({ settings: {}, secrets: [], mounts: join(folder, 'mounts'), out: join(folder, 'out'), ...parts });

function secret(file: string, value: string | Buffer): string {
  const path = join(folder, 'mounts', file);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, value);
  return file;
}

const parse = (text: string): unknown => JSON.parse(text);

describe('assemble()', () => {
  it('keeps the types of the settings and puts secrets beside them', () => {
    const settings = { url: 'https://a.example/', port: 3000, db: { host: 'pg', port: 5432, disableCache: false }, proxyBypassHosts: [], outgoingAddress: null };
    const secrets = [{ path: 'db.user', file: secret('db/username', 'mk') }, { path: 'db.pass', file: secret('db/password', 'geheim') }];
    expect(parse(assemble(assembly({ settings, secrets })))).toEqual({ ...settings, db: { ...settings.db, user: 'mk', pass: 'geheim' } });
    expect(settings.db).not.toHaveProperty('pass');
  });

  it.each([
    ['quotes', `a"b'c\`d`],
    ['backslashes', 'a\\n\\"\\'],
    ['line ends inside', 'a\nb\r\nc'],
    ['YAML', '- x: &a !!js/function >\n  1 # no\n---\n*a'],
    ['an escape from the string', '", "proxy": "http://evil.example:80'],
    ['templates', '{{ .Values.x }} ${HOME} $(id)'],
    ['unicode', 'パスワード🔑 é ü'],
    ['line separators', 'a\u2028b\u2029c\u0085d\u007f'],
    ['a byte order mark', '\uFEFFx'],
    ['numbers that are text', '0123'],
    ['a word that YAML takes for a value', 'null'],
    ['blanks at both ends', '  x  '],
    ['NUL and control characters', 'a\0\u0001\u001Bb'],
  ])('takes a password of %s as it is', (_name, password) => {
    const text = assemble(assembly({ secrets: [{ path: 'redis.pass', file: secret('p', password) }] }));
    expect(parse(text)).toEqual({ redis: { pass: password } });
    // What ends a line in YAML but not in JSON must not stand in the text.
    expect(text).not.toMatch(/[\u2028\u2029\u0085\u007f]/);
  });

  it.each([['a\n', 'a'], ['a\r\n', 'a'], ['a\n\n', 'a\n'], ['a', 'a']])('cuts one line end: %j', (given, kept) => {
    expect(parse(assemble(assembly({ secrets: [{ path: 'x', file: secret('p', given) }] })))).toEqual({ x: kept });
  });

  it('makes the objects on the way', () => {
    expect(parse(assemble(assembly({ secrets: [{ path: 'a.b.c', file: secret('p', 'v') }] })))).toEqual({ a: { b: { c: 'v' } } });
  });

  it.each([
    ['an empty value', 'x', ''],
    ['only a line end', 'x', '\n'],
    ['bytes that are no text', 'x', Buffer.from([0xff, 0xfe])],
    ['too many bytes', 'x', 'a'.repeat(65_537)],
    ['a way to the prototype', '__proto__.polluted', 'v'],
    ['a gap in the name', 'a..b', 'v'],
    ['a value on the way', 'port.x', 'v'],
    ['a list on the way', 'list.x', 'v'],
  ])('refuses %s', (_name, path, value) => {
    const parts = { settings: { port: 3000, list: [1] }, secrets: [{ path, file: secret('p', value) }] };
    expect(() => assemble(assembly(parts))).toThrow();
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('names the setting whose Secret is missing', () => {
    expect(() => assemble(assembly({ secrets: [{ path: 'db.pass', file: 'none' }] }))).toThrow('db.pass');
  });
});

describe('writeConfig()', () => {
  it('writes one text under both names, for the owner alone', () => {
    writeConfig(assembly({ settings: { url: 'https://a.example/' } }));
    const [yml, json] = ['default.yml', 'config.json'].map((name) => readFileSync(join(folder, 'out', name), 'utf8'));
    expect(yml).toBe(json);
    expect(statSync(join(folder, 'out', 'config.json')).mode & 0o777).toBe(0o400);
  });
});
