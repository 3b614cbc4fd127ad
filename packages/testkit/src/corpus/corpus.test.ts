import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { corpusFolder, readImageCases, readSsrfCases } from './index.ts';

const SSRF = '{"id":"s1","input":" http://a\\u0000b ","kind":"url","expected":"blocked","why":"control","needs_dns":true,"source":"own"}';
const IMAGE = '{"name":"a","file":"a.bin","expected":"ok","reason":"plain","width":3,"height":2,"max_seconds":2,"loop":null}';

let folder = '';
const put = (path: string, content: string): void => writeFileSync(join(folder, path), content);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'corpus-'));
  for (const path of ['images/generated', 'images/real', 'ssrf']) mkdirSync(join(folder, path), { recursive: true });
  put('images/manifest.jsonl', `${IMAGE}\n`);
  put('images/real.jsonl', `${IMAGE}\n`);
  put('images/generated/a.bin', 'bytes');
  put('ssrf/cases.jsonl', `${SSRF}\n`);
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('readSsrfCases()', () => {
  it('keeps the input to the letter', () => {
    expect(readSsrfCases(folder)).toEqual([
      { id: 's1', input: ' http://a\0b ', kind: 'url', expected: 'blocked', why: 'control', needsDns: true, source: 'own' },
    ]);
  });

  it.each([
    ['no cases', ''],
    ['an unknown verdict', SSRF.replace('blocked', 'perhaps')],
    ['no JSON', 'cases'],
  ])('throws on %s', (_name, content) => {
    put('ssrf/cases.jsonl', content);
    expect(() => readSsrfCases(folder)).toThrow();
  });

  it('throws when the file has gone', () => {
    rmSync(join(folder, 'ssrf/cases.jsonl'));
    expect(() => readSsrfCases(folder)).toThrow();
  });
});

describe('readImageCases()', () => {
  it('joins both lists and reads files', () => {
    const [first, second, ...more] = readImageCases(folder);
    expect(more).toEqual([]);
    expect(first).toMatchObject({ name: 'a', expected: 'ok', width: 3, height: 2, maxSeconds: 2, path: join(folder, 'images/generated/a.bin') });
    expect(first).not.toHaveProperty('loop');
    expect(first?.read().toString()).toBe('bytes');
    expect(second?.path).toBe(join(folder, 'images/real/a.bin'));
  });

  it('throws when a list holds no cases', () => {
    put('images/real.jsonl', '\n');
    expect(() => readImageCases(folder)).toThrow('holds no cases');
  });
});

describe('corpusFolder()', () => {
  it('gives cases of every verdict where there is a corpus, none where there is not', () => {
    const present = corpusFolder() !== undefined;
    expect(readImageCases().length > 100).toBe(present);
    for (const verdict of ['blocked', 'allowed']) expect(readSsrfCases().some(({ expected }) => expected === verdict)).toBe(present);
  });
});
