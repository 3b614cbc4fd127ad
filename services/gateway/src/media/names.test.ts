import { describe, expect, it } from '@jest/globals';
import { BROWSERSAFE_TYPES } from '@sekisho/contracts';
import { hostileText } from '@sekisho/testkit/arbitraries';
import * as fc from 'fast-check';
import { DISPOSITION_BYTES_MAX, contentDisposition, fileName } from './names.ts';

const name = (path: string, type: string, suggested?: string): string =>
  fileName({ url: `https://a.origin.example${path}`, type, suggested });

describe('fileName()', () => {
  it.each([
    ['/dummy.png', 'image/webp', 'dummy.png.webp'],
    ['/dummy.svg', 'image/webp', 'dummy.svg.webp'],
    ['/dummy.png', 'image/png', 'dummy.png'],
    ['/DUMMY.PNG', 'image/png', 'DUMMY.png'],
    ['/a.jpeg', 'image/jpeg', 'a.jpeg'],
    ['/a.jfif', 'image/jpeg', 'a.jfif'],
    ['/a', 'image/jpeg', 'a.jpg'],
    ['/a.tiff', 'image/tiff', 'a.tiff'],
    ['/anime.png', 'image/apng', 'anime.png'],
    ['/anime', 'image/apng', 'anime.apng'],
    ['/x.m4a', 'audio/mp4', 'x.m4a'],
    ['/x.bin', 'application/octet-stream', 'x.bin.unknown'],
    ['/album/', 'image/webp', 'album.webp'],
    ['/', 'image/png', 'file.png'],
    ['/.png', 'image/png', 'png.png'],
    ['/a%2Fb.png', 'image/png', 'b.png'],
    ['/%E0%A4%A.png', 'image/png', '%E0%A4%A.png'],
  ])('%s as %s is %s', (path, type, expected) => expect(name(path, type)).toBe(expected));

  it.each([
    ['../../etc/passwd', 'passwd.png'],
    ['..\\..\\boot.ini', 'boot.ini.png'],
    ['a\r\nSet-Cookie: b', 'aSet-Cookie b.png'],
    ['invoice\u202egnp.exe', 'invoicegnp.exe.png'],
    ['"; filename=evil', '; filename=evil.png'],
    ['\u0000', 'x.png'],
    ['...', 'x.png'],
    ['\ud800', '\ufffd.png'],
  ])('cleans the suggestion %j to %j', (suggested, expected) => expect(name('/x', 'image/png', suggested)).toBe(expected));
});

describe('contentDisposition()', () => {
  it('has the plain form for plain names', () => {
    expect(contentDisposition({ url: 'https://a.origin.example/dummy.png', type: 'image/webp', suggested: undefined })).toBe(
      'inline; filename="dummy.png.webp"',
    );
  });

  it('adds the escaped form for others', () => {
    expect(contentDisposition({ url: 'https://a.origin.example/x', type: 'image/png', suggested: "ねこ (1)'.png" })).toBe(
      "inline; filename=\"____1__.png\"; filename*=UTF-8''%E3%81%AD%E3%81%93%20%281%29%27.png",
    );
  });

  it('is one short line of ASCII whatever the stranger writes', () => {
    const hostile = hostileText();
    fc.assert(
      fc.property(fc.option(hostile, { nil: undefined }), hostile, fc.constantFrom(...BROWSERSAFE_TYPES, 'x/y'), (suggested, path, type) => {
        const value = contentDisposition({ suggested, url: `https://a.origin.example/${path}`, type });
        expect(Buffer.byteLength(value)).toBeLessThanOrEqual(DISPOSITION_BYTES_MAX);
        expect(value).toMatch(/^inline; filename="[\w.-]+"(?:; filename\*=UTF-8''[A-Za-z0-9!%&+_`~.^$#|-]+)?$/);
        const escaped = value.split("UTF-8''")[1];
        if (escaped !== undefined) expect(decodeURIComponent(escaped)).not.toMatch(/[\p{Cc}\p{Cf}/\\"]/u);
      }),
      { numRuns: 500 },
    );
  });
});
