// Deterministic pictures as raw pixels: smooth waves with a little noise, so that encoders have something to do.

import { randomNumbers } from './bytes.ts';

export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  readonly data: Buffer;
}

const wave = (value: number, period: number): number => 127 + 110 * Math.sin((value * 2 * Math.PI) / period);

/** A colourful picture; with four channels a disc on transparent ground. `shift` moves it, for animations. */
export function paint(width: number, height: number, channels: 3 | 4, shift = 0): Raster {
  const data = Buffer.alloc(width * height * channels);
  const next = randomNumbers(width * 7_919 + height * 31 + shift + 1);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const noise = (next() & 7) - 4;
      const at = (y * width + x) * channels;
      data[at] = clamp(wave(x + shift * 3, width) + noise);
      data[at + 1] = clamp(wave(y + shift * 5, height) + noise);
      data[at + 2] = (x + y + shift * 11) & 0xff;
      if (channels === 4) data[at + 3] = isInDisc(x / width, y / height) ? 255 : 0;
    }
  }
  return { width, height, channels, data };
}

const clamp = (value: number): number => Math.max(0, Math.min(255, Math.round(value)));

const isInDisc = (x: number, y: number): boolean => (x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.22;

/** Noise: nothing compresses it, for files of a known least size. */
export function paintNoise(width: number, height: number, seed: number): Raster {
  const data = Buffer.alloc(width * height * 4);
  const next = randomNumbers(seed);
  for (let at = 0; at + 4 <= data.length; at += 4) data.writeUInt32LE(next(), at);
  return { width, height, channels: 4, data };
}

/** Frames below each other, as sharp takes an animation. */
export function paintFrames(width: number, height: number, frames: number): Raster {
  const pages = Array.from({ length: frames }, (_, index) => paint(width, height, 4, index).data);
  return { width, height: height * frames, channels: 4, data: Buffer.concat(pages) };
}
