import { describe, expect, it } from '@jest/globals';
import { LIMITS } from '@sekisho/contracts';
import fc from 'fast-check';
import { cacheKey } from '../media/key.ts';
import { createMediaPolicy } from '../media/policy.ts';
import { DEFAULT_GATEWAY_LIMITS, type GatewayLimits } from './limits.ts';
import { LIMITS_FILE_BYTES_MAX, parseLimitsFile } from './parse.ts';
import { limitsFileJsonSchema } from './schema.ts';

const MiB = 1024 * 1024;
type Area = keyof GatewayLimits;

const BOUNDS: readonly (readonly [area: Area, key: string, min: number, max: number])[] = [
  ['budget', 'capacityMs', 10_000, 3_600_000],
  ['budget', 'refillMsPerSecond', 10, 12_500],
  ['budget', 'netFactor', 1, 200],
  ['budget', 'globalFactor', 1, 200],
  ['line', 'entriesMax', 1, 4_096],
  ['line', 'waitMs', 100, 35_000],
  ['line', 'headWaitMs', 100, 35_000],
  ['media', 'pictureBytesMax', 65_536, 20 * MiB],
  ['media', 'streamBytesMax', MiB, 250 * MiB],
  ['media', 'passAnimationBytesMax', 0, 8 * MiB],
  ['media', 'passAnimationSideMax', 0, 2_048],
  ['media', 'forbiddenFloorMs', 250, 5_000],
];
const fileOf = (area: Area, key: string, value: unknown): string => `# note\n${area}:\n  # note\n  ${key}: ${String(value)}\n`;

describe('parseLimitsFile()', () => {
  it.each(BOUNDS)('takes %s.%s at both bounds and keeps every other default', (area, key, min, max) => {
    for (const value of [min, max]) {
      const expected = { ...DEFAULT_GATEWAY_LIMITS, [area]: { ...DEFAULT_GATEWAY_LIMITS[area], [key]: value } };
      expect(parseLimitsFile(fileOf(area, key, value))).toEqual(expected);
    }
  });

  it.each(BOUNDS)('refuses %s.%s just outside of its bounds, and what is no whole number', (area, key, min, max) => {
    for (const value of [min - 1, max + 1]) {
      expect(() => parseLimitsFile(fileOf(area, key, value))).toThrow(/^line [24]: budget: refill|^line 4: .*must be at (?:least|most) \d+$/);
    }
    for (const value of [min + 0.5, `"${min}"`, 'true', '.inf', '.nan', '[1]', '{ a: 1 }', '20MiB', '']) {
      expect(() => parseLimitsFile(fileOf(area, key, value))).toThrow(`line 4: ${area}.${key}: `);
    }
  });

  it.each([['', 'nothing'], ['# a comment\n', 'a comment'], ['{}', 'an empty map'], ['budget: {}\nline: {}\n', 'empty areas']])('takes %j (%s) as the defaults', (text) => {
    expect(parseLimitsFile(text)).toEqual(DEFAULT_GATEWAY_LIMITS);
  });

  it.each([
    ['an unknown area', 'budget:\n  netFactor: 2\nbudgets:\n  netFactor: 2\n', 'line 3: budgets is not known'],
    ['an unknown key', 'media:\n  pictureBytesMax: 100000\n\n  pictureByteMax: 100000\n', 'line 4: media.pictureByteMax is not known'],
    ['a key that objects have', 'media:\n  constructor: 1\n', 'line 2: media.constructor is not known'],
    ['a key that prototypes have', 'media:\n  __proto__:\n    pictureBytesMax: 1\n', 'line 2: media.__proto__ is not known'],
    ['a key twice', 'media:\n  passAnimationSideMax: 1\n  passAnimationSideMax: 2\n', 'line 3: '],
    ['an area without a map', '\nline: 5\n', 'line 2: line: '],
    ['an area without a value', '\nline:\n', 'line 2: line: '],
    ['a list', '- budget\n', 'line 1: the file: '],
    ['a text', 'budget', 'line 1: the file: '],
    ['an open bracket', 'budget: {\n', 'line '],
    ['a tab', 'budget:\n\tnetFactor: 2\n', 'line 2: '],
    ['two documents', 'budget: {}\n---\nline: {}\n', 'line 2: '],
    ['an alias', 'budget: &a {}\nline: *a\n', 'line 2: aliases are not supported'],
    ['a deep file', `budget: ${'['.repeat(LIMITS_FILE_BYTES_MAX / 2)}`, 'line 1: '],
    ['a file that is too large', `#${'x'.repeat(LIMITS_FILE_BYTES_MAX)}`, 'larger than'],
    ['more cores than the limiter counts', 'line: {}\nbudget:\n  refillMsPerSecond: 12501\n', 'line 2: budget: refillMsPerSecond times'],
    ['the same by a factor', 'budget: { refillMsPerSecond: 100, netFactor: 1000, globalFactor: 1000 }\nline: { waitMs: 1 }\n', 'line 2: line.waitMs: must be at least 100'],
  ])('refuses %s', (_name, text, message) => {
    expect(() => parseLimitsFile(text)).toThrow(message);
  });

  it('names several problems, and not a thousand', () => {
    expect(() => parseLimitsFile('line: { waitMs: 1, headWaitMs: 1 }')).toThrow(/line\.waitMs.*; line 1: line\.headWaitMs/);
    expect(() => parseLimitsFile(Array.from({ length: 1_000 }, (_, at) => `k${at}: 1`).join('\n'))).toThrow(/k19 is not known; and 980 more$/);
  });

  it('answers any text with limits within their bounds or an error', () => {
    const value = fc.oneof(fc.integer({ min: -10, max: 300 * MiB }), fc.double(), fc.string({ maxLength: 8 }));
    const line = fc.tuple(fc.constantFrom(...BOUNDS), value).map(([[area, key], given]) => fileOf(area, key, given));
    fc.assert(fc.property(fc.oneof(fc.string(), line), (text) => {
      let limits: GatewayLimits;
      try {
        limits = parseLimitsFile(text);
      } catch (error) {
        return error instanceof Error && error.message !== '';
      }
      const flat: ReadonlyMap<string, number> = new Map(Object.values(limits).flatMap((area: object) => Object.entries(area)));
      return BOUNDS.every(([, key, min, max]) => flat.get(key)! >= min && flat.get(key)! <= max);
    }));
  });
});

