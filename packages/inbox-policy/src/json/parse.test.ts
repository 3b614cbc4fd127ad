import { describe, expect, it } from '@jest/globals';
import { INBOX_LIMITS } from '@sekisho/contracts';
import { cpuMsOf } from '@sekisho/testkit/cpu-time';
import fc from 'fast-check';
import type { JsonObject } from '../types.ts';
import { parseStrictJson } from './parse.ts';

const bytes = (text: string): Buffer => Buffer.from(text);
const codeOf = (body: string | Uint8Array): string => {
  const result = parseStrictJson(typeof body === 'string' ? bytes(body) : body);
  return result.ok ? 'ok' : result.code;
};
const valueOf = (text: string): JsonObject => {
  const result = parseStrictJson(bytes(text));
  if (!result.ok) throw new Error(`${result.code} ${result.detail}`);
  return result.value;
};
/** Plain, so that it compares with what JSON.parse makes. */
const plain = (value: unknown): unknown =>
  Array.isArray(value) ? value.map(plain)
    : typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
      : value;
const nested = (depth: number, open: string, close: string): string => `${open.repeat(depth)}${close.repeat(depth)}`;

describe('parseStrictJson()', () => {
  it('reads an activity into objects without prototype', () => {
    const value = valueOf(' {"a":[1,-0.5e+2,true,false,null,{"b":"\\u00e9é\\n\\ud83d\\ude00"}],\r\n\t"constructor":"c","":{} } ');
    expect(plain(value)).toEqual({ a: [1, -50, true, false, null, { b: 'éé\n😀' }], constructor: 'c', '': {} });
    expect(Object.getPrototypeOf(value)).toBeNull();
    expect(Object.getPrototypeOf(value[''])).toBeNull();
    // It is the same for all bodies.
    expect(Object.isFrozen(value[''])).toBe(true);
    expect(value['toString']).toBeUndefined();
  });

  it.each([
    ['', 'JSON'], [' ', 'JSON'], ['null', 'JSON'], ['[]', 'JSON'], ['"x"', 'JSON'], ['1', 'JSON'], ['{', 'JSON'], ['{}}', 'JSON'], ['{}{}', 'JSON'],
    ['{} x', 'JSON'], ['{"a"}', 'JSON'], ['{"a":}', 'JSON'], ['{"a":1,}', 'JSON'], ['{,}', 'JSON'], ['{"a":[1,]}', 'JSON'], ['{"a":[,1]}', 'JSON'],
    ["{'a':1}", 'JSON'], ['{a:1}', 'JSON'], ['{"a":01}', 'JSON'], ['{"a":1.}', 'JSON'], ['{"a":.5}', 'JSON'], ['{"a":+1}', 'JSON'], ['{"a":-}', 'JSON'],
    ['{"a":1e}', 'JSON'], ['{"a":0x1}', 'JSON'], ['{"a":NaN}', 'JSON'], ['{"a":Infinity}', 'JSON'], ['{"a":True}', 'JSON'], ['{"a":nul}', 'JSON'],
    ['{"a":"\u0000"}', 'JSON'], ['{"a":"\t"}', 'JSON'], ['{"a":"\\x41"}', 'JSON'], ['{"a":"\\u12g4"}', 'JSON'], ['{"a":"\\u12', 'JSON'], ['{"a":"\\', 'JSON'],
    ['{"a":"b', 'JSON'], ['{"a":1}/**/', 'JSON'], ['{"a":1}\u00a0', 'JSON'], ['\u2028{}', 'JSON'], ['{"a":1}\u0000', 'JSON'],
    ['{"a":"\\ud800"}', 'JSON'], ['{"a":"\\udc00"}', 'JSON'], ['{"a":"\\udc00\\ud800"}', 'JSON'], ['{"a":"\\ud800😀"}', 'JSON'], ['{"\\ud800":1}', 'JSON'],
    ['{"a":1,"a":1}', 'JSON_KEYS'], ['{"a":1,"\\u0061":1}', 'JSON_KEYS'], ['{"x":[{"é":1,"\\u00E9":2}]}', 'JSON_KEYS'], ['{"":1,"":2}', 'JSON_KEYS'],
    ['{"__proto__":{}}', 'JSON_KEYS'], ['{"a":{"__proto__":null}}', 'JSON_KEYS'], ['{"\\u005f_proto_\\u005F":1}', 'JSON_KEYS'],
    ['\ufeff{}', 'UTF8'], ['\ufeff', 'UTF8'],
  ])('refuses %j with SEKISHO_INBOX_%s', (text, code) => {
    expect(codeOf(text)).toBe(`SEKISHO_INBOX_${code}`);
  });

  it.each([
    ['an overlong slash', 'c0af'], ['a surrogate', 'eda080'], ['a lone continuation', '80'], ['a cut sequence', 'e282'], ['above U+10FFFF', 'f4908080'], ['Latin-1', 'e9'],
  ])('refuses %s in a string', (_, hex) => {
    expect(codeOf(Buffer.concat([bytes('{"a":"'), Buffer.from(hex, 'hex'), bytes('"}')]))).toBe('SEKISHO_INBOX_UTF8');
  });

  it('refuses UTF-16', () => {
    expect(codeOf(Buffer.from('\ufeff{}', 'utf16le'))).toBe('SEKISHO_INBOX_UTF8');
    expect(codeOf(Buffer.from('{}', 'utf16le'))).toBe('SEKISHO_INBOX_JSON');
  });

  it.each(['{"a":1,"A":2}', '{"a":{"a":{"a":1}}}', '{"a":"__proto__"}', '{"__proto":1}', '{"a":"\ufeff"}', '{"prototype":1}', '{"1":1,"01":2}', '{"a":1e400}'])('accepts %s', (text) => {
    expect(plain(valueOf(text))).toEqual(JSON.parse(text));
  });

  it('counts depth exactly, the body being the first level', () => {
    const { depthMax } = INBOX_LIMITS;
    expect(codeOf(`{"a":${nested(depthMax - 1, '[', ']')}}`)).toBe('ok');
    expect(codeOf(`{"a":${nested(depthMax, '[', ']')}}`)).toBe('SEKISHO_INBOX_JSON_LIMIT');
    const objects = (depth: number): string => `${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`;
    expect(codeOf(objects(depthMax))).toBe('ok');
    expect(codeOf(objects(depthMax + 1))).toBe('SEKISHO_INBOX_JSON_LIMIT');
    expect(codeOf(`{"a":${nested(30_000, '[', ']')}}`)).toBe('SEKISHO_INBOX_JSON_LIMIT');
  });

  it('counts values exactly', () => {
    const array = (length: number): string => `{"a":[${Array.from({ length }, () => '0').join(',')}]}`;
    // The body itself counts as two, the list as one.
    expect(codeOf(array(INBOX_LIMITS.nodesMax - 3))).toBe('ok');
    expect(codeOf(array(INBOX_LIMITS.nodesMax - 2))).toBe('SEKISHO_INBOX_JSON_LIMIT');
  });

  it.each([
    ['null', 1], ['""', 1], ['[]', 1], ['[0,1]', 3], ['{}', 2], ['{"a":1}', 3], ['{"1":1}', 5], ['{"1":1,"2":1,"03":1}', 7], ['{"a":1,"4294967294":1}', 6], ['{"1":{"1":1}}', 9],
  ])('counts %s as %i', (text, weight) => {
    const fits = (nodesMax: number): boolean => parseStrictJson(bytes(`{"a":${text}}`), { ...INBOX_LIMITS, nodesMax }).ok;
    expect([fits(weight + 2), fits(weight + 1)]).toEqual([true, false]);
  });

  it('gives numbered keys back as they were', () => {
    const text = '{"a":1,"1023":2,"0":3,"4294967294":4,"4294967295":5,"007":6,"1e3":7}';
    expect(plain(valueOf(text))).toEqual(JSON.parse(text));
    expect(codeOf('{"4294967294":1,"4294967294":1}')).toBe('SEKISHO_INBOX_JSON_KEYS');
    expect(codeOf('{"0":1,"1":1,"0":1}')).toBe('SEKISHO_INBOX_JSON_KEYS');
  });

  it.each([['a', 1], ['é', 2], ['€', 3], ['😀', 4], ['\\u0041', 1], ['\\u20ac', 3]])('counts the bytes of strings of %s after unescaping', (unit, size) => {
    const fits = Math.floor(INBOX_LIMITS.stringBytesMax / size);
    expect(codeOf(`{"a":"${unit.repeat(fits)}"}`)).toBe('ok');
    expect(codeOf(`{"a":"${unit.repeat(fits + 1)}"}`)).toBe('SEKISHO_INBOX_JSON_LIMIT');
    expect(codeOf(`{"${unit.repeat(fits + 1)}":1}`)).toBe('SEKISHO_INBOX_JSON_LIMIT');
  });

  it('reads the next body whatever the last one was', () => {
    expect(codeOf(Buffer.from('7b2261223a22e282', 'hex'))).toBe('SEKISHO_INBOX_UTF8');
    expect(plain(valueOf('{"a":"é"}'))).toEqual({ a: 'é' });
  });

  it('takes a time that grows with the size, whatever the body is made of', () => {
    const { bodyBytesMax, nodesMax, stringBytesMax } = INBOX_LIMITS;
    const list = (length: number, item: (at: number) => string): string => Array.from({ length }, (_, at) => item(at)).join(',');
    // Each as large as a body may be, or as many as the limits let through.
    const worst: Readonly<Record<string, string>> = {
      keys: `{${list(nodesMax - 4, (at) => `"key${at}":1`)}}`,
      'keys that are numbers': `{${list(nodesMax - 4, (at) => `"${at * 1_023}":1`)}}`,
      'keys in escapes': `{${list(nodesMax - 4, (at) => `"\\u0061${at}":1`)}}`,
      values: `{"a":[${list(nodesMax - 3, () => '-1.5e+3')}]}`,
      escapes: `{"a":"${'\\u0061'.repeat(Math.floor(Math.min(bodyBytesMax / 6 - 2, stringBytesMax)))}"}`,
      blanks: `{${' '.repeat(bodyBytesMax - 8)}"a":1}`,
      digits: `{"a":${'1'.repeat(bodyBytesMax - 8)}}`,
      'a string without end': `{"a":"${'a'.repeat(bodyBytesMax - 8)}`,
    };
    for (const [name, text] of Object.entries(worst)) {
      const body = bytes(text);
      expect([name, body.length <= bodyBytesMax]).toEqual([name, true]);
      const times = Array.from({ length: 5 }, () => cpuMsOf(() => void parseStrictJson(body)));
      // 3 ms at most where it was measured.
      expect([name, Math.min(...times) < 25]).toEqual([name, true]);
    }
  });

  it('takes the limits it is given', () => {
    expect(parseStrictJson(bytes('{"a":[1]}'), { depthMax: 2, nodesMax: 4, stringBytesMax: 1 }).ok).toBe(true);
    expect(parseStrictJson(bytes('{"a":[1]}'), { depthMax: 1, nodesMax: 4, stringBytesMax: 1 }).ok).toBe(false);
  });
});

