// The header against a real decoder, on the project's own pictures and bombs.

import { describe, expect, it } from '@jest/globals';
import { LIMITS } from '@sekisho/contracts';
import { type Bomb, BOMBS, PICTURES, type TestPicture } from '@sekisho/testkit';
import { checkHeaderLimits, type MediaHeader, readMediaHeader } from './index.ts';

const OTHERS = ['text', 'html', 'empty'];
/** Its size lies behind 64 KiB; its screen is no size a decoder believes. */
const ODD = ['jpeg-late-frame', 'gif-script'];
const rows = (names: (name: string) => boolean): [string, TestPicture][] =>
  Object.values(PICTURES).filter(({ name }) => names(name)).map((one) => [one.name, one]);

describe('readMediaHeader() on made pictures', () => {
  it.each(rows((name) => !OTHERS.includes(name) && !ODD.includes(name)))('agrees on %s', async (name, one) => {
    const header = readMediaHeader(await one.bytes());
    const turned = name === 'jpeg-orientation-6';
    expect(header).toEqual({
      kind: 'picture',
      type: one.type,
      width: turned ? one.height : one.width,
      height: turned ? one.width : one.height,
      framesAtLeast: one.frames,
      animated: one.frames > 1,
    });
  });

  it.each(rows((name) => OTHERS.includes(name)))('says other: %s', async (_name, one) => {
    expect(readMediaHeader(await one.bytes())).toEqual({ kind: 'other' });
  });

  it('says unknown for a frame behind 64 KiB', async () => {
    expect(readMediaHeader(await PICTURES['jpeg-late-frame'].bytes())).toMatchObject({ kind: 'picture', width: 0, height: 0 });
  });
});

const refused = (header: MediaHeader): boolean => header.kind !== 'picture' || !checkHeaderLimits(header, LIMITS).ok;

describe('readMediaHeader() on bombs', () => {
  it.each(Object.values(BOMBS).map((bomb): [string, Bomb] => [bomb.name, bomb]))('judges %s as its row says', async (_name, bomb) => {
    expect(refused(readMediaHeader(await bomb.bytes()))).toBe(bomb.refusedByHeader);
  });
});
