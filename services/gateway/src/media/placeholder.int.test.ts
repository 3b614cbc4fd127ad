import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { drawPlaceholder } from './placeholder.ts';

describe('drawPlaceholder()', () => {
  it('is a small 256 x 256 PNG of colour bars', async () => {
    const png = drawPlaceholder();
    expect(png.length).toBeLessThan(2_048);
    const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: 256, height: 256, channels: 3 });
    expect([...data.subarray(0, 3)]).toEqual([255, 255, 255]);
    expect([...data.subarray(32 * 3, 33 * 3)]).toEqual([255, 255, 0]);
    expect([...data.subarray(-3)]).toEqual([0, 0, 0]);
  });
});
