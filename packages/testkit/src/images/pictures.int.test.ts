// The tables against sharp: a test kit that says wrong sizes would make every other test wrong.

import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { encodeJpeg } from './encoders.ts';
import { makePicture, PICTURES, type TestPicture } from './pictures.ts';

sharp.cache(false);
sharp.concurrency(1);

/** sharp has no decoder for these, or needs more than the bytes (see avifSequence). */
const NOT_SHARP = ['avif-animated', 'bmp', 'ico-png', 'ico-bmp', 'text', 'html', 'empty'];
const decodable = Object.values(PICTURES).filter(({ name }) => !NOT_SHARP.includes(name));

describe('PICTURES', () => {
  it.each(decodable.map((one): [string, TestPicture] => [one.name, one]))('%s is what its row says', async (_name, one) => {
    const bytes = await one.bytes();
    const upright = await sharp(bytes).autoOrient().raw().toBuffer({ resolveWithObject: true });
    expect([upright.info.width, upright.info.height]).toEqual([one.width, one.height]);
    const meta = await sharp(bytes, { animated: true }).metadata();
    // APNG is decoded as its still first frame.
    expect(meta.pages ?? 1).toBe(one.type === 'image/apng' ? 1 : one.frames);
    if (one.loop !== undefined && one.type !== 'image/apng') expect(meta.loop).toBe(one.loop);
  });

  it('avif-animated decodes as a still under a still brand', async () => {
    const bytes = Buffer.from(await makePicture('avif-animated'));
    await expect(sharp(bytes).metadata()).rejects.toThrow('unsupported');
    bytes.write('avif', 8, 'latin1');
    const { info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([96, 96]);
  });

  it('holds the special cases it promises', async () => {
    expect((await sharp(await makePicture('jpeg-cmyk')).metadata()).space).toBe('cmyk');
    expect((await sharp(await makePicture('jpeg-orientation-6')).metadata()).orientation).toBe(6);
    expect((await sharp(await makePicture('png-16bit')).metadata()).depth).toBe('ushort');
    expect((await makePicture('apng-heavy')).length).toBeGreaterThan(1024 * 1024);
    expect((await makePicture('apng-small')).length).toBeLessThan(1024 * 1024);
    expect((await sharp(await makePicture('png-emoji')).metadata()).hasAlpha).toBe(true);
  });

  it('is the same in every run', async () => {
    expect((await encodeJpeg(320, 240, { orientation: 6 })).equals(await makePicture('jpeg-orientation-6'))).toBe(true);
  });
});
