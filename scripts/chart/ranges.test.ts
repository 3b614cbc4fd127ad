import { describe, expect, it } from '@jest/globals';
import { classifyAddress, createAddressPolicy } from '@sekisho/netguard';
import fc from 'fast-check';
import { publicRanges, type Range, rangeOf, rangesOf, sameRanges, subtract, intersect, union } from './ranges.ts';

const inside = (ranges: readonly Range[], { family, first }: Range): boolean =>
  ranges.some((range) => range.family === family && range.first <= first && first <= range.last);

/** Small numbers, so that ranges meet, touch and hold one another. */
const small = fc.record({ family: fc.constantFrom(4 as const, 6 as const), at: fc.nat(40), size: fc.nat(12) })
  .map(({ family, at, size }): Range => ({ family, first: BigInt(at), last: BigInt(at + size) }));
const sets = fc.array(small, { maxLength: 6 });
const points: readonly Range[] = ([4, 6] as const).flatMap((family) => Array.from({ length: 60 }, (_, at) => ({ family, first: BigInt(at), last: BigInt(at) })));

const address = fc.oneof(
  fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map((bytes) => bytes.join('.')),
  fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 }).map((groups) => groups.map((group) => group.toString(16)).join(':')),
  fc.tuple(fc.integer({ min: 0x2000, max: 0x3fff }), fc.constantFrom('0', 'db8', '1ff', '200', 'fff', '4f', '4e'), fc.nat(0xffff))
    .map(([head, second, third]) => `${head.toString(16)}:${second}:${third.toString(16)}:0:1:2:3:4`),
);

describe('rangeOf()', () => {
  it.each([['10.0.0.0/8', 0x0a000000n, 0x0affffffn], ['192.0.2.7', 0xc0000207n, 0xc0000207n], ['0.0.0.0/0', 0n, 0xffffffffn], ['::/128', 0n, 0n]])(
    'reads %s',
    (cidr, first, last) => {
      expect(rangeOf(cidr)).toMatchObject({ first, last });
    },
  );

  it.each(['10.0.0.0/33', '10.0.0', 'x', '10.0.0.0/-1'])('refuses %s', (text) => {
    expect(() => rangeOf(text)).toThrow(TypeError);
  });
});

describe('sets of ranges', () => {
  it('subtract, intersect and union agree with their meaning at every point', () => {
    fc.assert(
      fc.property(sets, sets, (left, right) => {
        for (const point of points) {
          const [a, b] = [inside(left, point), inside(right, point)];
          expect([inside(subtract(left, right), point), inside(intersect(left, right), point), inside(union([...left, ...right]), point)])
            .toEqual([a && !b, a && b, a || b]);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('union leaves neither overlap nor neighbour', () => {
    fc.assert(
      fc.property(sets, (ranges) => {
        const joined = union(ranges);
        for (const [at, range] of joined.entries()) {
          const next = joined[at + 1];
          if (next !== undefined && next.family === range.family) expect(next.first).toBeGreaterThan(range.last + 1n);
        }
      }),
    );
  });

  it('never mixes the families', () => {
    expect(subtract(rangesOf(['0.0.0.0/0']), rangesOf(['::/0']))).toEqual(rangesOf(['0.0.0.0/0']));
  });
});

describe('publicRanges()', () => {
  it('is what netguard calls public', () => {
    const known = publicRanges();
    fc.assert(
      fc.property(address, (text) => {
        const verdict = classifyAddress(text);
        if (!verdict.public && verdict.label === 'isatap') return;
        expect(inside(known, rangeOf(text))).toBe(verdict.public);
      }),
      { numRuns: 2_000 },
    );
  });

  it('counts an address of a translator as the one inside', () => {
    const nat64 = ['64:ff9b::/96', 'fd00:64::/64', '2a00:1234::/32'];
    const known = publicRanges({ nat64, unsafePublic: ['203.0.113.0/24'], denied: ['8.8.8.0/24'] });
    const policy = createAddressPolicy({ nat64Prefixes: nat64, unsafePublicCidrs: ['203.0.113.0/24'], denyCidrs: ['8.8.8.0/24'] });
    const embedded = (a: number, b: number): readonly string[] => {
      const [high, low] = [a.toString(16), b.toString(16)];
      return [`64:ff9b::${high}:${low}`, `2a00:1234:${high}:${low}::`, `fd00:64:0:0:${(a >> 8).toString(16)}:${(((a & 0xff) << 8) | (b >> 8)).toString(16)}:${((b & 0xff) << 8).toString(16)}:0`];
    };
    const first = fc.oneof(fc.nat(0xffff), fc.constantFrom(0x0a00, 0x7f00, 0xa9fe, 0xc0a8, 0x0808, 0xcb00, 0xc633, 0xac1f));
    const second = fc.oneof(fc.nat(0xffff), fc.constantFrom(0x0808, 0x71ff, 0x7107, 0xa9fe));
    fc.assert(fc.property(first, second, (a, b) => {
      for (const text of embedded(a, b)) expect([text, inside(known, rangeOf(text))]).toEqual([text, policy.check(text, 443).allowed]);
    }), { numRuns: 500 });
  });

  it('lets a denied range win over an unsafe one', () => {
    const unsafe = publicRanges({ unsafePublic: ['203.0.113.0/24'], denied: ['203.0.113.0/25'] });
    expect(sameRanges(intersect(unsafe, rangesOf(['203.0.113.0/24'])), rangesOf(['203.0.113.128/25']))).toBe(true);
  });
});
