// Header values and lists as strangers write them.

import fc from 'fast-check';

/** Text that tries to break out of a header, a file name or a line of log. */
export const hostileText = (): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc.string({ unit: 'grapheme', maxLength: 400 }),
    fc.array(fc.constantFrom('\r\n', '"', '\\', ';', '\0', '\u202e', '\ud83d', '../', "'", '%', '\u2028', 'é', '😀'), { maxLength: 200 }).map((parts) => parts.join('')),
  );

/** One end of a range: empty, near `most`, far above 2^53, or no number. */
const rangeEnd = (most: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constant(''),
    fc.nat(most).map(String),
    fc.bigInt({ min: 0n, max: 10n ** 20n }).map(String),
    fc.constantFrom('-1', 'NaN', '1e3', '0x1', ' 1'),
    fc.string({ maxLength: 8 }),
  );

/** A Range header around a file of at most `most` bytes. */
export const rangeHeader = (most: number): fc.Arbitrary<string> =>
  fc.oneof({ weight: 5, arbitrary: fc.tuple(rangeEnd(most), rangeEnd(most)).map(([a, b]) => `bytes=${a}-${b}`) }, { weight: 1, arbitrary: fc.string() });

/** Names and values in turn, like `rawHeaders`; names in any mix of cases. */
export const headerList = (names: readonly string[], values: readonly string[]): fc.Arbitrary<string[]> =>
  fc.array(fc.tuple(fc.mixedCase(fc.constantFrom(...names)), fc.constantFrom(...values)), { maxLength: 10 }).map((lines) => lines.flat());
