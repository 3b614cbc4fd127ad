// Pictures whose cached form has a wanted length.

import { createRequire } from 'node:module';
import { paint } from '@sekisho/testkit';
import sharp, { type Sharp, type WebpOptions } from 'sharp';

const HEIGHT = 320;
const WIDTH_MAX = 4_800;
const { WEBP } = createRequire(import.meta.url)('../../services/image-worker/src/decoder/modes.cjs') as { readonly WEBP: WebpOptions };

/** A PNG that avatar mode turns into a WebP of about `bytes`: avatars have a fixed height, so the width decides. */
export async function pictureOf(bytes: number): Promise<Buffer> {
  const { data, width, height, channels } = paint(WIDTH_MAX, HEIGHT, 3);
  const cut = (to: number): Sharp => sharp(data, { raw: { width, height, channels } }).extract({ left: 0, top: 0, width: to, height });
  let low = 16;
  let high = WIDTH_MAX;
  while (high - low > 16) {
    const middle = (low + high) >> 1;
    const { length } = await cut(middle).webp(WEBP).toBuffer();
    if (length < bytes) low = middle;
    else high = middle;
  }
  return await cut(low).png({ compressionLevel: 3 }).toBuffer();
}