/** Text that is almost JSON: pieces of the grammar and of what breaks it. */
const almostJson = fc.array(fc.constantFrom('{', '}', '[', ']', ':', ',', '"', '"a"', '"b"', '1', '-', '0', '.', 'e1', 'true', 'null', ' ', '\n', '\\', '\\u0061', '\\ud800', '__proto__', '\ufeff', 'é'), { maxLength: 20 })
  .map((parts) => parts.join(''));

describe('parseStrictJson() against JSON.parse', () => {
  const agrees = (text: string): void => {
    const result = parseStrictJson(bytes(text));
    if (result.ok) expect(plain(result.value)).toEqual(JSON.parse(text));
  };

  it('accepts nothing that JSON.parse reads otherwise or not at all', () => {
    fc.assert(fc.property(almostJson, agrees), { numRuns: 2_000 });
    fc.assert(fc.property(almostJson, (text) => agrees(`{"a":${text}}`)), { numRuns: 2_000 });
    fc.assert(fc.property(fc.string({ unit: 'binary' }), agrees), { numRuns: 500 });
  });

  it('accepts every object that JSON writes, within the limits', () => {
    const object = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 8, stringUnit: 'grapheme' }));
    fc.assert(fc.property(object, fc.constantFrom('', ' ', '\n\t'), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      fc.pre(!text.includes('"__proto__"'));
      expect(plain(valueOf(text))).toEqual(JSON.parse(text));
    }), { numRuns: 500 });
  });

  it('never throws on bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (body) => void parseStrictJson(body)), { numRuns: 1_000 });
  });
});
