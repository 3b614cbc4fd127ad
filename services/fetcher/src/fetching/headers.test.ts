import { describe, expect, it } from '@jest/globals';
import { hostileText } from '@sekisho/testkit/arbitraries';
import fc from 'fast-check';
import { fileNameOf, validatorOf } from './headers.ts';

describe('validatorOf()', () => {
  const date = 'Thu, 01 Jan 2026 00:00:00 GMT';
  it.each([
    [{ etag: '"a"', 'last-modified': date }, '"a"'], [{ etag: 'W/"a"' }, 'W/"a"'], [{ etag: '""' }, '""'], [{ 'last-modified': date }, date],
    [{ etag: 'a', 'last-modified': date }, date], [{ etag: '"a"b"' }, undefined], [{ etag: '"a b"' }, undefined], [{ etag: '"\u00e9"' }, undefined],
    [{ etag: `"${'a'.repeat(254)}"` }, `"${'a'.repeat(254)}"`], [{ etag: `"${'a'.repeat(255)}"` }, undefined], [{ 'last-modified': 'soon' }, undefined], [{}, undefined],
  ])('%j', (headers, expected) => {
    expect(validatorOf(headers)).toBe(expected);
  });
});

describe('fileNameOf()', () => {
  it.each([
    ['attachment; filename="a.png"', 'a.png'], ['inline; filename=a.png', 'a.png'], ['attachment;filename="a\\"b.png"', 'a"b.png'],
    ["attachment; filename=\"x.png\"; filename*=UTF-8''%E3%81%82.png", 'あ.png'], ["attachment; filename*=utf-8'ja'%E3%81%82.png; filename=x", 'あ.png'],
    ["attachment; filename=\"x.png\"; filename*=iso-8859-1''%E9.png", 'x.png'], ["attachment; filename=\"x.png\"; filename*=UTF-8''%E9.png", 'x.png'],
    [`attachment; filename="${Buffer.from('あ.png').toString('latin1')}"`, 'あ.png'], ['attachment; filename="\u00e9.png"', 'é.png'],
    ['attachment; filename="../../etc/passwd"', 'passwd'], ['attachment; filename="C:\\\\a\\\\b.png"', 'b.png'],
    ["attachment; filename*=UTF-8''a%0d%0aSet-Cookie:%20x", 'aSet-Cookie: x'], ["attachment; filename*=UTF-8''a%E2%80%AEgnp.exe", 'agnp.exe'], ["attachment; filename*=UTF-8''a%00b", 'ab'],
    ['attachment; filename=".."', undefined], ['attachment; filename=""', undefined], ['attachment', undefined], ['filename="a.png"', undefined], [undefined, undefined], ['', undefined],
    ['a; x="filename=b"; filename=c', 'c'], [`attachment; filename="${'a'.repeat(300)}"`, 'a'.repeat(255)], [`attachment; filename="${'a'.repeat(5_000)}"`, undefined],
  ])('%j', (text, expected) => {
    expect(fileNameOf(text)).toBe(expected);
  });

  it('never throws, is short and holds nothing that forges a line', () => {
    const names = hostileText();
    const texts = fc.oneof(fc.string(), names.map((name) => `a; filename="${name}"`), names.map((name) => `a; filename*=UTF-8''${encodeURIComponent(name.toWellFormed())}`));
    fc.assert(fc.property(texts, (text) => {
      const name = fileNameOf(text);
      // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
      return name === undefined || (name.length <= 255 && name.length > 0 && name.isWellFormed() && !/[\u0000-\u001f\u007f-\u009f\u202a-\u202e/\\]/.test(name));
    }), { numRuns: 500 });
  });
});
