import { describe, expect, it } from '@jest/globals';
import { CLASS_LIMITS, DECODE_CLASSES, LIMITS } from '@sekisho/contracts';
import fc from 'fast-check';
import { type ChildFacts, POOL_LIMITS, idleTooLong, lackingBlanks, longestIdle, pickChild, processClass, staysAfter } from './isolation.ts';

const blank: ChildFacts = { class: 'raster', token: undefined, busy: false, ready: true, pictures: 0, lifeCpuMs: 50, idleSinceMs: 0 };
const bound = (token: string, change: Partial<ChildFacts> = {}): ChildFacts => ({ ...blank, token, pictures: 1, ...change });
const wanted = { class: 'raster', token: 'a' } as const;

const childArbitrary: fc.Arbitrary<ChildFacts> = fc.record({
  class: fc.constantFrom('raster' as const, 'svg' as const),
  token: fc.constantFrom(undefined, 'a', 'b', 'c'),
  busy: fc.boolean(),
  ready: fc.boolean(),
  pictures: fc.nat({ max: 9 }),
  lifeCpuMs: fc.nat({ max: 10_000 }),
  idleSinceMs: fc.nat({ max: 100_000 }),
});

describe('pickChild()', () => {
  it('never gives a child that has seen another site or class, or is busy', () => {
    fc.assert(fc.property(fc.array(childArbitrary, { maxLength: 20 }), fc.constantFrom('a', 'b'), fc.constantFrom('raster' as const, 'svg' as const), (children, token, of) => {
      const child = pickChild(children, { token, class: of });
      if (child === undefined) return;
      expect(child.busy).toBe(false);
      expect(child.class).toBe(of);
      expect(child.token === token || (child.token === undefined && child.pictures === 0)).toBe(true);
    }));
  });

  it.each<[string, readonly ChildFacts[], number | undefined]>([
    ['a child of the site before a blank one', [blank, bound('a')], 1],
    ['a blank one when the child of the site is busy', [bound('a', { busy: true }), blank], 1],
    ['a loaded blank one before one that still loads', [{ ...blank, ready: false }, blank], 1],
    ['one that still loads before none', [{ ...blank, ready: false }], 0],
    ['none for another site', [bound('b')], undefined],
    ['none for another class', [bound('a', { class: 'svg' }), { ...blank, class: 'svg' }], undefined],
    ['none of a child that lost its token', [{ ...blank, pictures: 1 }], undefined],
  ])('gives %s', (_name, children, index) => {
    expect(pickChild(children, wanted)).toBe(index === undefined ? undefined : children[index]);
  });
});

describe('staysAfter()', () => {
  it.each<[string, Partial<ChildFacts>, 'site' | 'image', boolean]>([
    ['below the number of pictures', { pictures: POOL_LIMITS.picturesMax - 1 }, 'site', true],
    ['at the number of pictures', { pictures: POOL_LIMITS.picturesMax }, 'site', false],
    ['at the CPU of a life', { lifeCpuMs: LIMITS.decodeCpuMs }, 'site', true],
    ['above the CPU of a life', { lifeCpuMs: LIMITS.decodeCpuMs + 1 }, 'site', false],
    ['at the CPU of an SVG', { class: 'svg', lifeCpuMs: LIMITS.svgCpuMs }, 'site', true],
    ['above the CPU of an SVG', { class: 'svg', lifeCpuMs: LIMITS.svgCpuMs + 1 }, 'site', false],
    ['after one picture in image mode', { pictures: 1 }, 'image', false],
  ])('%s', (_name, change, mode, stays) => {
    expect(staysAfter(bound('a', change), mode)).toBe(stays);
  });
});

describe('idle children', () => {
  const children = [blank, bound('a', { idleSinceMs: 100 }), bound('b', { idleSinceMs: 50, busy: true }), bound('c', { idleSinceMs: 70 })];
  it('are those bound ones whose time is up', () => {
    expect(idleTooLong(children, 70 + POOL_LIMITS.idleMs).map(({ token }) => token)).toEqual(['c']);
    expect(idleTooLong(children, 69 + POOL_LIMITS.idleMs)).toEqual([]);
  });
  it('make room from the longest idle one', () => {
    expect(longestIdle(children)?.token).toBe('c');
    expect(longestIdle([blank])).toBeUndefined();
  });
});

describe('lackingBlanks()', () => {
  it('counts blank ones alone', () => {
    expect(lackingBlanks([], 2)).toEqual({ raster: 4, svg: 1 });
    expect(lackingBlanks([blank, bound('a'), { ...blank, class: 'svg' }], 1)).toEqual({ raster: 1, svg: 0 });
  });
});

describe('processClass()', () => {
  it.each([['raster', 'raster'], ['animation', 'raster'], ['svg', 'svg']] as const)('puts %s into %s', (of, expected) => {
    expect(processClass(of)).toBe(expected);
  });

  it.each(DECODE_CLASSES)('%s runs in a process with the limits of its class', (of) => {
    const { processCpuS, dataBytesMax } = CLASS_LIMITS[processClass(of)];
    expect({ processCpuS, dataBytesMax }).toEqual({ processCpuS: CLASS_LIMITS[of].processCpuS, dataBytesMax: CLASS_LIMITS[of].dataBytesMax });
  });

  it.each(DECODE_CLASSES)('a process of %s that stays has CPU for a whole picture before the kernel ends it', (of) => {
    const { cpuMs, processCpuS } = CLASS_LIMITS[of];
    expect(cpuMs + cpuMs).toBeLessThanOrEqual(processCpuS * 1_000);
  });
});
