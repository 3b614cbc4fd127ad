import { describe, expect, it } from '@jest/globals';
import { problemsError, readYaml } from './index.ts';

const BYTES_MAX = 256 * 1024;
const TEXT = 'a: 1\nb:\n  c: x\n  d:\n    - 1\n    -\n      e: 2\n';

describe('readYaml()', () => {
  it('answers the value', () => {
    expect(readYaml(TEXT, BYTES_MAX).value).toEqual({ a: 1, b: { c: 'x', d: [1, { e: 2 }] } });
    expect(readYaml('# a note\n', BYTES_MAX).value).toBeNull();
  });

  it.each([
    [[], 1], [['a'], 1], [['b'], 2], [['b', 'c'], 3], [['b', 'd'], 4], [['b', 'd', 0], 5], [['b', 'd', 1, 'e'], 7],
    [['b', 'd', 7], 4], [['b', 'gone', 'further'], 2], [['a', 'b'], 1],
  ])('knows the line of %j, or of the deepest part that is there', (path, line) => {
    expect(readYaml(TEXT, BYTES_MAX).lineOf(path)).toBe(line);
  });

  it.each([
    ['a: 1\na: 2', 'line 2: Map keys must be unique'],
    ['a: &x [1]\nb: *x', 'line 2: aliases are not supported'],
    ['a: 1\n---\nb: 1', 'line 2: '],
    [`a: ${'['.repeat(100_000)}`, 'line 1: '],
  ])('refuses %.30j', (text, message) => {
    expect(() => readYaml(text, BYTES_MAX)).toThrow(message);
  });

  it('counts bytes, not letters', () => {
    expect(readYaml('# äö', 6).value).toBeNull();
    expect(() => readYaml('# äö', 5)).toThrow('larger than 5 bytes');
  });
});

describe('problemsError()', () => {
  it('names twenty, in the order of the file', () => {
    const problems = Array.from({ length: 22 }, (_, at) => ({ line: 22 - at, text: 'x' }));
    expect(problemsError(problems).message).toMatch(/^line 1: x; line 2: x; .*line 20: x; and 2 more$/);
    expect(problemsError(problems.slice(20)).message).toBe('line 1: x; line 2: x');
  });
});
