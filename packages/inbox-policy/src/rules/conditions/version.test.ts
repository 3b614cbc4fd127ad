import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compareVersions, readVersion } from './version.ts';

function order(a: string, b: string): string {
  const [left, right] = [readVersion(a), readVersion(b)];
  if (left === undefined || right === undefined) return 'unknown';
  const sign = Math.sign(compareVersions(left, right));
  // Both ways round say the same.
  expect(Math.sign(compareVersions(right, left))).toBe(sign === 0 ? 0 : -sign);
  return sign < 0 ? '<' : sign > 0 ? '>' : '=';
}

describe('versions', () => {
  it.each([
    ['2026.3.2-alpha.1', '<', '2026.3.2'], ['2026.3.2', '<', '2026.3.3'], ['2026.3.2', '<', '2026.10.0'], ['2025.12.2', '<', '2026.3.2'], ['4.3', '=', '4.3.0'], ['4.3', '<', '4.3.0.1'], ['v1.0.5-rc', '<', '1.0.5'],
    ['2026.3.2-alpha.1', '<', '2026.3.2-alpha.2'], ['2026.3.2-alpha.9', '<', '2026.3.2-alpha.10'], ['2026.3.2-alpha.9', '<', '2026.3.2-beta.1'], ['2026.3.2-beta.9', '<', '2026.3.2-rc.1'], ['2026.3.2-alpha', '<', '2026.3.2-alpha.1'],
    ['2026.3.2-alpha.1', '>', '2026.3.1'], ['4.3.0-nightly.2024-09-01', '<', '4.3.0-alpha.1'], ['0.17.0-rc1 git-3f2a', '<', '0.17.0'], ['0.17.0rc2', '<', '0.17.0'], ['4.3.0-Beta.1', '<', '4.3.0'], ['2.0-pre.1', '<', '2.0-rc.1'],
    // What forks and builds write.
    ['2026.3.2-io.5', '=', '2026.3.2'], ['2024.11.0-cherrypick-4.12.0-beta.3', '=', '2024.11.0'], ['4.3.0+glitch', '=', '4.3.0'], ['2.7.0-12-g3f2a', '=', '2.7.0'], ['4.2.1 (compatible; x)', '=', '4.2.1'],
    ['4.3.0-betamax', '=', '4.3.0'], ['20240729', '>', '2026.3.2'], ['unknown', 'unknown', '1'], ['', 'unknown', '1'], ['1.x', 'unknown', '1'], ['1..2', 'unknown', '1'], ['.1', 'unknown', '1'], ['1foo', 'unknown', '1'],
    ['-1', 'unknown', '1'], ['1234567890', 'unknown', '1'], ['1.2.3.4.5.6.7.8.9', 'unknown', '1'], ['vv1', 'unknown', '1'], [' 1', 'unknown', '1'],
  ])('%s %s %s', (a, sign, b) => {
    expect(order(a, b)).toBe(sign);
  });

  const version = fc.tuple(fc.array(fc.nat(30), { minLength: 1, maxLength: 4 }), fc.constantFrom('', '-alpha', '-alpha.1', '-beta.2', '-rc.1', '-io.1', '+build')).map(([numbers, end]) => numbers.join('.') + end);

  it('are in one order, whichever two are compared', () => {
    fc.assert(fc.property(version, version, version, (a, b, c) => {
      const [ab, bc, ac] = [order(a, b), order(b, c), order(a, c)];
      if (ab !== '>' && bc !== '>') expect(ac).not.toBe('>');
      if (ab === '=' && bc === '=') expect(ac).toBe('=');
    }));
  });

  it('can be any text', () => {
    fc.assert(fc.property(fc.string(), (text) => {
      const read = readVersion(text);
      return read === undefined || (read.numbers.every(Number.isSafeInteger) && compareVersions(read, read) === 0);
    }));
  });
});