describe('createMediaPolicy()', () => {
  const policyOf = createMediaPolicy();
  const keyWith = (media: Partial<GatewayLimits['media']>): string =>
    cacheKey({ policy: policyOf({ ...DEFAULT_GATEWAY_LIMITS.media, ...media }), epoch: 1, mode: 'emoji', url: 'https://a.origin.example/x' });

  it('makes another key of each limit that changes results, and the same of the others', () => {
    const plain = keyWith({});
    expect(keyWith({ forbiddenFloorMs: 300, streamBytesMax: MiB })).toBe(plain);
    const others = [keyWith({ passAnimationBytesMax: 0 }), keyWith({ passAnimationSideMax: 511 }), keyWith({ pictureBytesMax: LIMITS.pictureBytesMax - 1 })];
    expect(new Set([plain, ...others]).size).toBe(4);
    expect(keyWith({})).toBe(plain);
  });
});

describe('limitsFileJsonSchema()', () => {
  it('closes every object and gives each number its bounds', () => {
    const schema = JSON.parse(JSON.stringify(limitsFileJsonSchema())) as { additionalProperties: boolean; properties: Record<string, { additionalProperties: boolean; properties: Record<string, { minimum: number; maximum: number; description: string }> }> };
    expect(schema.additionalProperties).toBe(false);
    for (const [area, key, min] of BOUNDS) {
      expect(schema.properties[area]!.additionalProperties).toBe(false);
      expect(schema.properties[area]!.properties[key]).toMatchObject({ minimum: min, maximum: expect.any(Number), description: expect.stringContaining('Default') });
    }
    expect(Object.values(schema.properties).flatMap(({ properties }) => Object.keys(properties))).toHaveLength(BOUNDS.length);
  });
});
